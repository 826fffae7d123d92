# Tries to trace the running daemon: ptrace, process_vm_readv, pidfd_getfd, kcmp, perf, gdb.
# Ends: stopped
from _svault import *

libc.ptrace.argtypes = [ctypes.c_long] * 4
libc.syscall.restype = ctypes.c_long
for pid in filter(None, [daemon(), helper()]):
    for name, request_ in [("attach", 16), ("seize", 0x4206)]:
        got = libc.ptrace(request_, pid, 0, 0)
        say(name, pid, got, os.strerror(ctypes.get_errno()))
        assert got == -1
    buffer = ctypes.create_string_buffer(4096)

    class Iov(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]

    mine, theirs = Iov(ctypes.addressof(buffer), 4096), Iov(0x7FFF00000000, 4096)
    got = libc.process_vm_readv(pid, ctypes.byref(mine), 1, ctypes.byref(theirs), 1, 0)
    say("process_vm_readv", got, os.strerror(ctypes.get_errno()))
    fd = os.pidfd_open(pid)
    for n in range(12):
        got = libc.syscall(438, fd, n, 0)
        say("pidfd_getfd", n, got, os.strerror(ctypes.get_errno()))
        assert got == -1
    say("kcmp", libc.syscall(312, os.getpid(), pid, 0, 0, 0), os.strerror(ctypes.get_errno()))
    assert libc.syscall(440, fd, ctypes.byref(theirs), 1, 21, 0) == -1
    attempt("gdb", lambda: say(subprocess.run(
        ["gdb", "-batch", "-p", str(pid), "-ex", f"generate-core-file {WORK}/core"], capture_output=True, timeout=30).stderr[-300:]))
    assert not os.path.exists(f"{WORK}/core")
request("LOW")
