# Tries to have two daemons on one store, or none, by moving, replacing and holding the lock file.
# Ends: stopped
# House: tight
# Trail: deny
from _svault import *
import fcntl

lock = f"{STORE}/store.lock"
os.rename(lock, lock + ".away")
first = daemon()
say("unlocked beside it:", human("unlock"))
request("LOW")
time.sleep(2.5)
running = [p for p, a in processes() if a[1:3] == [b"daemon", b"run"] and STORE.encode() in a and stat(p)[0] not in "ZX"]
say("before:", first, "now:", running)
assert len(running) <= 1, "two daemons on one store"
if os.path.exists(lock + ".away"):
    os.remove(lock + ".away")
kill_daemon()
# What a lock file is exchanged for is a denial of service: the store asks for a human who has a look.
held = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(held, fcntl.LOCK_EX)
assert human("unlock") != 0
os.close(held)
assert human("unlock") == 0
request("LOW")
