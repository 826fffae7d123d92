# Tries to learn which names there are, by proposing them.
# Ends: documented as N7
# Trail: deny, propose
from _svault import *

codes = [cli("add", name, stdin=b"x").returncode for name in ["MEDIUM", "NOT_THERE"]]
assert codes[0] != 0 and codes[1] == 0, f"{codes}: is N7 stopped by now?"
