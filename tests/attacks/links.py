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
    # A copy with a second name is no other file to the store than the first one; a text of the user's is.
    for make, what in [(os.symlink, "copy"), (os.symlink, "text"), (os.link, "text")]:
        subprocess.run(["cp", "-p", f"{WORK}/aside", decoy], check=True)
        if what == "text":
            open(decoy, "w").write("what the user wrote\n" * 100)
        before = open(decoy, "rb").read()
        make(decoy, path)
        code = human("unlock")
        say(name, make.__name__, what, "->", code)
        if code == 0:
            human("lock")
        while daemon():
            time.sleep(0.01)
        assert open(decoy, "rb").read() == before, f"{name}: written through the {make.__name__}"
        for left in [path, decoy]:
            if os.path.lexists(left):
                os.remove(left)
    os.rename(f"{WORK}/aside", path)
