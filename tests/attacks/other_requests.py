# Tries to end, answer or take over the requests of others that wait for a human.
# Ends: stopped
# Trail: ask, deny, approve, allow
from _svault import *

line = f"'{SVAULT}' run --env V=HIGH --scope db --reason '{REASON}' --wait 60 -- /bin/true; exit $?"
other = subprocess.Popen([ROBOT, "--norc", "-c", line], stderr=subprocess.PIPE)
seen = b""
while not (id := re.search(rb"\b[0-9A-Z]{8}\b", seen)):
    seen += (part := os.read(other.stderr.fileno(), 1000))
    assert part, seen
id = id[0].decode()
say("ids that anybody is told:", cli("status", "--json").stdout)
for id in ["7K2MQ9XA", "ZZZZZZZZ", id]:
    for act in ["cancel", "deny", "approve"]:
        assert cli(act, id).returncode != 0
    for caller in ["tester", "robot"]:
        for message in [{"type": "cancel", "id": id}, {"type": "want", "want": "approve", "id": id, "lasts": "once"},
                        {"type": "want", "want": "deny", "id": id}, {"type": "yes", "act": id, "mac": "00" * 32}]:
            c = hello(caller)
            c.send(message)
            said = c.answer()
            say(message, said)
            assert said["type"] in ["denied", "error", "nothing"]
same = dict(exposure="env", env="V", argv=["/bin/true"], cwd=os.environ["HOME"])
for caller in ["robot", "tester"]:
    assert request("HIGH", caller=caller, **same)["type"] != "released"
# It waits as if nothing had been: a human finds it, and it is served.
assert other.poll() is None
assert human("approve") == 0
assert other.wait(timeout=20) == 0, "the other's request was ended"
