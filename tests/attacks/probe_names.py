# Tries to learn which names there are, by proposing them.
# Ends: documented as N7
# Trail: deny, propose
from _svault import *

for name in ["MEDIUM", "NOT_THERE"]:
    cli("add", name, stdin=b"x")
