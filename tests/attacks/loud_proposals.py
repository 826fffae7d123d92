# Tries to be found instead of a real secret, or laxer than its vault, by proposals of secrets.
# Ends: stopped
# Trail: deny, propose
from _svault import *

cli("add", "MEDIUM", stdin=b"mine")
cli("add", "NEW", stdin=b"mine")
cli("add", "NEWER", "--tier", "low", "--scope", "db", stdin=b"mine")
for n, more in enumerate([{"tier": "low"}, {"scope": "payments"}, {"callers": ["tester"]}, {"expose": "value"}, {"proposed_by": "human"},
                          {"require_reason": False}]):
    c = hello()
    c.send({"type": "propose", "name": f"P{n}", "vault": "main", "class": {"scope": "default", "tier": "medium", **more}})
    c.frame(1, b"mine")
    say(c.answer())
for name in ["NEW", "NEWER", "P0", "P1", "P2"]:
    request(name)
    request(name, scope="default")
c = hello()
c.send({"type": "propose", "name": "HIGH", "vault": "main", "class": {"scope": "default", "tier": "medium"}})
c.frame(1, b"mine")
say(c.answer())
