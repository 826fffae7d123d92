# Tries to make its own svault fail open under odd limits: no files, no memory, no output, cores of any size.
# Ends: stopped
# Trail: deny
from _svault import *
import resource

for what, value in [("FSIZE", 0), ("NOFILE", 4), ("MEMLOCK", 0), ("STACK", 65536), ("CORE", -1), ("NPROC", 1)]:
    def limit():
        soft, hard = resource.getrlimit(getattr(resource, f"RLIMIT_{what}"))
        attempt(what, lambda: resource.setrlimit(getattr(resource, f"RLIMIT_{what}"), (value, hard)))
    for args in [["show", "HIGH"], ["unlock"], ["list"], ["policy", "show"], ["add", "X"]]:
        attempt(what, lambda: cli(*args, preexec_fn=limit))
    attempt(what, lambda: get("MEDIUM", preexec_fn=limit))
for fds in [(0,), (1,), (2,), (0, 1, 2)]:
    closed = lambda: [os.close(fd) for fd in fds]
    subprocess.run([SVAULT, "show", "HIGH"], preexec_fn=closed, stdout=None)
    subprocess.run([SVAULT, "get", "MEDIUM", "--scope", "db", "--reason", REASON, "--wait", "0"], preexec_fn=closed)
