# Tries to use a connection that another process made: handed over by a socket, inherited, after its maker's end.
# Ends: stopped
# Trail: deny
from _svault import *

ours, theirs = socket.socketpair()
if not os.fork():
    c = hello(None)
    socket.send_fds(ours, [b"x"], [c.s.fileno()])
    time.sleep(0.5)
    os._exit(0)
_, fds, _, _ = socket.recv_fds(theirs, 1, 1)
c = Conn.__new__(Conn)
c.s = socket.socket(fileno=fds[0])
c.s.settimeout(5)
for name, scope in [("LOW", "db"), ("VIP", "vip")]:
    c.send(ask(name, scope=scope))
    take(c, name)
os.wait()
c.send(ask("VIP", scope="vip"))
say(c.rest())
# A connection that waits for a human, whose maker then ends.
if not os.fork():
    c = hello("tester")
    c.send(ask("HIGH", exposure="env", env="V", argv=["/bin/true"], cwd="/", wait=30))
    say(c.answer())
    socket.send_fds(ours, [b"x"], [c.s.fileno()])
    os._exit(0)
os.wait()
_, fds, _, _ = socket.recv_fds(theirs, 1, 1)
c.s = socket.socket(fileno=fds[0])
human("approve")
say(take(c, "HIGH"))
