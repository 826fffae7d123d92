# Tries to trace the running daemon: ptrace, process_vm_readv, pidfd_getfd, kcmp, perf, gdb.
# Ends: stopped
# Needs: Gdb
from _svault import *

libc.ptrace.argtypes = [ctypes.c_long] * 4
libc.syscall.restype = ctypes.c_long


class Iov(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


def read_memory(pid, at):
    buffer = ctypes.create_string_buffer(16)
    mine, theirs = Iov(ctypes.addressof(buffer), 16), Iov(at, 16)
    return libc.process_vm_readv(pid, ctypes.byref(mine), 1, ctypes.byref(theirs), 1, 0)


def counts(pid):
    # Its time on the processor, without the kernel's part: what the kernel lets everybody count of their own processes.
    attr = ctypes.create_string_buffer(struct.pack("<IIQQQQQ", 1, 112, 1, 0, 0, 0, 1 << 5 | 1 << 6), 112)
    return libc.syscall(298, attr, pid, -1, -1, 0)


def core(pid):
    subprocess.run(["gdb", "-nx", "-batch", "-p", str(pid), "-ex", f"generate-core-file {WORK}/core"], capture_output=True, timeout=30)
    if not os.path.exists(f"{WORK}/core"):
        return -1
    os.remove(f"{WORK}/core")
    return 0


def traced(pid, how):
    got = libc.ptrace(how, pid, 0, 0)
    if got == 0 and how == 16:
        os.waitpid(pid, 0)
        libc.ptrace(17, pid, 0, 0)
    return got


def tries(pid, at):
    """What comes of each: -1 where it is refused."""
    fd = os.pidfd_open(pid)
    yield "process_vm_readv", read_memory(pid, at)
    for n in range(12):
        yield f"pidfd_getfd {n}", libc.syscall(438, fd, n, 0)
    yield "kcmp", libc.syscall(312, os.getpid(), pid, 0, 0, 0)
    yield "perf", counts(pid)
    yield "gdb", core(pid)
    yield "attach", traced(pid, 16)
    yield "seize", traced(pid, 0x4206)
    os.close(fd)


own = subprocess.Popen(["/bin/sleep", "60"], stdin=subprocess.DEVNULL)
time.sleep(0.2)
at = int(open(f"/proc/{own.pid}/maps").read().split("-")[0], 16)
possible = [name for name, got in tries(own.pid, at) if got != -1]
own.kill()
say("of its own process:", possible)
for name in ["process_vm_readv", "pidfd_getfd 0", "gdb", "attach", "seize"]:
    assert name in possible, f"{name}: not even of its own process"
for pid in [daemon(), helper()]:
    for name, got in tries(pid, at):
        say(pid, name, got)
        assert got == -1, f"{name} of {pid}"
request("LOW")
