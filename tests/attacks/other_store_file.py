# Tries to learn the passphrase from a proof over a store file of its own making, whose salt and slots it knows.
# Ends: stopped
from _svault import *

own = f"{WORK}/own"
own_store(own)
cli("lock", env={"SVAULT_HOME": own})
file = f"{STORE}/store.svault"
real = open(file, "rb").read()
# Below the running daemon: the client reads the slots from the file, the daemon from its memory.
os.rename(file, file + ".real")
open(file, "wb").write(open(f"{own}/store.svault", "rb").read())
assert human("show HIGH") != 0
# And the real one with its salt changed.
changed = bytearray(real)
changed[150] ^= 1
open(file, "wb").write(changed)
assert human("show HIGH") != 0
os.rename(file + ".real", file)
request("LOW")
