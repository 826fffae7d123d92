# Tries to have a registered program do its asking, by starting it with its own commands, or by taking its place.
# Ends: documented as N8 got VIP
# Trail: allow
from _svault import *

line = f"'{SVAULT}' get VIP --scope vip --wait 0 --reason '{REASON}' > {LOOT}/VIP.1; exit $?"
done = subprocess.run([ROBOT, "--norc", "-c", line], capture_output=True)
say(done.returncode, done.stderr)
# What only an agent has that a human started stays out of reach.
line = f"'{SVAULT}' get STARTED --scope started --caller started --wait 0 --reason '{REASON}' > {LOOT}/STARTED.1; exit $?"
done = subprocess.run([ROBOT, "--norc", "-c", line], capture_output=True)
say(done.returncode, done.stderr)
