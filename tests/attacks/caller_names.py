# Tries to win more rights than any name has that it may say: unknown names, broken ones, those of humans, several.
# Ends: stopped
# Trail: deny
from _svault import *

names = [None, "robot", "started", "tester", "human", "root", "svault", "unknown", "cli", "launched", "a" * 64]
for name in names:
    for secret, scope in [("VIP", "vip"), ("STARTED", "started"), ("OTHER", "payments")]:
        request(secret, caller=name, scope=scope)
for name in ["", "ROBOT", "robot\0", "robot ", "*", "../robot", "rob\u043et", 7, ["robot"], {"name": "robot"}]:
    c = hello(name)
    c.send(ask("VIP", scope="vip"))
    take(c, "VIP")
for name in ["started", "ROBOT", "", "*"]:
    get("VIP", caller=name, scope="vip")
