# Tries to slip in a vault of its own store, whose values and classes it chose, in place of the user's.
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
human("lock")
theirs = [p for p in glob.glob(f"{STORE}/**/*.svault", recursive=True) if "/trail/" not in p and "store.svault" not in p]
ours = [p for p in glob.glob(f"{own}/**/*.svault", recursive=True) if "/trail/" not in p and "store.svault" not in p]
assert theirs and ours
os.rename(theirs[0], f"{WORK}/aside")
subprocess.run(["cp", "-p", ours[0], theirs[0]], check=True)
say("unlocked with a stranger's vault:", human("unlock"))
for name in ALL:
    request(name)
human("lock")
os.rename(f"{WORK}/aside", theirs[0])
