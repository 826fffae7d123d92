# Tries to be a registered program by a copy, another name, a link in its place, or the loader that runs it.
# Ends: stopped
# Trail: deny
from _svault import *
import shutil

line = f"'{SVAULT}' get VIP --scope vip --wait 0 --reason '{REASON}'; exit $?"
shutil.copy(ROBOT, f"{WORK}/robot")
os.mkdir(f"{WORK}/d", 0o700)
shutil.copy(ROBOT, f"{WORK}/d/robot")
loaders = glob.glob("/lib64/ld-linux*") + glob.glob("/lib/ld-linux*")
tries = [[f"{WORK}/robot"], [f"{WORK}/d/robot"], ["/bin/bash"]] + [[l, ROBOT] for l in loaders]
for words in tries:
    done = subprocess.run([*words, "--norc", "-c", line], capture_output=True)
    say(words, done.stdout, done.stderr)
    keep("VIP", done.stdout)
done = subprocess.run([ROBOT, "--norc", "-c", line], executable="/bin/bash", capture_output=True)
keep("VIP", done.stdout)
