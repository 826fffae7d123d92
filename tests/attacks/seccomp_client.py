# Tries to keep its own svault readable: a filter tells it that prctl worked, and its memory is read meanwhile.
# Ends: stopped
# Trail: ask, deny
from _svault import *


def filtered():
    # Every prctl "succeeds" and does nothing.
    code = [(0x20, 0, 0, 0), (0x15, 0, 1, 157), (0x06, 0, 0, 0x00050000), (0x06, 0, 0, 0x7FFF0000)]
    program = b"".join(struct.pack("<HBBI", *line) for line in code)
    buffer = ctypes.create_string_buffer(program)
    fprog = ctypes.create_string_buffer(struct.pack("<HxxxxxxQ", len(code), ctypes.addressof(buffer)))
    libc.prctl(38, 1, 0, 0, 0)
    assert libc.prctl(22, 2, ctypes.c_long(ctypes.addressof(fprog)), 0, 0) == 0, "no filter"


def memory(pid):
    """All that can be read of it."""
    all = b""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in maps.read().splitlines():
            start, end = [int(at, 16) for at in line.split()[0].split("-")]
            if line.split()[1].startswith("rw"):
                try:
                    mem.seek(start)
                    all += mem.read(end - start)
                except (OSError, OverflowError):
                    pass
    return all


for name in ["MEDIUM", "HIGH", "OTHER"]:
    get(name, preexec_fn=filtered)
    cli("show", name, "--passphrase-fd", "0", stdin=b"guess\n", preexec_fn=filtered)
cli("unlock", preexec_fn=filtered)
# One that waits for a human, and so has nothing yet.
going = subprocess.Popen([SVAULT, "run", "--env", "V=MEDIUM", "--scope", "db", "--reason", REASON, "--caller", "tester", "--wait", "3",
                          "--", "/bin/true"], preexec_fn=filtered)
time.sleep(1.5)
held = memory(going.pid)
assert REASON.encode() in held, "its memory was not read"
keep("memory", held)
going.wait()
