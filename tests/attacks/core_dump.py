# Tries to have the daemon's memory written to a core file: limits raised from outside, then every deadly signal.
# Ends: stopped
from _svault import *
import resource

request("LOW")
for sig in [signal.SIGQUIT, signal.SIGABRT, signal.SIGSEGV, signal.SIGSYS, signal.SIGTRAP, signal.SIGXFSZ]:
    pid = daemon()
    attempt("prlimit", lambda: resource.prlimit(pid, resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)))
    attempt("filter", lambda: open(f"/proc/{pid}/coredump_filter", "w").write("0x7f"))
    os.kill(pid, sig)
    for _ in range(400):
        if stat(pid)[0] in "ZX":
            break
        time.sleep(0.01)
    kill_daemon()
    assert human("unlock") == 0
pattern = open("/proc/sys/kernel/core_pattern").read().strip()
say("core_pattern", pattern)
found = glob.glob("/core*") + glob.glob(f"{STORE}/**/core*", recursive=True) + glob.glob(os.path.expanduser("~/core*"))
for path in found:
    attempt(path, lambda: keep("core", open(path, "rb").read()))
