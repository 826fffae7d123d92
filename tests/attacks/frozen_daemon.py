# Tries to have time pass for its limits while the daemon is stopped, and to change its files meanwhile.
# Ends: stopped
# House: tight
# Checks: unwritten
# Trail: deny:rate
from _svault import *

pid = daemon()
for n in range(3):
    os.kill(pid, signal.SIGSTOP)
    c = Conn(timeout=1)
    c.send({"type": "hello", "version": 1, "door": "cli", "caller": "tester"})
    c.send(ask("LOW"))
    say(c.recv())
    time.sleep(0.5)
    os.kill(pid, signal.SIGCONT)
    say(c.rest(1))
request("LOW")
# The second way: a store moved away and back while nobody can notice.
os.kill(pid, signal.SIGSTOP)
os.rename(f"{STORE}/trail", f"{STORE}/trail.away")
os.kill(pid, signal.SIGCONT)
attempt("LOW", lambda: request("LOW"))
os.rename(f"{STORE}/trail.away", f"{STORE}/trail")
