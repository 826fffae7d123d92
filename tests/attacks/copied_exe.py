# Tries to be a registered program by a copy, another name, or the loader that runs it.
# Ends: stopped
# Trail: deny
from _svault import *
import shutil

line = f"'{SVAULT}' get VIP --scope vip --wait 0 --reason '{REASON}'; exit $?"


def runs(program, **more):
    cli("--norc", "-c", line, program=program, name="VIP", **more)


shutil.copy(ROBOT, f"{WORK}/robot")
os.mkdir(f"{WORK}/d", 0o700)
shutil.copy(ROBOT, f"{WORK}/d/robot")
for program in [f"{WORK}/robot", f"{WORK}/d/robot", "/bin/bash"]:
    runs(program)
for loader in glob.glob("/lib64/ld-linux*") + glob.glob("/lib/ld-linux*"):
    runs(ROBOT, prefix=[loader])
runs(ROBOT, executable="/bin/bash")
