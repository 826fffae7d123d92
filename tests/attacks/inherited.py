# Tries to use what a command of the human's svault run inherits: descriptors, the parent's memory, its connection.
# Ends: stopped
# Trail: allow
from _svault import *

open(f"{WORK}/child.sh", "w").write(f"""
exec > {LOOT}/child 2>&1
ls -l /proc/self/fd
/usr/bin/python3 - <<END
import os
for fd in range(3, 400):
    try:
        os.set_blocking(fd, False)
        print(fd, os.readlink("/proc/self/fd/%d" % fd), os.read(fd, 1000))
    except OSError:
        pass
END
cat /proc/$PPID/environ /proc/$PPID/maps
head -c 1 /proc/$PPID/mem
ls -l /proc/$PPID/fd
"$SVAULT" show HIGH
"$SVAULT" list
exit 0
""".replace("$SVAULT", SVAULT))
human("run")
text = open(f"{LOOT}/child").read()
say(text)
# What its parent, the guard, has is listed behind that one's environment: the guard can be seen, and holds nothing.
own = text.split("HOME=")[0]
assert "socket:" not in own, "a socket is inherited"
assert "/store" not in own.replace(STORE + "/state", ""), "a file of the store is open"
