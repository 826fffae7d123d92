# Tries to bring back an older vault, with what a human has since taken away or made stricter.
# Ends: stopped
from _svault import *

human("lock")
vaults = [p for p in glob.glob(f"{STORE}/**/*.svault", recursive=True) if "/trail/" not in p and "store.svault" not in p]
sizes = {p: os.path.getsize(p) for p in vaults}
for path in vaults:
    subprocess.run(["cp", "-p", path, f"{WORK}/aside"], check=True)
    for cut in [1, 40, 300, sizes[path] // 2]:
        os.truncate(path, sizes[path] - cut)
        say("cut by", cut, "->", human("unlock"))
        for name in ["MEDIUM", "HIGH", "OTHER"]:
            if daemon():
                request(name)
        if daemon():
            human("lock")
        subprocess.run(["cp", "-p", f"{WORK}/aside", path], check=True)
