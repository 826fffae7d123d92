# Tries to use a connection that another process made: handed over by a socket, inherited, after its maker's end.
# Ends: stopped
# Trail: allow, deny
from _svault import *

ours, theirs = socket.socketpair()


def handed():
    """The connection that another process has handed over."""
    _, fds, _, _ = socket.recv_fds(ours, 1, 1)
    c = Conn.__new__(Conn)
    c.s = socket.socket(fileno=fds[0])
    c.s.settimeout(5)
    return c


# Made by whoever may have VIP, and used when that one has ended.
with open(f"{WORK}/maker.py", "w") as f:
    f.write(f"""
import sys
sys.path.insert(0, "{WORK}")
from _svault import *
c = hello(None)
c.send(ask("VIP", scope="vip"))
assert c.answer()["type"] == "released", "it may not have VIP itself"
c = hello(None)
socket.send_fds(socket.socket(fileno={theirs.fileno()}), [b"x"], [c.s.fileno()])
""")
line = f"/usr/bin/python3 {WORK}/maker.py; exit $?"
subprocess.run([ROBOT, "--norc", "-c", line], pass_fds=[theirs.fileno()], check=True)
c = handed()
c.send(ask("VIP", scope="vip"))
assert take(c, "VIP")["type"] != "released", "the dead have rights"
c.send(ask("VIP", scope="vip"))
say(c.rest())
# Made by whoever may have LOW only, used by another while its maker lives, and after that.
if not os.fork():
    c = hello()
    socket.send_fds(theirs, [b"x"], [c.s.fileno()])
    time.sleep(1)
    os._exit(0)
c = handed()
for name, scope in [("VIP", "vip"), ("OTHER", "payments")]:
    c.send(ask(name, scope=scope))
    assert take(c, name)["type"] == "denied"
os.wait()
c.send(ask("LOW"))
assert take(c, "LOW")["type"] != "released", "the dead have rights"
# A connection that waits for a human, whose maker then ends.
if not os.fork():
    c = hello("tester")
    c.send(ask("HIGH", exposure="env", env="V", argv=["/bin/true"], cwd="/", wait=30))
    assert c.answer()["type"] == "waiting"
    socket.send_fds(theirs, [b"x"], [c.s.fileno()])
    os._exit(0)
os.wait()
c = handed()
human("approve")
assert take(c, "HIGH")["type"] != "released", "the dead are answered"
