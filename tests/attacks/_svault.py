# What attacks share: the wire by hand, the command line, the loot, and the human beside them. No attack of its own.
import ctypes
import glob
import itertools
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

SVAULT, STORE = os.environ["SVAULT"], os.environ["STORE"]
WORK, LOOT, ROBOT = os.environ["WORK"], os.environ["LOOT"], os.environ["ROBOT"]
REASON = "checking the schema of the orders table"
ALL = ["LOW", "MEDIUM", "HIGH", "OTHER", "VIP", "STARTED", "NIGHT"]
OWN = b"an own passphrase of nine words and more 77\n"
libc = ctypes.CDLL(None, use_errno=True)
numbers = itertools.count()


def say(*words):
    print(*words, flush=True)


def keep(name, data, id="-"):
    """Puts something into the loot, with the id of its release where that is known: the trail must have it."""
    with open(f"{LOOT}/{name}.{id}.{os.getpid()}.{next(numbers)}", "wb") as f:
        f.write(data)


def told(id):
    """Notes the id of a denial: the trail must have it."""
    with open(f"{WORK}/told", "a") as f:
        f.write(f"{id}\n")


def human(wish, wait=True):
    """Waits until the human has done something that humans do; the exit code. Only one at a time."""
    n = len(glob.glob(f"{WORK}/answers/*.wish")) + 1
    with open(f"{WORK}/wish", "w") as f:
        f.write(wish)
    os.rename(f"{WORK}/wish", f"{WORK}/answers/{n}.wish")
    return answer(n) if wait else n


def answer(n):
    while not os.path.exists(f"{WORK}/answers/{n}.done"):
        time.sleep(0.005)
    code = int(open(f"{WORK}/answers/{n}.done").read())
    say(f"the human's act {n} ended with {code}")
    return code


def cli(*args, env=None, stdin=b"", prefix=(), name=None, **more):
    """svault as a child. What it prints is printed, and kept where it is a value."""
    done = subprocess.run(
        [*prefix, more.pop("program", SVAULT), *args], input=stdin, capture_output=True, timeout=60,
        env={**os.environ, **(env or {})}, **more,
    )
    say("svault", ascii(args[:5])[:200], "->", done.returncode)
    sys.stdout.flush()
    sys.stdout.buffer.write(done.stdout + done.stderr)
    sys.stdout.flush()
    if name and done.returncode == 0 and done.stdout:
        keep(name, done.stdout)
    if not {"HOME", "SVAULT_HOME"} & set(env or {}):
        for id in re.findall(rb"denied \((\w{8})\)", done.stderr):
            told(id.decode())
    return done


def get(name, *more, caller="tester", scope="db", **options):
    args = ["get", name, "--scope", scope, "--reason", REASON, "--wait", "0", *more]
    if caller:
        args += ["--caller", caller]
    return cli(*args, name=name, **options)


def piped(text):
    """A descriptor from which this can be read, once."""
    read, write = os.pipe()
    os.write(write, text)
    os.close(write)
    return read


def own_store(path):
    """Makes a store whose passphrase is OWN, unlocked, with a secret of the user's name in it that is there to be had."""
    read, code = piped(OWN), os.open(f"{path}-code", os.O_CREAT | os.O_WRONLY, 0o600)
    cli("init", "--passphrase-fd", str(read), "--recovery-out-fd", str(code), env={"SVAULT_HOME": path}, pass_fds=(read, code))
    read = piped(OWN)
    done = cli("add", "HIGH", "--tier", "low", "--scope", "db", "--passphrase-fd", str(read), stdin=b"its own",
               env={"SVAULT_HOME": path}, pass_fds=(read,))
    assert done.returncode == 0, "no store of its own"


def socket_path():
    found = glob.glob(f"{STORE}/state/*.sock")
    return found[0] if found else None


