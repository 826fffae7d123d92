# Tries to look like a human: a terminal of its own with a login shell in it, and a script that types.
# Ends: stopped
from _svault import *
import pty, select

pid, fd = pty.fork()
if pid == 0:
    os.execv("/bin/bash", ["-bash", "--norc", "--noprofile", "-i"])
seen = b""


def types(line, seconds=0.9):
    global seen
    os.write(fd, line.encode())
    end = time.time() + seconds
    while time.time() < end:
        if select.select([fd], [], [], 0.1)[0]:
            seen += os.read(fd, 65536)


types("unset HISTFILE\n", 0.5)
for line in ["list", "show HIGH", "agent start started -- /bin/sh"]:
    types(f"EDITOR=true '{SVAULT}' {line}\n")
    types("a guess that is wrong\n")
    types("\x03\n", 0.3)
    types("y\n", 0.3)
open(f"{LOOT}/screen", "wb").write(seen)
say(seen.decode(errors="replace"))
for name in [b"MEDIUM", b"OTHER", b"tester"]:
    assert name not in seen, f"{name} on the screen"
