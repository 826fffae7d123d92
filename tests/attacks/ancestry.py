# Tries to lose its parents or to look like others: double fork, setsid, other names of the process, other argv.
# Ends: stopped
# Trail: deny
from _svault import *


def orphaned(do):
    if os.fork():
        return os.wait()
    os.setsid()
    if os.fork():
        os._exit(0)
    while os.getppid() != 1 and stat(os.getppid())[1] != 0 and time.process_time() < 1:
        break
    try:
        do()
    finally:
        sys.stdout.flush()
        os._exit(0)


def named(name):
    libc.prctl(15, name.encode(), 0, 0, 0)
    request("VIP", caller=None, scope="vip")
    request("STARTED", caller=None, scope="started")


for name in ["robot", "bash", "svault", "claude", "systemd", "a) S 1 1 1 0 ("]:
    named(name)
    orphaned(lambda: named(name))
    orphaned(lambda: get("VIP", caller=None, scope="vip"))
    subprocess.run([name, "get", "VIP", "--scope", "vip", "--reason", REASON], executable=SVAULT)
time.sleep(0.5)
