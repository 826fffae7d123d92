# Tries to slip in a vault of its own store, whose values and classes it chose, in place of the user's.
# Ends: stopped
# Trail: deny
from _svault import *

own = f"{WORK}/own"
own_store(own)
cli("lock", env={"SVAULT_HOME": own})
human("lock")
theirs, ours = f"{STORE}/vaults/main.svault", f"{own}/vaults/main.svault"
os.rename(theirs, f"{WORK}/aside")
subprocess.run(["cp", "-p", ours, theirs], check=True)
assert human("unlock") == 0
# Its own vault has HIGH for everybody.
for name in ALL:
    assert request(name)["type"] == "denied", "a stranger's vault is open"
assert human("show HIGH") != 0, "a stranger's vault is open to a human, who is not told"
human("lock")
os.rename(f"{WORK}/aside", theirs)
