# Tries to be served without a record, by filling the disk that the store lies on.
# Ends: stopped
# Checks: unwritten
# House: small
# Trail: allow
from _svault import *

request("LOW")
with open(f"{STORE}/filler", "wb", buffering=0) as f:
    try:
        while True:
            f.write(b"\0" * 4096)
    except OSError as e:
        say(e)
for _ in range(40):
    attempt("LOW", lambda: request("LOW"))
    attempt("OTHER", lambda: request("OTHER"))
human("lock")
human("unlock")
attempt("LOW", lambda: request("LOW"))
os.remove(f"{STORE}/filler")
human("lock")
