# Tries to catch the human's own svault in its first moments and to read the passphrase out of it.
# Ends: documented as N3
# Given: PASSPHRASE
from _svault import *

# The moment is short, so that it may get it, and need not.
caught = []


def catch(until):
    """Stops the human's svault as soon as it is there, and takes the passphrase before that one does."""
    seen = set()
    while not os.path.exists(until):
        last = int(open("/proc/loadavg").read().split()[-1])
        for pid in range(last - 2, last + 40):
            try:
                args = open(f"/proc/{pid}/cmdline", "rb").read().split(b"\0")
                if args[1:2] != [b"unlock"] or pid in seen:
                    continue
                seen.add(pid)
                os.kill(pid, signal.SIGSTOP)
            except OSError:
                continue
            caught.append(pid)
            fd = int(args[args.index(b"--passphrase-fd") + 1])
            attempt("mem", lambda: open(f"/proc/{pid}/mem", "rb", buffering=0))
            attempt("pipe", lambda: keep("typed", os.read(os.open(f"/proc/{pid}/fd/{fd}", os.O_RDONLY | os.O_NONBLOCK), 1000)))
            os.kill(pid, signal.SIGCONT)


for n in range(10):
    human("lock")
    number = human("unlock", wait=False)
    catch(f"{WORK}/answers/{number}.done")
    answer(number)
assert caught, "it was never quick enough"
