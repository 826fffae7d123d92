# Tries to undo what a human did, by putting back all files of the store at once.
# Ends: documented as N1
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
subprocess.run(["rm", "-rf", STORE], check=True)
subprocess.run(["cp", "-a", f"{WORK}/new", STORE], check=True)
