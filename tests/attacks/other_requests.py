# Tries to end, answer or take over the requests of others that wait for a human.
# Ends: stopped
# Trail: ask, deny
from _svault import *

ready, go = os.pipe()
end, ended = os.pipe()
if not os.fork():
    os.close(ended)
    line = f"'{SVAULT}' run --env V=HIGH --scope db --reason '{REASON}' --wait 20 -- /bin/true; exit $?"
    subprocess.run([ROBOT, "--norc", "-c", line], capture_output=True)
    os._exit(0)
time.sleep(1.5)
say("ids that anybody is told:", hello(None) and cli("status", "--json").stdout)
for id in ["7K2MQ9XA", "00000000", "ZZZZZZZZ"]:
    cli("cancel", id)
    cli("deny", id)
    cli("approve", id)
human("pending")
request("HIGH", caller="robot", exposure="env", env="V", argv=["/bin/true"], cwd=os.environ["HOME"])
request("HIGH")
