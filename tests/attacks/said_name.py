# Tries to have another caller's rights by saying its name.
# Ends: stopped
# Trail: deny
from _svault import *

request("VIP", caller="robot", scope="vip")
get("VIP", caller="robot", scope="vip")
# A caller that is `verified` is one that a human has started, whatever anybody says.
request("STARTED", caller="started", scope="started")
get("STARTED", caller="started", scope="started")
