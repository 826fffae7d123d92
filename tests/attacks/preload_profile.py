# Tries to read the passphrase with a library that an edited shell profile preloads into the human's own svault.
# Ends: documented as N2 got PASSPHRASE
from _svault import *

human("lock")
with open(f"{WORK}/profile", "w") as f:
    f.write(f"LD_PRELOAD={compiled(LISTENER)}\nHEARD={WORK}/heard\n")
human("profile unlock")
