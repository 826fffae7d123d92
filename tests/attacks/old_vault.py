# Tries to bring back an older vault, with what a human has since made stricter: a copy from then, and cuts of today's.
# Ends: stopped
# House: edited
# Trail: deny
from _svault import *

human("lock")
path = f"{STORE}/vaults/main.svault"
today, older = open(path, "rb").read(), open(f"{WORK}/older.svault", "rb").read()
subprocess.run(["cp", "-p", path, f"{WORK}/aside"], check=True)
assert today.startswith(older) and today != older, "no vault of before the edit"
for size in [len(older), *[len(today) - cut for cut in [1, 40, 300]], len(today) // 2, 0]:
    open(path, "wb").write(today[:size])
    say(f"{size} of {len(today)} bytes")
    assert human("unlock") == 0
    assert request("HIGH")["type"] == "denied", "an older vault is open"
    assert human("show HIGH") != 0, "an older vault is open to a human, who is not told"
    human("lock")
    subprocess.run(["cp", "-p", f"{WORK}/aside", path], check=True)
assert human("unlock") == 0
assert human("show HIGH") == 0
