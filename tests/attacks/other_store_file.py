# Tries to learn the passphrase from a proof over a store file of its own making, whose salt and slots it knows.
# Ends: stopped
from _svault import *

own = f"{WORK}/own"
read, write = os.pipe()
os.set_inheritable(read, True)
os.write(write, b"an own passphrase of nine words and more 77\n")
os.close(write)
code = os.open(f"{WORK}/own-code", os.O_CREAT | os.O_WRONLY, 0o600)
cli("init", "--passphrase-fd", str(read), "--recovery-out-fd", str(code), env={"SVAULT_HOME": own}, pass_fds=(read, code))
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
