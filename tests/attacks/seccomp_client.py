# Tries to keep its own svault readable: a filter tells it that prctl worked, and its memory is read meanwhile.
# Ends: stopped
# Trail: deny
from _svault import *


def filtered():
    # Every prctl "succeeds" and does nothing.
    code = [(0x20, 0, 0, 0), (0x15, 0, 1, 157), (0x06, 0, 0, 0x00050000), (0x06, 0, 0, 0x7FFF0000)]
    program = b"".join(struct.pack("<HBBI", *line) for line in code)
    buffer = ctypes.create_string_buffer(program)
    fprog = ctypes.create_string_buffer(struct.pack("<HxxxxxxQ", len(code), ctypes.addressof(buffer)))
    libc.prctl(38, 1, 0, 0, 0)
    libc.prctl(22, 2, ctypes.c_long(ctypes.addressof(fprog)), 0, 0)


for name in ["MEDIUM", "HIGH", "OTHER"]:
    get(name, preexec_fn=filtered)
    cli("show", name, "--passphrase-fd", "0", stdin=b"guess\n", preexec_fn=filtered)
cli("unlock", preexec_fn=filtered)
