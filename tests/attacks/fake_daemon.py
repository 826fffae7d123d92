# Tries to be the daemon: listens in its place and answers what a daemon would, while a human looks at secrets.
# Ends: stopped
from _svault import *
import threading

path, heard = socket_path(), f"{WORK}/heard"
os.rename(path, path + ".real")
server = socket.socket(socket.AF_UNIX)
server.bind(path)
os.chmod(path, 0o600)
server.listen(50)


def serve(s):
    c = Conn.__new__(Conn)
    c.s = s
    while got := c.recv():
        with open(heard, "ab") as f:
            f.write(got[1] + b"\n")
        kind = json.loads(got[1]).get("type") if got[0] == 0 else ""
        if kind == "hello":
            c.send({"type": "hello", "version": 1, "pid": os.getpid(), "store": os.path.basename(path)[:16]})
        elif kind == "prove_begin":
            pid = struct.unpack("iii", s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
            c.send({"type": "prove_challenge", "nonce": "00" * 32, "mac": "00" * 32,
                    "peer": {"pid": pid, "start": 1, "parent": 1, "tty": 0}})
        else:
            c.send({"type": "proved"})


def accept():
    while True:
        threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()


threading.Thread(target=accept, daemon=True).start()
assert human("show HIGH") != 0
assert human("list") != 0
assert human("unlock") != 0
os.remove(path)
os.rename(path + ".real", path)
say(open(heard).read())
assert "prove_end" not in open(heard).read()
