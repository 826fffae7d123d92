# Tries to change the policy itself, and the settings: with an editor of its own, from a file, by hand, with guesses.
# Ends: stopped
# Trail: none
from _svault import *

wide = '[callers.tester]\nscopes = ["db", "payments", "vip", "started"]\n[medium]\nask = false\n'
open(f"{WORK}/wide.toml", "w").write(wide)
open(f"{WORK}/editor", "w").write(f'#!/bin/sh\ncat {WORK}/wide.toml > "$1"\n')
os.chmod(f"{WORK}/editor", 0o755)
env = {"EDITOR": f"{WORK}/editor", "VISUAL": f"{WORK}/editor"}
cli("policy", "edit", env=env)
cli("policy", "edit", "--file", f"{WORK}/wide.toml")
cli("policy", "edit", "--file", f"{WORK}/wide.toml", "--passphrase-fd", "0", stdin=b"guess\n")
cli("settings", "set", "--zone", "Asia/Tokyo", "--notify", f"{WORK}/editor")
cli("caller", "add", "tester", "--scope", "payments")
cli("caller", "remove", "robot")
cli("edit", "HIGH", "--tier", "low")
cli("replace", "HIGH", stdin=b"mine")
cli("remove", "HIGH")
for door in ["cli", "tui"]:
    for want in [{"want": "policy_set", "toml": wide}, {"want": "settings_set", "notify": f"{WORK}/editor"}, {"want": "edit", "secret": {"vault": "main", "name": "HIGH"}, "class": {"scope": "db", "tier": "low"}}]:
        c = hello(door=door)
        c.send({"type": "want", **want})
        say(c.answer())
        c.send({"type": "yes", "act": "7K2MQ9XA", "mac": "00" * 32})
        say(c.rest())
