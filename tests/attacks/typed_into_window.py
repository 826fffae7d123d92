# Tries to use the window that a human opened: from a script in the background of that very terminal, typing included.
# Ends: stopped
# Needs: Script
from _svault import *

open(f"{WORK}/in_window.sh", "w").write(f"""
exec > {LOOT}/window 2>&1
tty < /dev/tty
/usr/bin/python3 {WORK}/inner.py < /dev/tty
""")
open(f"{WORK}/inner.py", "w").write(f"""
import fcntl, os, subprocess, sys, termios, time
tty = os.open("/dev/tty", os.O_RDWR)
for c in "svault show HIGH > {LOOT}/typed\\n":
    try:
        fcntl.ioctl(tty, termios.TIOCSTI, c.encode())
    except OSError as e:
        print("TIOCSTI", e)
        break
for name in ["HIGH", "MEDIUM", "OTHER"]:
    for args in [["show", name], ["get", name, "--scope", "db", "--reason", "{REASON}"],
                 ["run", "--env", "V=" + name, "--", "/usr/bin/env"]]:
        done = subprocess.run([os.environ["SVAULT"], *args], stdin=subprocess.DEVNULL, start_new_session=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=20,
                              env={{**os.environ, "TERM": "dumb"}}, preexec_fn=os.setsid)
        print(args, done.returncode, done.stdout, done.stderr)
""")
human("lock")
human("types unlock in_window.sh")
say(open(f"{LOOT}/window").read())
