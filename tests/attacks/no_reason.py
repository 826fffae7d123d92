# Tries to get secrets without a reason, with an empty or huge one, or several at once with one that it may have.
# Ends: stopped
# Trail: deny
from _svault import *

for reason in [None, "", " ", "x", "\0" * 20, " " * 200, "a" * 513, "a" * 100000]:
    request("MEDIUM", reason=reason)
c = hello()
message = ask("LOW")
message["items"] += ask("OTHER")["items"] + ask("HIGH")["items"]
c.send(message)
for kind, payload in c.rest():
    say(kind, payload)
    if kind == 1:
        keep("OTHER", payload)
