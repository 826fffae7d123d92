# Tries to have a yes for one thing and to use it for another: another command, folder, secret, variable, reason.
# Ends: stopped
# Trail: ask, approve
from _svault import *

base = dict(exposure="env", env="V", argv=["/bin/true"], cwd="/")
c = hello()
c.send(ask("HIGH", **base))
say(c.answer())
human("approve")
for change in [{"argv": ["/usr/bin/env"]}, {"cwd": WORK}, {"env": "W"}, {"exposure": "value"}, {"scope": "vip"}]:
    c.send(ask("HIGH", **{**base, **change}))
    say(take(c, "HIGH"))
c.send(ask("MEDIUM", **base))
say(take(c, "MEDIUM"))
# And from another connection, in the same words.
request("HIGH", **base)
