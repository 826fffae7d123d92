"""Runs real clients against a scripted model, with what `svault install` writes, and judges what the model was sent.

usage: check.py --svault PROGRAM --prefix FOLDER [--node FOLDER] [CLIENT…]

FOLDER/CLIENT is where npm installed that client. Each one gets a home and a project of its own, a store with one secret
of exposure `env`, and an environment made from nothing. Then it runs once more without svault: what svault keeps from the
model must reach it then, or the checks would show nothing.
"""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from clients import ALL, USUAL
from model import Model

PASSPHRASE = "seven dull ferrets juggle 41 lanterns"
STORED, IN_FILE, LEAKED = "sk-test-STORED5f0e1c9a7742", "sk-test-ENVFILE000111222", "sk-test-LEAKED333444555"
REASON = "calling the model's interface for a test"
ASK = {"name": "OPENAI_API_KEY", "scope": "dev", "reason": REASON}
RUN = {"command": ["sh", "-c", "echo it is $OPENAI_API_KEY; exit 3"], "secrets": ["OPENAI_API_KEY"], "scope": "dev", "reason": REASON}
PLAN = [("get", "server", ("get_secret", ASK)), ("run", "server", ("run", RUN)), ("leak-ok", "shell", "cat leak.txt"),
        ("leak-fail", "shell", "cat leak.txt; exit 3"), ("env-shell", "shell", "cat .env"), ("env-read", "read", ".env")]
PATIENCE = 150  # seconds


class House:
    """A home, a project and a store."""

    def __init__(self, svault, path):
        self.folder = tempfile.mkdtemp(prefix="sv-")
        self.home, self.project = os.path.join(self.folder, "h"), os.path.join(self.folder, "p")
        self.svault = svault
        self.environment = {"HOME": self.home, "PATH": path, "TERM": "xterm", "LANG": "C.UTF-8", "USER": "tester",
                            "SHELL": "/bin/bash", "NO_COLOR": "1"}
        os.makedirs(self.home)
        subprocess.run(["git", "init", "-q", self.project], check=True)
        for name, text in ((".env", "OPENAI_API_KEY=%s\n" % IN_FILE), ("leak.txt", "the key is %s as you see\n" % LEAKED)):
            with open(os.path.join(self.project, name), "w") as file:
                file.write(text)

    def human(self, *arguments, stdin="", code=None):
        """svault, with the passphrase on a descriptor."""
        ours, theirs = os.pipe()
        os.write(theirs, (PASSPHRASE + "\n").encode())
        os.close(theirs)
        flags = ["--passphrase-fd", str(ours)] + (["--recovery-out-fd", str(code)] if code is not None else [])
        done = subprocess.run([self.svault, *arguments, *flags], cwd=self.project, env=self.environment, input=stdin, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, pass_fds=[fd for fd in (ours, code) if fd is not None])
        os.close(ours)
        if done.returncode != 0:
            raise RuntimeError("svault %s: %s" % (arguments[0], done.stdout))
        return done.stdout

    def store(self):
        with tempfile.TemporaryFile() as code:
            self.human("init", code=code.fileno())
        self.human("add", "OPENAI_API_KEY", "--scope", "dev", "--tier", "low", "--expose", "env", stdin=STORED)

    def left(self):
        """Processes that were started here: they have this home, which no other has."""
        mark = ("HOME=%s\0" % self.home).encode()
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/environ" % pid, "rb") as file:
                    if mark in file.read() + b"\0":
                        yield int(pid)
            except OSError:
                continue

    def close(self):
        subprocess.run([self.svault, "lock"], env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(50):
            pids = list(self.left())
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass
            if not pids:
                break
            time.sleep(0.05)
        shutil.rmtree(self.folder, ignore_errors=True)


def play(name, options, installed, plan):
    """One run: the model that it spoke to, and what the client itself said."""
    binaries = os.path.join(options.prefix, name, "node_modules", ".bin")
    path = ":".join([binaries] + ([options.node] if options.node else []) + ["/usr/local/bin", "/usr/bin", "/bin"])
    house, model = House(options.svault, path), Model([])
    try:
        client = ALL[name](house.home, house.project, model.url)
        model.script = [client.step(kind, what) for _, kind, what in plan]
        client.prepare()
        if installed:
            house.store()
            house.human("install", "--client", name, "--yes", *client.flags)
            if client.own_executable:
                callers = json.loads(house.human("caller", "list", "--json"))["callers"]
                house.human("caller", "allow", callers[0]["name"], "dev")
        program = subprocess.Popen(
            [os.path.join(binaries, client.program), *client.arguments("Do what was planned.")], cwd=house.project,
            env={**house.environment, **client.environment()}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True)
        try:
            said, _ = program.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(program.pid, signal.SIGKILL)
            said, _ = program.communicate()
        return model, said.decode(errors="replace")
    finally:
        model.shutdown()
        house.close()


def judge(client, plan, model):
    """{check: whether it holds}, from what the model was sent."""
    steps = model.steps()

    def result(name):
        at = [n for n, _, _ in plan].index(name)
        return (steps[at][1] or "") if at < len(steps) else None

    def holds(name, wanted=""):
        got = result(name)
        return got is not None and wanted in got

    allowed = client.own_executable
    reference, output = ("svault://main/OPENAI_API_KEY", "it is [svault:OPENAI_API_KEY]") if allowed else ("denied", "denied")
    masked = "[svault:" if client.masks else "exposed and should be replaced"
    checks = {
        "get": holds("get", reference),
        "run": holds("run", output),
        "leak-ok": holds("leak-ok", masked),
        "leak-fail": holds("leak-fail", masked),
        "env-shell": (client.ends_when_stopped or holds("env-shell")) and IN_FILE not in model.text(),
        "env-read": (client.ends_when_stopped or holds("env-read")) and IN_FILE not in model.text(),
        "nothing stored": STORED not in model.text(),
        "nothing leaked": LEAKED not in model.text() if client.masks else True,
    }
    return checks


def check(name, options):
    """[(check, whether it holds)] of one client, with and without svault; prints them."""
    client = ALL[name]
    model, said = play(name, options, True, PLAN)
    found = judge(client, PLAN, model)
    bare, bare_said = play(name, options, False, PLAN[2:])
    found["without svault"] = LEAKED in bare.text()
    print("%-9s %s" % (name, "  ".join("%s %s" % (what, "ok" if ok else "FAILED") for what, ok in found.items())), flush=True)
    if not all(found.values()):
        for tool, result in model.steps():
            print("    %s -> %s" % (tool, (result or "no result")[:400]))
        print("    it said: %s" % said[-1500:])
        if not found["without svault"]:
            print("    without svault it said: %s" % bare_said[-1500:])
    return list(found.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--svault", required=True)
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--node")
    parser.add_argument("clients", nargs="*", default=USUAL, metavar="CLIENT")
    options = parser.parse_args()
    options.prefix, options.svault = os.path.abspath(options.prefix), os.path.abspath(options.svault)
    found = [ok for name in options.clients for ok in check(name, options)]
    print("%d passed, %d failed" % (found.count(True), found.count(False)))
    sys.exit(0 if found and all(found) else 1)


if __name__ == "__main__":
    main()
