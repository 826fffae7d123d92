# Tries to become svault itself inside a human's open window: a script that the human starts, and which execs.
# Ends: documented as N5
# Needs: Script
from _svault import *

open(f"{WORK}/in_window.sh", "w").write(f"""
exec > {LOOT}/names 2> {LOOT}/errors
exec "$SVAULT" list
""")
human("lock")
human("types unlock in_window.sh")
names = open(f"{LOOT}/names").read()
say(names)
assert "MEDIUM" in names, "the window gave no names: is N5 stopped by now?"
