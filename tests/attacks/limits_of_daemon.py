# Tries to make the daemon fail open by taking its resources away from outside: file size, descriptors, memory, stack.
# Ends: stopped
# Checks: unwritten
# Trail: allow
from _svault import *
import resource


def quickly(name):
    c = Conn(timeout=0.5)
    c.send({"type": "hello", "version": 1, "door": "cli", "caller": "tester"})
    c.answer()
    c.send(ask(name))
    take(c, name)


for what, value in [("FSIZE", 0), ("FSIZE", 100), ("NOFILE", 3), ("NOFILE", 12), ("MEMLOCK", 0), ("DATA", 1), ("AS", 1 << 20),
                    ("STACK", 4096), ("NPROC", 0), ("SIGPENDING", 0)]:
    pid = daemon()
    kind = getattr(resource, f"RLIMIT_{what}", 11)
    hard = resource.prlimit(pid, kind)[1]
    resource.prlimit(pid, kind, (value, hard))
    assert resource.prlimit(pid, kind)[0] == value, f"{what} is what it was"
    for name in ["LOW", "MEDIUM", "OTHER"]:
        attempt(f"{what} {value}: {name}", lambda: quickly(name))
    if daemon() == pid:
        kill_daemon()
    assert human("unlock") == 0
request("LOW")
