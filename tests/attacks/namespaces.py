# Tries to look like another process from inside of namespaces: root of a user namespace, pid 1, other mounts.
# Ends: stopped
# Needs: UserNamespaces
# Trail: deny
from _svault import *

u = ["unshare", "--user", "--map-root-user"]
p = ["unshare", "--user", "--map-current-user", "--pid", "--fork"]
for prefix in [u, p, [*p, "--mount-proc"], [*u, "--mount"], [*u, "--ipc", "--net", "--uts"]]:
    if subprocess.run([*prefix, "true"]).returncode != 0:
        # Where something lies over a part of /proc, it can't be mounted anew.
        assert "--mount-proc" in prefix, f"no {prefix}"
        continue
    get("VIP", caller=None, scope="vip", prefix=prefix)
    get("VIP", caller="robot", scope="vip", prefix=prefix)
    cli("show", "HIGH", prefix=prefix)
    cli("show", "HIGH", "--passphrase-fd", "0", prefix=prefix, stdin=b"guess\n")
line = f"'{SVAULT}' get VIP --scope vip --wait 0 --reason '{REASON}'; exit"
for file, over in [("/bin/bash", ROBOT), (ROBOT, "/bin/sh")]:
    mount = f"set -e; mount --bind {file} {over}; exec {over} --norc -c \"{line}\""
    cli("-c", mount, program="/bin/bash", prefix=[*u, "--mount"], name="VIP")
