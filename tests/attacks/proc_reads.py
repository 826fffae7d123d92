# Tries to read the daemon and its helper through /proc: memory, environment, maps, descriptors, stacks, and more.
# Ends: stopped
from _svault import *

request("LOW")
names = ["mem", "environ", "maps", "smaps", "stack", "syscall", "auxv", "pagemap", "io", "wchan", "personality", "timers"]
for pid in filter(None, [daemon(), helper()]):
    for name in names:
        data = attempt(f"{pid} {name}", lambda: open(f"/proc/{pid}/{name}", "rb").read(1 << 20))
        if data and name in ["mem", "environ", "maps", "smaps"]:
            keep("proc", data)
            raise SystemExit(f"{name} of {pid} can be read")
    for folder in ["fd", "map_files", "cwd", "root", "task"]:
        for entry in attempt(f"{pid} {folder}", lambda: os.listdir(f"/proc/{pid}/{folder}")) or []:
            at = f"/proc/{pid}/{folder}/{entry}"
            if folder in ["fd", "map_files"]:
                attempt(at, lambda: keep("proc", open(at, "rb").read(65536)))
            if folder == "task":
                attempt(at, lambda: keep("proc", open(at + "/mem", "rb").read(1)))
    attempt("exe", lambda: os.chmod(f"/proc/{pid}/exe", 0o755))
