# Tries to become svault itself inside a human's open window: a script that the human starts, and which execs. It runs again
# what the human has just run, in an environment of its own.
# Ends: documented as N5 got MEDIUM
# Needs: Script
from _svault import *

child = f"{WORK}/child.sh"
open(child, "w").write("true\n")
open(f"{WORK}/hook", "w").write(f'printf %s "$V" > {LOOT}/value\n')
open(f"{WORK}/in_window.sh", "w").write(f"""
exec 2> {LOOT}/errors
BASH_ENV={WORK}/hook exec "$SVAULT" run --env V=MEDIUM -- /bin/bash {child}
""")
human("lock")
human("types unlock in_window.sh")
say(open(f"{LOOT}/errors").read())
