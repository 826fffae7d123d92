# Tries to break svault with huge and odd input: arguments, names, reasons, frames, lengths, nesting.
# Ends: stopped
# Checks: clean
# Trail: deny
from _svault import *

for args in [["get", "A" * 100000], ["get", "LOW"] + ["--wait"] * 3, ["x" * 100], ["get", b"\xff\xfe"], ["get", "LOW", "--reason", "r" * 100000],
             ["run", "--env", "V=LOW", "--"] + ["/bin/true"] + ["a" * 1000] * 300, ["\x1b[2J"], ["get", "\u202eLOW"], [""]]:
    attempt(args[0][:20], lambda: cli(*args))
for data in [b"\xff\xff\xff\xff\0", b"\0\0\0\0", b"\x01\0\0\0\0", struct.pack("<IB", 2**31, 0), os.urandom(4096),
             struct.pack("<IB", 100001, 0) + b"[" * 100000, b"GET / HTTP/1.1\r\n\r\n"]:
    c = Conn()
    attempt(data[:8], lambda: c.s.sendall(data))
    say(len(c.rest()))
waiting = []
for _ in range(300):
    c = Conn()
    c.s.sendall(b"\x10")
    waiting.append(c)
request("MEDIUM")
