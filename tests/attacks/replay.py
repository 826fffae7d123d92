# Tries to be served twice for one proof: the same frames again, on the same and on other connections, and made up ones.
# Ends: stopped
# Trail: deny
from _svault import *
import hashlib

for kind in [1, 2]:
    c = hello()
    for payload in [b"", b"x", b"\0" * 48, os.urandom(200)]:
        c.frame(kind, payload)
    for got in c.rest():
        say(got)
c = hello()
c.send({"type": "prove_begin", "slot": open(f"{STORE}/store.svault", "rb").read()[12 + 73 + 1:][:8].hex(), "nonce": "11" * 32})
first = c.answer()
say(first)
for mac in [first.get("mac", "00" * 32), "00" * 32, hashlib.sha256(b"").hexdigest()]:
    c.send({"type": "prove_end", "mac": mac})
    for got in c.rest():
        say(got)
    c = hello()
    c.send({"type": "prove_begin", "slot": "00" * 8, "nonce": first.get("nonce", "11" * 32)})
    say(c.answer())
c = hello()
for message in [{"type": "yes", "act": "7K2MQ9XA", "mac": "00" * 32}, {"type": "want", "want": "show", "secret": {"vault": "main", "name": "HIGH"}}]:
    c.send(message)
for kind, payload in c.rest():
    say(kind, payload)
request("MEDIUM")
