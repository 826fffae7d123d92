# Tries to set a new passphrase with guessed recovery codes, and to add a slot of its own.
# Ends: stopped
from _svault import *

guesses = [b"", b"\n", b"AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA\n", b"0" * 40 + b"\n", os.urandom(20).hex().encode() + b"\n"]
for running in [True, False]:
    for guess in guesses:
        read, write = os.pipe()
        os.set_inheritable(read, True)
        os.write(write, b"a new passphrase of nine words and more 77\n")
        os.close(write)
        code = os.open(f"{WORK}/code", os.O_CREAT | os.O_WRONLY, 0o600)
        done = cli("recover", "--code-fd", "0", "--new-passphrase-fd", str(read), "--recovery-out-fd", str(code), stdin=guess,
                   pass_fds=(read, code))
        assert done.returncode != 0
        cli("unlock", "--recovery", "--code-fd", "0", stdin=guess)
    c = hello() if running else None
    if c:
        c.send({"type": "want", "want": "slots", "slots": []})
        say(c.answer())
        human("lock")
