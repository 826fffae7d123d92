# Tries to stand in the daemon's place by replacing the folder of its socket: moved, linked, opened to all.
# Ends: stopped
from _svault import *

state = f"{STORE}/state"
for make in ["link", "empty", "open"]:
    os.rename(state, f"{WORK}/state")
    if make == "link":
        os.symlink(f"{WORK}/state", state)
    elif make == "empty":
        os.mkdir(state, 0o700)
    else:
        os.mkdir(state, 0o777)
        os.chmod(state, 0o777)
    say(make, human("show HIGH"), human("unlock"))
    time.sleep(1.5)
    if os.path.islink(state):
        os.remove(state)
    else:
        subprocess.run(["rm", "-rf", state])
    os.rename(f"{WORK}/state", state)
    kill_daemon()
    assert human("unlock") in [0, 5]
request("LOW")
