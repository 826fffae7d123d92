# Tries to catch the human's own svault in its first moments and to read the passphrase out of it later.
# Ends: documented as N3
from _svault import *

libc.ptrace.argtypes = [ctypes.c_long] * 4
seen = set()
human("lock")
number = human("unlock", wait=False)
while not os.path.exists(f"{WORK}/answers/{number}.done"):
    last = int(open("/proc/loadavg").read().split()[-1])
    for pid in range(last - 2, last + 40):
        try:
            args = open(f"/proc/{pid}/cmdline", "rb").read().split(b"\0")
            if args[1:2] == [b"unlock"] and pid not in seen:
                seen.add(pid)
                attempt("mem", lambda: open(f"/proc/{pid}/mem", "rb", buffering=0))
                for fd in range(3, 12):
                    attempt(f"fd {fd}", lambda: os.open(f"/proc/{pid}/fd/{fd}", os.O_RDONLY | os.O_NONBLOCK))
        except OSError:
            pass
answer(number)
