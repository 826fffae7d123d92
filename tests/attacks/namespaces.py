# Tries to look like another process from inside of namespaces: root of a user namespace, pid 1, other mounts.
# Ends: stopped
# Needs: UserNamespaces
# Trail: deny
from _svault import *

u = ["unshare", "--user", "--map-root-user"]
p = ["unshare", "--user", "--map-current-user", "--pid", "--fork", "--mount-proc"]
for prefix in [u, p, [*u, "--mount"], [*u, "--ipc", "--net", "--uts"]]:
    get("VIP", caller=None, scope="vip", prefix=prefix)
    get("OTHER", caller="robot", scope="payments", prefix=prefix)
    cli("show", "HIGH", prefix=prefix)
    cli("show", "HIGH", "--passphrase-fd", "0", prefix=prefix, stdin=b"guess\n")
line = f"mount --bind /bin/bash {ROBOT}; exec {ROBOT} --norc -c \"'{SVAULT}' get VIP --scope vip --reason '{REASON}'; exit\""
cli("-c", line, program="/bin/sh", prefix=[*u, "--mount"])
line = f"mount --bind {ROBOT} /bin/sh; exec /bin/sh -c \"'{SVAULT}' get OTHER --scope payments --reason '{REASON}'; exit\""
cli("-c", line, program="/bin/bash", prefix=[*u, "--mount"])
