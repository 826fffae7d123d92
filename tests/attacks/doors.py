# Tries to come in by another door, or with a wider exposure or scope than it has.
# Ends: stopped
# Trail: deny
from _svault import *

for door in ["cli", "mcp", "tui", "desktop", "proxy", "hook", "human", "", None, 0]:
    for exposure in ["value", "env", "file", "proxy", "none", None]:
        time.sleep(0.02)
        c = hello("tester", door)
        c.send(ask("HIGH", exposure=exposure))
        take(c, "HIGH")
for scope in ["payments", "vip", "db,payments", "*", "", None, ["db", "payments"]]:
    c = hello()
    c.send(ask("OTHER", scope=scope))
    take(c, "OTHER")
