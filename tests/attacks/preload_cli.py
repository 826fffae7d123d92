# Tries to read more than its due by preloading a library into its own svault, which writes down all that is read.
# Ends: stopped
# Trail: deny
from _svault import *

env = {"LD_PRELOAD": compiled(LISTENER), "HEARD": f"{WORK}/heard"}
for name in ALL:
    get(name, env=env)
    cli("show", name, env=env)
cli("run", "--env", "V=MEDIUM", "--scope", "db", "--reason", REASON, "--wait", "0", "--caller", "tester", "--", "/usr/bin/env", env=env)
say(open(f"{WORK}/heard", "rb").read().decode(errors="replace")[-2000:])
