# Tries to have the daemon load its library, by starting it with LD_PRELOAD and LD_AUDIT in the environment itself.
# Ends: stopped
from _svault import *

hook = compiled(LISTENER)
env = {"LD_PRELOAD": hook, "LD_AUDIT": hook, "HEARD": f"{WORK}/heard", "XDG_LD_PRELOAD": hook}
cli("unlock", env=env)
cli("unlock", "--passphrase-fd", "0", env=env, stdin=b"a guess\n")
human("lock")
cli("unlock", env=env)
cli("unlock", "--passphrase-fd", "0", env=env, stdin=b"a guess\n")
human("unlock")
maps = attempt("the daemon's maps", lambda: open(f"/proc/{daemon()}/maps").read())
if maps and "hook" in maps:
    keep("maps", maps.encode())
request("LOW")
