# Tries to lead svault to a socket of its own with XDG_RUNTIME_DIR and other variables.
# Ends: stopped
# Trail: deny
from _svault import *

fake = f"{WORK}/run"
os.makedirs(f"{fake}/svault", 0o700)
path = f"{fake}/svault/{os.path.basename(socket_path())}"
server = socket.socket(socket.AF_UNIX)
server.bind(path)
server.listen(10)
server.settimeout(1)
for name in ["XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_DATA_HOME", "TMPDIR", "SVAULT_SOCKET", "SVAULT_RUNTIME_DIR"]:
    get("MEDIUM", env={name: fake})
with open(f"{WORK}/profile", "w") as f:
    f.write(f"XDG_RUNTIME_DIR={fake}\nTMPDIR={fake}\n")
human("profile list")
human("lock")
human("profile unlock")
try:
    server.accept()
    raise SystemExit("somebody came to the fake socket")
except TimeoutError:
    pass
