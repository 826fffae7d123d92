# Tries to be found instead of a real secret, or laxer than its vault, by proposals of secrets.
# Ends: stopped
# Trail: deny, propose
from _svault import *


def propose(name, **more):
    c = hello()
    c.send({"type": "propose", "name": name, "vault": "main", "class": {"scope": "default", "tier": "medium", **more}})
    c.frame(1, b"mine")
    said = c.answer()
    say(name, more, said)
    if said["type"] == "denied":
        told(said["id"])
    return said["type"]


cli("add", "MEDIUM", stdin=b"mine")
cli("add", "NEW", stdin=b"mine")
cli("add", "NEWER", "--tier", "low", "--scope", "db", stdin=b"mine")
laxer = [{"tier": "low"}, {"callers": ["tester"]}, {"expose": "value"}, {"expose": "file"}, {"proposed_by": "human"},
         {"require_reason": False}]
for n, more in enumerate(laxer):
    assert propose(f"P{n}", **more) == "error", f"a proposal may have {more}"
    assert propose(f"Q{n}", **{"scope": "db", **more}) == "error", f"a proposal for a scope of its own may have {more}"
assert propose("PLAIN", scope="db") == "done", "no proposal at all is taken"
assert propose("HIGH") == "denied"
for name in ["NEW", "NEWER", "PLAIN", "P0", "P1", "P2"]:
    for scope in ["db", "default"]:
        for exposure in ["value", "env"]:
            said = request(name, scope=scope, exposure=exposure, env="V", argv=["/bin/true"], cwd="/")
            assert said["type"] == "denied", f"{name} is there to be had"
            # Not so fast that it is sealed off.
            time.sleep(0.1)
