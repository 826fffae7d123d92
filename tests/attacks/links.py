# Tries to have the store write into files of its choice, or share files with it, by links in their places.
# Ends: stopped
from _svault import *

human("lock")
decoy = f"{WORK}/decoy"
files = ["store.svault", "store.lock", "state/heads", *[f"trail/{n}" for n in os.listdir(f"{STORE}/trail")]]
files += [os.path.relpath(p, STORE) for p in glob.glob(f"{STORE}/vaults/*")]
for name in files:
    path = f"{STORE}/{name}"
    if not os.path.isfile(path):
        continue
    os.rename(path, f"{WORK}/aside")
    for make in [os.symlink, os.link]:
        subprocess.run(["cp", "-p", f"{WORK}/aside", decoy], check=True)
        before = open(decoy, "rb").read()
        make(decoy, path)
        code = human("unlock")
        say(name, make.__name__, "->", code)
        if code == 0:
            human("lock")
        if os.path.islink(path):
            assert open(decoy, "rb").read() == before, f"{name}: written through the link"
        for left in [path, decoy]:
            if os.path.lexists(left):
                os.remove(left)
    os.rename(f"{WORK}/aside", path)
