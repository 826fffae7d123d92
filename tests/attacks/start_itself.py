# Tries to become an agent that a human has started: agent start, its message by hand, a launcher's child it isn't.
# Ends: stopped
# Trail: deny
from _svault import *

cli("agent", "start", "started", "--", SVAULT, "get", "STARTED", "--scope", "started", "--reason", REASON)
cli("agent", "start", "started", "--passphrase-fd", "0", "--", "/bin/sh", "-c", f"'{SVAULT}' get STARTED --scope started --reason '{REASON}'", stdin=b"x\n")
for door in ["cli", "tui", "mcp"]:
    c = hello(door=door)
    c.send({"type": "want", "want": "agent_start", "caller": "started", "argv": ["/bin/sh"], "cwd": "/"})
    say(c.answer())
    c.send(ask("STARTED", scope="started"))
    take(c, "STARTED")
libc.prctl(36, 1, 0, 0, 0)
request("STARTED", caller="started", scope="started")
