# Tries to stand in the daemon's place by replacing the folder of its socket: moved, linked, opened to all.
# Ends: stopped
from _svault import *

state, name = f"{STORE}/state", os.path.basename(socket_path())
for make in ["link", "empty", "open"]:
    heard, folder = f"{WORK}/heard-{make}", f"{WORK}/listening" if make == "link" else state
    open(heard, "w").close()
    os.rename(state, f"{WORK}/state")
    os.mkdir(folder, 0o700)
    if make == "link":
        os.symlink(folder, state)
    elif make == "open":
        os.chmod(folder, 0o777)
    play_daemon(f"{folder}/{name}", heard)
    assert 0 not in [human("show HIGH"), human("list"), human("unlock")]
    time.sleep(1.5)
    said = open(heard).read()
    say(make, "heard", said)
    assert "prove_end" not in said, "a proof was sent into a folder that is not the daemon's"
    if make != "empty":
        assert said == "", "somebody spoke to whom anybody may have put there"
    subprocess.run(["rm", "-rf", state], check=True)
    os.rename(f"{WORK}/state", state)
    kill_daemon()
    assert human("unlock") == 0
request("LOW")
