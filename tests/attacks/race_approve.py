# Tries to be served many times for one yes: many connections ask for the same, and all of them wait.
# Ends: stopped
# Trail: ask, approve, allow
# Given: MEDIUM
# Checks: once
from _svault import *
import threading

all = []
for _ in range(8):
    c = hello()
    c.send(ask("MEDIUM", exposure="env", env="V", argv=["/bin/true"], cwd="/", wait=30))
    say(c.answer())
    all.append(c)
human("approve")
for c in all:
    c.s.settimeout(1)
threads = [threading.Thread(target=take, args=(c, "MEDIUM")) for c in all]
[t.start() for t in threads]
[t.join() for t in threads]
for c in all[:3]:
    c.send(ask("MEDIUM", exposure="env", env="V", argv=["/bin/true"], cwd="/"))
    say(take(c, "MEDIUM"))
