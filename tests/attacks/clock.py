# Tries to ask at another hour: a library that sets back its own clock, and a time namespace.
# Ends: stopped
# Needs: UserNamespaces
# Trail: deny:outside_window
from _svault import *

hook = compiled(r"""
#include <time.h>
#include <stdlib.h>
#include <sys/time.h>
static long at(void) { return atol(getenv("AT")); }
int clock_gettime(clockid_t c, struct timespec *t) { t->tv_sec = at(); t->tv_nsec = 0; return 0; }
time_t time(time_t *t) { if (t) *t = at(); return at(); }
int gettimeofday(struct timeval *t, void *z) { t->tv_sec = at(); t->tv_usec = 0; return 0; }
""")
now = int(time.time())
midnight = now - now % 86400
for hour in range(0, 24, 1):
    get("NIGHT", env={"LD_PRELOAD": hook, "AT": str(midnight + hour * 3600 + 30), "TZ": f"XXX{hour - 12}"})
get("NIGHT", prefix=["unshare", "--user", "--map-current-user", "--time", "--boottime", "999999"])
request("NIGHT")
