# Tries to accept the older files that it has put there itself.
# Ends: stopped
# Checks: refused
from _svault import *

subprocess.run(["cp", "-a", f"{STORE}/trail", f"{WORK}/old"], check=True)
for _ in range(3):
    request("LOW")
human("lock")
subprocess.run(["rm", "-rf", f"{STORE}/trail"], check=True)
subprocess.run(["cp", "-a", f"{WORK}/old", f"{STORE}/trail"], check=True)
for guess in [b"", b"y\n", b"yes\n", b"a guess\n"]:
    done = cli("unlock", "--accept-rollback", "--passphrase-fd", "0", stdin=guess)
    assert done.returncode != 0
done = cli("unlock", "--accept-rollback")
assert done.returncode != 0
while daemon():
    # What could not open ends by itself.
    time.sleep(0.05)
