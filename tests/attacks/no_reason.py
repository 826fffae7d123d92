# Tries to get secrets without a reason, with an empty or huge one, or several at once with one that it may have.
# Ends: stopped
# Trail: deny:no_reason
from _svault import *

assert request("LOW")["type"] == "released", "it may not even have what it may have"
for reason in [None, "", " ", "x", "\0" * 20, " " * 200, "a" * 513, "a" * 100000]:
    for exposure in ["value", "env"]:
        said = request("LOW", reason=reason, exposure=exposure, env="V", argv=["/bin/true"], cwd="/")
        assert said["type"] != "released", f"for {ascii(reason)[:40]}"
        # Not so fast that it is sealed off.
        time.sleep(0.1)
for others in [["OTHER", "HIGH"], ["MEDIUM"], ["NIGHT"], ["NOT_THERE"]]:
    c = hello()
    message = ask("LOW")
    message["items"] += [item for name in others for item in ask(name)["items"]]
    c.send(message)
    for kind, payload in c.rest():
        say(kind, payload)
        assert kind == 0, f"some of LOW, {others}"
assert request("LOW")["type"] == "released", "it was denied for another cause"
