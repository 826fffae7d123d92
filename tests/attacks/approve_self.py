# Tries to say yes to its own request, by the command line, by hand, and with guesses at the passphrase.
# Ends: stopped
# Trail: ask
from _svault import *

c = hello()
c.send(ask("MEDIUM", exposure="env", env="V", argv=["/bin/true"], cwd="/", wait=20))
id = c.answer()["id"]
say("it waits:", id)
cli("approve", id)
for guess in [b"", b"y\n", b"password\n", id.encode() + b"\n"]:
    cli("approve", id, "--passphrase-fd", "0", stdin=guess)
for door in ["cli", "tui", "desktop"]:
    d = hello(door=door)
    for message in [{"type": "want", "want": "approve", "id": id, "lasts": "once"}, {"type": "yes", "act": id, "mac": "00" * 32}]:
        d.send(message)
        say(d.answer())
c.s.settimeout(1)
say(take(c, "MEDIUM"))
