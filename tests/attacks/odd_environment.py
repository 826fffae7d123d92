# Tries to change what svault does or prints with its environment: locale, terminal, library, language, allocator.
# Ends: stopped
# Checks: clean
# Trail: deny
from _svault import *

values = ["", "x" * 5000, "../../../../etc/passwd", "\x1b[31m", "%n%n%s", "C.UTF-8", "dumb", "1", "/dev/zero"]
names = ["LANG", "LC_ALL", "LANGUAGE", "TERM", "TERMINFO", "COLUMNS", "LINES", "NO_COLOR", "CLICOLOR_FORCE", "RUST_LOG", "RUST_BACKTRACE",
         "MALLOC_PERTURB_", "GLIBC_TUNABLES", "TZ", "TZDIR", "TMPDIR", "PAGER", "SVAULT_DEBUG", "SVAULT_KDF", "CI", "EDITOR", "SHELL"]
for name in names:
    get("HIGH", env={name: values[len(name) % len(values)]})
for value in values:
    get("MEDIUM", env={n: value for n in names if n not in ["RUST_BACKTRACE"]})
    cli("show", "HIGH", env={n: value for n in names})
