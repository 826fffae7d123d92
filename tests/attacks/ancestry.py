# Tries to lose its parents or to look like others: double fork, setsid, other names of the process, other argv.
# Ends: stopped
# Trail: deny
from _svault import *


def orphaned(do):
    """Has it done by a process whose parent has ended, and fails where that one does."""
    read, write = os.pipe()
    if not os.fork():
        os.setsid()
        parent = os.getpid()
        if os.fork():
            os._exit(0)
        while os.getppid() == parent:
            time.sleep(0.001)
        try:
            do()
        except BaseException as e:
            os.write(write, repr(e).encode())
        sys.stdout.flush()
        os._exit(0)
    os.close(write)
    os.wait()
    with open(read, "rb") as left:
        failed = left.read()
    assert not failed, failed


def named(name):
    libc.prctl(15, name.encode(), 0, 0, 0)
    assert request("VIP", caller=None, scope="vip")["type"] == "denied"
    assert request("STARTED", caller=None, scope="started")["type"] == "denied"


for name in ["robot", "bash", "svault", "claude", "systemd", "a) S 1 1 1 0 ("]:
    named(name)
    orphaned(lambda: named(name))
    orphaned(lambda: get("VIP", caller=None, scope="vip"))
    cli("get", "VIP", "--scope", "vip", "--reason", REASON, program=name, executable=SVAULT, name="VIP")
