# Tries to have the daemon's memory written to a core file: limits raised from outside, then every deadly signal.
# Ends: stopped
# Needs: Cores
from _svault import *
import resource

ANY = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
most = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (most, most))
os.mkdir(f"{WORK}/cores", 0o700)


def dies(process, sig):
    """Whether it left a core: what the kernel says of its end."""
    # The first SIGSEGV of which nothing is at fault only takes a handler away.
    os.kill(process.pid, sig)
    time.sleep(0.05)
    os.kill(process.pid, sig)
    return os.WCOREDUMP(os.waitpid(process.pid, 0)[1])


def refused(do):
    try:
        do()
        return False
    except PermissionError:
        return True


def closed(pid):
    return (refused(lambda: resource.prlimit(pid, resource.RLIMIT_CORE, ANY)),
            refused(lambda: open(f"/proc/{pid}/coredump_filter", "w").write("0x7f")))


own = subprocess.Popen(["/bin/sleep", "60"], cwd=f"{WORK}/cores")
time.sleep(0.2)
assert not closed(own.pid)[1] and dies(own, signal.SIGSEGV), "no process here leaves a core"
for core in os.listdir(f"{WORK}/cores"):
    os.remove(f"{WORK}/cores/{core}")
deadly = [signal.SIGQUIT, signal.SIGABRT, signal.SIGSEGV, signal.SIGSYS, signal.SIGTRAP, signal.SIGXFSZ]
request("LOW")
for sig in deadly:
    pid = daemon()
    assert closed(pid) == (True, True), "its core may have any size, and all of its memory"
    for _ in range(20):
        if stat(pid)[0] in "ZX":
            break
        attempt(sig, lambda: os.kill(pid, sig))
        time.sleep(0.05)
    kill_daemon()
    assert human("unlock") == 0
# One that it has started itself, where a core could be written, and whose end it is told.
human("lock")
for sig in [signal.SIGSEGV, signal.SIGABRT]:
    ours, theirs = socket.socketpair()
    started = subprocess.Popen([SVAULT, "daemon", "run", "--store", STORE], stdin=theirs, cwd=f"{WORK}/cores")
    theirs.close()
    c = Conn.__new__(Conn)
    c.s = ours
    ours.settimeout(5)
    say(c.answer())
    assert not dies(started, sig), "its core is written"
    ours.close()
found = glob.glob("/core*") + glob.glob(f"{STORE}/**/core*", recursive=True) + glob.glob(os.path.expanduser("~/core*"))
found += os.listdir(f"{WORK}/cores")
assert not found, found
