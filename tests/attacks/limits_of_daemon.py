# Tries to make the daemon fail open by taking its resources away from outside: file size, descriptors, memory, stack.
# Ends: stopped
# Trail: allow
from _svault import *
import resource

for what, value in [("FSIZE", 0), ("FSIZE", 100), ("NOFILE", 3), ("NOFILE", 12), ("MEMLOCK", 0), ("DATA", 1), ("AS", 1 << 20),
                    ("STACK", 4096), ("NPROC", 0), ("SIGPENDING", 0)]:
    pid = daemon()
    kind = getattr(resource, f"RLIMIT_{what}", 11)
    attempt(what, lambda: resource.prlimit(pid, kind, (value, resource.RLIM_INFINITY)))
    for name in ["LOW", "MEDIUM", "OTHER"]:
        attempt(name, lambda: request(name))
    if daemon() != pid:
        assert human("unlock") == 0
    else:
        attempt(what, lambda: resource.prlimit(pid, kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)))
        kill_daemon()
        assert human("unlock") == 0
request("LOW")
