# Tries to pass off a store of its own, with a passphrase that it knows, as the user's: SVAULT_HOME, HOME and links.
# Ends: stopped
# Trail: deny
from _svault import *

own, home = f"{WORK}/own", f"{WORK}/home"
os.mkdir(home, 0o700)
own_store(own)
mine = {"SVAULT_HOME": own}
for env in [mine, {"HOME": home}, {"SVAULT_HOME": own + "/../own/."}, {"SVAULT_HOME": ""}, {"XDG_DATA_HOME": WORK}]:
    get("MEDIUM", env=env)
# The own daemon's socket in the place of the real one's, and the other way round.
theirs, ours = socket_path(), glob.glob(f"{own}/state/*.sock")[0]
os.rename(theirs, theirs + ".real")
os.symlink(ours, theirs)
human("show HIGH")
get("MEDIUM")
os.remove(theirs)
os.rename(theirs + ".real", theirs)
os.rename(ours, ours + ".own")
os.symlink(theirs, ours)
get("MEDIUM", env=mine)
cli("show", "HIGH", "--passphrase-fd", "0", env=mine, stdin=OWN)
os.remove(ours)
os.rename(ours + ".own", ours)
cli("lock", env=mine)
attempt("again", lambda: request("MEDIUM"))
