# Tries to read a secret that it may only use: it prints the variable of the command that was given it.
# Ends: documented as N6 got MEDIUM
# Given: MEDIUM
# Trail: ask, approve, allow
from _svault import *

run = [SVAULT, "run", "--env", "V=MEDIUM", "--scope", "db", "--reason", REASON, "--caller", "tester", "--wait", "30", "--",
       "/bin/sh", "-c", f"rev < /proc/self/environ > {LOOT}/MEDIUM.1; printf %s \"$V\" > {LOOT}/MEDIUM.2"]
going = subprocess.Popen(run)
human("approve")
going.wait()
os.remove(f"{LOOT}/MEDIUM.1")
