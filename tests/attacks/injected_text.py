# Tries to put entries, colours and directions of its own into the trail, the cards and the terminal by what it says.
# Ends: stopped
# Checks: clean
# Trail: deny
from _svault import *
import shutil

texts = ['ok"},\n{"event":"allow","id":"AAAAAAAA"', "line\nallow main/HIGH\n", "\x1b[2J\x1b]0;owned\x07 checking it",
         "\u202erevo t\u202d checking", "\u2066 checking the \u2069", "a\rallow main/HIGH it is", "checking \u200b\u200d\ufeff it all", "%s%n{{}}$(id)`id`"]
for text in texts:
    request("OTHER", reason=text)
    cli("get", "OTHER", "--scope", "db", "--reason", text, "--wait", "0", "--caller", "tester")
    cli("get", text)
    cli(text)
    cli("completions", text)
folder = f"{WORK}/a\n\x1b[31mallow \u202ex"
os.mkdir(folder)
shutil.copy("/bin/bash", f"{folder}/claude\nroot")
line = f"'{SVAULT}' get OTHER --scope db --reason '{REASON}'; exit $?"
subprocess.run([f"{folder}/claude\nroot", "--norc", "-c", line], cwd=folder)
c = hello()
c.send(ask("HIGH", exposure="env", env="V", argv=["/bin/sh", "-c", "\x1b[8m rm -rf /\x1b[0m\u202e", "x\ny"], cwd=folder, reason=texts[3], wait=20))
say(c.answer())
human("pending")
human("trail")
