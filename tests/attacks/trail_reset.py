# Tries to reset its rate and to hide what it did by taking the trail away, back, or apart while nobody writes to it.
# Ends: stopped
# House: tight
# Checks: refused
from _svault import *

subprocess.run(["cp", "-a", f"{STORE}/trail", f"{WORK}/trail"], check=True)
kill_daemon()
subprocess.run(["rm", "-rf", f"{STORE}/trail"], check=True)
assert human("unlock") == 5
os.makedirs(f"{STORE}/trail", 0o700, exist_ok=True)
assert human("unlock") == 5
subprocess.run(["rm", "-rf", f"{STORE}/trail"], check=True)
subprocess.run(["cp", "-a", f"{WORK}/trail", STORE], check=True)
segments = sorted(glob.glob(f"{STORE}/trail/*"))
data = open(segments[-1], "rb").read()
for cut in [1, 700, 3000]:
    open(segments[-1], "wb").write(data[:-cut])
    say("cut by", cut, "->", human("unlock"))
    if daemon():
        request("LOW")
        kill_daemon()
os.remove(f"{STORE}/state/heads")
assert human("unlock") == 5
open(segments[-1], "wb").write(data[: len(data) // 2])