class Conn:
    """A connection, with frames made by hand."""

    def __init__(self, path=None, timeout=5):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(timeout)
        self.s.connect(path or socket_path() or "/nowhere")

    def frame(self, kind, payload):
        try:
            self.s.sendall(struct.pack("<IB", len(payload) + 1, kind) + payload)
        except OSError as e:
            say("sending:", e)

    def send(self, message):
        self.frame(0, json.dumps(message).encode())

    def read(self, n):
        data = b""
        while len(data) < n:
            part = self.s.recv(n - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def recv(self):
        """The next frame, or None."""
        try:
            n, kind = struct.unpack("<IB", self.read(5))
            return kind, self.read(n - 1)
        except (OSError, EOFError):
            return None

    def answer(self):
        got = self.recv()
        return json.loads(got[1]) if got and got[0] == 0 else {"type": "nothing", "raw": repr(got)}

    def rest(self, patience=0.5):
        self.s.settimeout(patience)
        all = []
        while got := self.recv():
            all.append(got)
        return all


def hello(caller="tester", door="cli", path=None):
    c = Conn(path)
    c.send({"type": "hello", "version": 1, "door": door, "caller": caller})
    say("hello", c.answer())
    return c


def ask(name, scope="db", exposure="value", reason=REASON, wait=0, argv=(), cwd="", env=None, vault="main"):
    way = {exposure: env or "A"} if exposure in ["env", "file"] else exposure
    item = {"secret": {"vault": vault, "name": name}, "way": way}
    return {"type": "ask", "items": [item], "scope": scope, "reason": reason, "argv": list(argv), "cwd": cwd, "wait": wait}


def take(c, name):
    """The answer to a request; what follows it goes into the loot."""
    said = c.answer()
    say(name, said)
    if said["type"] == "denied":
        told(said["id"])
    if said["type"] == "released":
        while got := c.recv():
            if got[0] == 1:
                keep(name, got[1], said["id"])
                break
    return said


def request(name, caller="tester", door="cli", **options):
    c = hello(caller, door)
    c.send(ask(name, **options))
    return take(c, name)


def play_daemon(path, heard):
    """Listens there and answers what a daemon would. What it is sent goes into a file."""
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


def processes():
    """(pid, arguments) of every process that can be seen."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            yield int(pid), open(f"/proc/{pid}/cmdline", "rb").read().split(b"\0")[:-1]
        except OSError:
            pass


def daemon():
    """The daemon's process id, or None."""
    for pid, args in processes():
        if args[1:3] == [b"daemon", b"run"] and STORE.encode() in args and stat(pid)[0] not in "ZX":
            return pid


def helper():
    for pid, args in processes():
        if args[1:3] == [b"daemon", b"ring"] and stat(pid)[1] == daemon():
            return pid


def stat(pid):
    """State and parent."""
    try:
        rest = open(f"/proc/{pid}/stat").read().rpartition(") ")[2].split()
        return rest[0], int(rest[1])
    except OSError:
        return "X", 0


def kill_daemon():
    pid = daemon()
    if pid:
        os.kill(pid, signal.SIGKILL)
        while stat(pid)[0] not in "ZX":
            time.sleep(0.005)


def attempt(what, do):
    """Does something that ought to fail, and says how it did."""
    try:
        got = do()
        say(ascii(what), "->", ascii(got)[:200])
        return got
    except (OSError, ValueError, EOFError) as e:
        say(ascii(what), "->", e)


def compiled(source):
    """A library that LD_PRELOAD takes."""
    with open(f"{WORK}/hook.c", "w") as f:
        f.write(source)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", f"{WORK}/hook.so", f"{WORK}/hook.c", "-ldl"], check=True)
    return f"{WORK}/hook.so"


LISTENER = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/types.h>
#include <sys/socket.h>
static void note(const void *p, ssize_t n) {
  static ssize_t (*w)(int, const void *, size_t);
  if (!w) w = dlsym(RTLD_NEXT, "write");
  const char *at = getenv("HEARD");
  if (n <= 0 || !at) return;
  int fd = open(at, O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (fd >= 0) { w(fd, p, n); close(fd); }
}
ssize_t read(int fd, void *p, size_t n) {
  static ssize_t (*f)(int, void *, size_t);
  if (!f) f = dlsym(RTLD_NEXT, "read");
  ssize_t r = f(fd, p, n); note(p, r); return r;
}
ssize_t recv(int fd, void *p, size_t n, int flags) {
  static ssize_t (*f)(int, void *, size_t, int);
  if (!f) f = dlsym(RTLD_NEXT, "recv");
  ssize_t r = f(fd, p, n, flags); note(p, r); return r;
}
ssize_t write(int fd, const void *p, size_t n) {
  static ssize_t (*f)(int, const void *, size_t);
  if (!f) f = dlsym(RTLD_NEXT, "write");
  note(p, n); return f(fd, p, n);
}
"""
