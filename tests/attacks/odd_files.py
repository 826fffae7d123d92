# Tries to hang or fool a human's unlock with pipes, folders, sockets and devices in place of the store's files.
# Ends: stopped
from _svault import *

human("lock")
files = ["store.svault", "store.lock", "state/heads", *[f"trail/{n}" for n in os.listdir(f"{STORE}/trail")]]
for name in files:
    path = f"{STORE}/{name}"
    os.rename(path, f"{WORK}/aside")
    for make in [os.mkfifo, os.mkdir, lambda p: os.symlink("/dev/zero", p), lambda p: os.symlink("/dev/tty", p),
                 lambda p: socket.socket(socket.AF_UNIX).bind(p)]:
        make(path)
        code = human("unlock")
        say(name, "->", code)
        if code == 0:
            # Only what need not be there may be made again.
            assert name in ["store.lock"], name
            human("lock")
        if os.path.isdir(path) and not os.path.islink(path):
            os.rmdir(path)
        elif os.path.lexists(path):
            os.remove(path)
    os.rename(f"{WORK}/aside", path)
