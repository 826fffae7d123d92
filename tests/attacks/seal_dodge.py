# Tries to get round its seal: other names, other doors, other processes, orphans, spelling, a proposal of that name.
# Ends: stopped
# House: sealed
# Needs: UserNamespaces
# Trail: deny
from _svault import *

for caller in ["tester", None, "nobody", "unknown", "x"]:
    for door in ["cli", "mcp", "hook", "tui"]:
        request("LOW", caller=caller, door=door)
for name in ["low", "LOW ", "Low", "main/LOW", "svault://main/LOW", "LOW\0"]:
    c = hello()
    c.send(ask(name))
    say(c.rest())
if not os.fork():
    os.setsid()
    if not os.fork():
        get("LOW")
        request("LOW")
    sys.stdout.flush()
    os._exit(0)
os.wait()
time.sleep(0.5)
cli("add", "LOW", stdin=b"mine")
cli("unseal", "7K2MQ9XA")
cli("seals")
for prefix in [["unshare", "--user", "--map-root-user"], ["setsid"], ["nohup"], ["env", "-i"]]:
    get("LOW", prefix=prefix)
