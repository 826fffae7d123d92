# Tries to use the window that a human opened: from a script in the background of that very terminal, typing included.
# Ends: stopped
# Needs: Script
# Trail: deny
from _svault import *

open(f"{WORK}/in_window.sh", "w").write(f"""
exec > {LOOT}/window 2>&1
tty < /dev/tty
/usr/bin/python3 {WORK}/inner.py < /dev/tty
/usr/bin/python3 {WORK}/inner.py < /dev/tty &
wait $!
echo end
""")
open(f"{WORK}/inner.py", "w").write(f"""
import os, sys
os.environ.update(SVAULT={SVAULT!r}, STORE={STORE!r}, WORK={WORK!r}, LOOT={LOOT!r}, ROBOT={ROBOT!r})
sys.path.insert(0, {WORK!r})
from _svault import *
import fcntl, termios
tty = os.open("/dev/tty", os.O_RDWR)
for c in "svault show HIGH > {LOOT}/typed\\n":
    if attempt("TIOCSTI", lambda: fcntl.ioctl(tty, termios.TIOCSTI, c.encode())) is None:
        break
# In the open, as svault's own commands do that a window serves, and without a terminal that could be asked.
wants = [dict(want="list"), dict(want="policy_show"), dict(want="audit_list"), dict(want="pending"), dict(want="vault_list")]
for door in ["cli", "tui"]:
    for want in wants:
        c = hello(None, door)
        c.send(dict(type="want", **want))
        say(want, c.answer())
for args in [["list"], ["policy", "show"], ["audit", "list"], ["vault", "list"]]:
    cli(*args, preexec_fn=os.setsid)
for name in ["HIGH", "MEDIUM", "OTHER"]:
    cli("show", name, preexec_fn=os.setsid)
    cli("run", "--env", "V=" + name, "--", "/usr/bin/env", preexec_fn=os.setsid)
    get(name)
    get(name, preexec_fn=os.setsid)
""")
human("lock")
human("types unlock in_window.sh")
said = open(f"{LOOT}/window").read()
say(said)
assert said.endswith("end\n"), "it did not come to its end"
for name in ["NIGHT", "STARTED", "robot", "seal_after"]:
    assert name not in said, f"{name}, of which it was not to know"
