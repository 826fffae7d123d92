# Tries to be a registered program by a link in its place, which leads to another program.
# Ends: documented as N17 got VIP
# Trail: allow
from _svault import *

os.rename(ROBOT, f"{WORK}/aside")
os.symlink("/bin/bash", ROBOT)
line = f"'{SVAULT}' get VIP --scope vip --wait 0 --reason '{REASON}'; exit $?"
cli("--norc", "-c", line, program=ROBOT, name="VIP")
os.remove(ROBOT)
os.rename(f"{WORK}/aside", ROBOT)
