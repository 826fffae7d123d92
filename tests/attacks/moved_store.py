# Tries to hide releases: the store is moved away below its daemon, asked there, and an older copy put in its place.
# Ends: stopped
# Trail: none
from _svault import *

subprocess.run(["cp", "-a", STORE, f"{WORK}/copy"], check=True)
here = socket_path()
os.rename(STORE, f"{WORK}/moved")
there = here.replace(STORE, f"{WORK}/moved")
os.rename(f"{WORK}/copy", STORE)
for name in ["LOW", "LOW", "MEDIUM"]:
    def again():
        c = Conn(there)
        c.send({"type": "hello", "version": 1, "door": "cli", "caller": "tester"})
        c.send(ask(name))
        say(c.answer())
        said = take(c, name)
        assert said["type"] != "released", "released where nobody will look"
    attempt(name, again)
time.sleep(1.5)
subprocess.run(["rm", "-rf", STORE], check=True)
os.rename(f"{WORK}/moved", STORE)
