# Tries to slip a rule into the policy while a human has it open in an editor.
# Ends: stopped
# Needs: Script
from _svault import *

home = os.environ["HOME"]
number = human("edits policy", wait=False)
while not os.path.exists(f"{home}/editing"):
    time.sleep(0.02)
time.sleep(0.2)
path = open(f"{home}/editing").read()
say(path)
text = open(path).read()
open(path, "w").write(text.replace('scopes = ["db"]', 'scopes = ["db", "payments"]', 1))
open(f"{home}/added", "w").close()
os.remove(f"{home}/editing")
answer(number)
request("OTHER", scope="payments")
