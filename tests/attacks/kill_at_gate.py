# Tries to get a release without a record, by killing the daemon at every moment of a request.
# Ends: stopped
# Checks: unwritten
# Trail: allow
from _svault import *
import threading


def loop(name):
    while not stop.is_set():
        try:
            c = hello()
            c.send(ask(name))
            take(c, name)
        except (OSError, TypeError):
            pass


for n in range(12):
    stop = threading.Event()
    threads = [threading.Thread(target=loop, args=(name,)) for name in ["LOW", "LOW", "OTHER", "HIGH"]]
    [t.start() for t in threads]
    time.sleep(0.002 + 0.013 * n)
    kill_daemon()
    stop.set()
    [t.join() for t in threads]
    assert human("unlock") == 0
