# Tries to catch the daemon in its first moments, before it has closed itself: stop it, open its memory, trace it.
# Ends: stopped
from _svault import *

libc.ptrace.argtypes = [ctypes.c_long] * 4
held, caught = [], []


def catch(until):
    """Stops each new daemon as soon as it is there, and takes what it can while it stands."""
    seen = set()
    while not os.path.exists(until):
        for pid in range(newest(), newest() + 40):
            if pid in seen:
                continue
            try:
                args = open(f"/proc/{pid}/cmdline", "rb").read().split(b"\0")
            except OSError:
                continue
            if args[1:3] != [b"daemon", b"run"] or STORE.encode() not in args:
                continue
            seen.add(pid)
            os.kill(pid, signal.SIGSTOP)
            say("caught", pid)
            caught.append(pid)
            attempt(f"mem of {pid}", lambda: held.append((pid, open(f"/proc/{pid}/mem", "r+b", buffering=0))))
            if n % 2:
                say("seize", pid, libc.ptrace(0x4206, pid, 0, 0))
            os.kill(pid, signal.SIGCONT)


def newest():
    """About the last process id that was given."""
    return int(open("/proc/loadavg").read().split()[-1]) - 2


for n in range(8):
    human("lock")
    number = human("unlock", wait=False)
    catch(f"{WORK}/answers/{number}.done")
    answer(number)
    if not daemon():
        human("unlock")
    attempt("LOW", lambda: request("LOW"))
    for pid, memory in held:
        if pid == daemon():
            def look():
                memory.seek(0x400000)
                return memory.read(16)
            attempt("held memory", look)
            keep("memory", str(pid).encode())
            raise SystemExit("the daemon's memory is open to whoever was quick")
    status = open(f"/proc/{daemon()}/status").read()
    tracer = [l for l in status.splitlines() if l.startswith("TracerPid")][0]
    say(tracer)
    assert tracer.split()[1] == "0", "the daemon is traced"
assert caught, "it was never quick enough"
