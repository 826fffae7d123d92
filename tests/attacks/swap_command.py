# Tries to change the program that a human has just approved, before it starts.
# Ends: documented as N6 got MEDIUM
# Trail: ask, approve, allow
# Given: MEDIUM
from _svault import *

tool = f"{WORK}/tool.sh"
open(tool, "w").write("echo migrated\n")
run = [SVAULT, "run", "--env", "V=MEDIUM", "--scope", "db", "--reason", REASON, "--caller", "tester", "--wait", "30", "--", "/bin/sh", tool]
going = subprocess.Popen(run)
human("approve", wait=False)
open(tool, "w").write(f"printf %s \"$V\" | rev > {LOOT}/MEDIUM.1\n")
going.wait()
