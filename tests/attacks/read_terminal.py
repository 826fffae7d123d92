# Tries to read and to fool the terminal that a human types the passphrase into: reads along, and puts up a prompt.
# Ends: documented as N4
# Needs: Script
from _svault import *

human("lock")
number = human("types unlock", wait=False)
taken, opened = b"", 0
while not os.path.exists(f"{WORK}/answers/{number}.done"):
    for path in glob.glob("/dev/pts/[0-9]*"):
        try:
            fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError:
            continue
        opened += 1
        try:
            taken += os.read(fd, 100)
        except OSError:
            pass
        os.close(fd)
    time.sleep(0.2)
answer(number)
say("read along:", len(taken), "bytes")
assert opened > 0, "the human's terminal could not be opened: is N4 stopped by now?"
