# Tries to use the daemon's own commands: a daemon of its own for the store, a ring helper that runs its program.
# Ends: stopped
from _svault import *

open(f"{WORK}/notifier", "w").write(f"#!/bin/sh\nenv > {LOOT}/env; ls -l /proc/self/fd /proc/$PPID/fd > {LOOT}/fds 2>&1\n")
os.chmod(f"{WORK}/notifier", 0o755)
lines = f"notify {WORK}/notifier\nring 7K2MQ9XA robot\nring 7K2MQ9XA $(id)\nbell\n"
cli("daemon", "ring", stdin=lines.encode())
time.sleep(0.5)
for running in [True, False]:
    ours, theirs = socket.socketpair()
    going = subprocess.Popen([SVAULT, "daemon", "run", "--store", STORE], stdin=theirs, stdout=subprocess.DEVNULL)
    theirs.close()
    c = Conn.__new__(Conn)
    c.s = ours
    ours.settimeout(5)
    said = c.answer()
    say(str(said)[:200])
    header = open(f"{STORE}/store.svault", "rb").read(200)
    if said["type"] == "locked":
        for rollback in ["refuse", "show", {"accept": {"vaults": []}}]:
            c.send({"type": "open", "slot": header[86:94].hex(), "rollback": rollback, "weak_memory": True, "bell": False})
            for _ in range(3):
                c.frame(1, os.urandom(32))
            say(c.answer())
    ours.close()
    going.wait(timeout=10)
    if running:
        human("lock")
cli("daemon", "run", "--store", STORE)
