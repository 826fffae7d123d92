# Tries to undo what a human did, by putting back all files of the store at once.
# Ends: documented as N1
# Trail: allow
from _svault import *

subprocess.run(["cp", "-a", STORE, f"{WORK}/old"], check=True)
request("LOW")
human("lock")
subprocess.run(["cp", "-a", STORE, f"{WORK}/new"], check=True)
subprocess.run(["rm", "-rf", STORE], check=True)
subprocess.run(["cp", "-a", f"{WORK}/old", STORE], check=True)
assert human("unlock") == 0, "is N1 stopped by now?"
for name in ALL[1:]:
    request(name)
if daemon():
    human("lock")
# What it was told meanwhile is in the trail that goes now.
if os.path.exists(f"{WORK}/told"):
    os.remove(f"{WORK}/told")
subprocess.run(["rm", "-rf", STORE], check=True)
subprocess.run(["cp", "-a", f"{WORK}/new", STORE], check=True)
