# Tries to be the daemon: listens in its place and answers what a daemon would, while a human looks at secrets.
# Ends: stopped
from _svault import *

path, heard = socket_path(), f"{WORK}/heard"
os.rename(path, path + ".real")
play_daemon(path, heard)
assert human("show HIGH") != 0
assert human("list") != 0
if human("unlock") != 0:
    os.remove(path)
    os.rename(path + ".real", path)
else:
    # The real one had noticed that nobody could reach it, and another has taken its place back.
    os.remove(path + ".real")
say(open(heard).read())
assert "prove_end" not in open(heard).read()
