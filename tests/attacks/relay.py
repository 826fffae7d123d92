# Tries to stand between a human and the daemon, and to send again what the human sent.
# Ends: stopped
from _svault import *
import threading

path, log = socket_path(), []
os.rename(path, path + ".real")
server = socket.socket(socket.AF_UNIX)
server.bind(path)
os.chmod(path, 0o600)
server.listen(50)


def pump(a, b, mine):
    try:
        while data := a.recv(65536):
            if mine:
                log.append(data)
            b.sendall(data)
        b.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def accept():
    while True:
        client = server.accept()[0]
        real = socket.socket(socket.AF_UNIX)
        real.connect(path + ".real")
        for one in [(client, real, True), (real, client, False)]:
            threading.Thread(target=pump, args=one, daemon=True).start()


threading.Thread(target=accept, daemon=True).start()
assert human("show HIGH") != 0
assert human("list") != 0
os.remove(path)
os.rename(path + ".real", path)
assert log, "the relay saw nothing"
if not daemon():
    # It noticed that nobody could reach it.
    human("unlock")
again = Conn()
for data in log:
    attempt("again", lambda: again.s.sendall(data))
for kind, payload in again.rest():
    say(kind, payload)
    if kind:
        keep("HIGH", payload)
