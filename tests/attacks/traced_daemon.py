# Tries to have a daemon that it has started and traces take a human's keys.
# Ends: stopped
from _svault import *

libc.ptrace.argtypes = [ctypes.c_long] * 4
human("lock")
ours, theirs = socket.socketpair()
pid = os.fork()
if not pid:
    libc.ptrace(0, 0, 0, 0)
    os.dup2(theirs.fileno(), 0)
    os.execv(SVAULT, ["svault", "daemon", "run", "--store", STORE])
theirs.close()
while True:
    _, status = os.waitpid(pid, 0x40000000)
    if not os.WIFSTOPPED(status):
        break
    sig = os.WSTOPSIG(status)
    libc.ptrace(7, pid, 0, 0 if sig == signal.SIGTRAP else sig)
c = Conn.__new__(Conn)
c.s = ours
ours.settimeout(5)
said = c.answer()
say(said)
assert said["type"] == "failed" and said["code"] == "traced", "it would have taken keys"
