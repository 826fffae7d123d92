# Tries to reset its rate by killing the daemon, by signals, by lock, and by another name.
# Ends: stopped
# House: tight
# Trail: deny:rate
from _svault import *

request("LOW")
for sig in [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGABRT]:
    pid = daemon()
    os.kill(pid, sig)
    while stat(pid)[0] not in "ZX":
        time.sleep(0.005)
    assert human("unlock") == 0
    for door in ["cli", "mcp"]:
        request("LOW", door=door)
cli("lock")
human("unlock")
get("LOW")
