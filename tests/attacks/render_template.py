# Tries to have svault fill a template with every secret in it: from the command line, over the wire, by every door.
# Ends: stopped
# Trail: none
from _svault import *

template = f"{WORK}/config.tmpl"
with open(template, "w") as f:
    f.write("".join(f"svault://main/{name}\n" for name in ALL))
for args in [[], ["--json"], ["--passphrase-fd", "0"]]:
    cli("render", template, *args, stdin=b"guess\n", name="rendered")
os.symlink(template, f"{WORK}/link.tmpl")
cli("render", f"{WORK}/link.tmpl", name="rendered")
for names in [ALL, ["HIGH"], ["MEDIUM"] * 2]:
    for door in ["cli", "mcp", "hook"]:
        c = hello("tester", door)
        secrets = [{"vault": "main", "name": name} for name in names]
        c.send({"type": "want", "want": "render", "secrets": secrets})
        for kind, payload in c.rest(0.2):
            say(kind, payload)
            if kind == 1:
                keep("rendered", payload)
