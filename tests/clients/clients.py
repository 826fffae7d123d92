"""The clients that can be run without an account: how each is set up, started, and which tools it offers a model."""
import json
import os


class Client:
    """What most have in common."""

    program = None          # the command that npm makes
    server_tool = "svault_%s$"
    late = None             # the name by which a tool of a server is found where it is not offered at once
    read = shell = None     # [regex of the tool, its arguments for a path or a command]
    own_executable = True   # whether svault can tell its processes from others, so that a scope helps
    masks = True            # whether what a tool says can be kept from the model, else it is warned
    ends_when_stopped = False
    flags = ()              # more for `svault install`

    def __init__(self, home, project, url):
        self.home, self.project, self.url = home, project, url

    def write(self, path, content):
        path = os.path.join(self.home, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(content if isinstance(content, str) else json.dumps(content, indent=2))

    def prepare(self):
        """Settings of the user's own, before `svault install`."""

    def environment(self):
        return {}

    def arguments(self, prompt):
        raise NotImplementedError

    def step(self, kind, what):
        if kind == "server":
            tool, arguments = what
            name = self.late % tool if self.late else None
            return {"tool": self.server_tool % tool, "args": arguments, "late": name}
        pattern, arguments = self.read if kind == "read" else self.shell
        fill = os.path.join(self.project, what) if kind == "read" else what
        return {"tool": "^%s$" % pattern, "args": arguments(fill)}


class Claude(Client):
    program = "claude"
    late = "mcp__svault__svault_%s"
    read = ("Read", lambda path: {"file_path": path})
    shell = ("Bash", lambda command: {"command": command, "description": "run"})

    def environment(self):
        off = ("DISABLE_TELEMETRY", "DISABLE_AUTOUPDATER", "DISABLE_ERROR_REPORTING", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC")
        return {"ANTHROPIC_BASE_URL": self.url, "ANTHROPIC_API_KEY": "none", **dict.fromkeys(off, "1")}

    def arguments(self, prompt):
        return ["-p", prompt, "--allowedTools", "mcp__svault,Read,Bash", "--max-turns", "30", "--output-format", "json"]


class Codex(Client):
    """Its hooks run only where they are trusted: nothing here turns that off."""

    program = "codex"
    read = ("exec_command", lambda path: {"cmd": "sed -n 1,200p " + path})
    shell = ("exec_command", lambda command: {"cmd": command})
    flags = ("--trust-codex-hooks",)

    def prepare(self):
        self.write(".codex/config.toml", """model = "mock-model"
model_provider = "mock"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false

[model_providers.mock]
name = "mock"
base_url = "%s/v1"
wire_api = "responses"
env_key = "MOCK_KEY"
""" % self.url)

    def environment(self):
        return {"MOCK_KEY": "none"}

    def arguments(self, prompt):
        return ["exec", "--skip-git-repo-check", prompt]


class Copilot(Client):
    program = "copilot"
    read = ("view", lambda path: {"path": path})
    shell = ("bash", lambda command: {"command": command, "description": "run"})

    def environment(self):
        return {"COPILOT_OFFLINE": "true", "COPILOT_PROVIDER_BASE_URL": self.url + "/v1", "COPILOT_AUTO_UPDATE": "false",
                "COPILOT_PROVIDER_API_KEY": "none", "COPILOT_MODEL": "mock-model"}

    def arguments(self, prompt):
        return ["-p", prompt, "--allow-all-tools", "--no-color"]


class Gemini(Client):
    program = "gemini"
    read = ("read_file", lambda path: {"file_path": path})
    shell = ("run_shell_command", lambda command: {"command": command, "description": "run"})
    own_executable = False

    def prepare(self):
        self.write(".gemini/settings.json", {"security": {"auth": {"selectedType": "gemini-api-key"}}})

    def environment(self):
        return {"GEMINI_API_KEY": "none", "GOOGLE_GEMINI_BASE_URL": self.url, "GEMINI_CLI_TRUST_WORKSPACE": "true"}

    def arguments(self, prompt):
        return ["-p", prompt, "-m", "gemini-2.5-pro", "--yolo"]


class Opencode(Client):
    program = "opencode"
    read = ("read", lambda path: {"filePath": path})
    shell = ("bash", lambda command: {"command": command, "description": "run"})

    def prepare(self):
        options = {"baseURL": self.url + "/v1", "apiKey": "none"}
        mock = {"npm": "@ai-sdk/openai-compatible", "name": "mock", "options": options, "models": {"mock-model": {"name": "mock"}}}
        self.write(".config/opencode/opencode.json", {"model": "mock/mock-model", "provider": {"mock": mock}})

    def environment(self):
        return {"OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_AUTOUPDATE": "1"}

    def arguments(self, prompt):
        return ["run", "--auto", prompt]


class Qwen(Client):
    """Takes neither other commands nor other output: the model is warned."""

    program = "qwen"
    late = "mcp__svault__svault_%s"
    read = ("read_file", lambda path: {"file_path": path})
    shell = ("run_shell_command", lambda command: {"command": command, "is_background": False})
    own_executable = False
    masks = False

    def environment(self):
        return {"OPENAI_BASE_URL": self.url + "/v1", "OPENAI_API_KEY": "none", "OPENAI_MODEL": "mock-model"}

    def arguments(self, prompt):
        return ["-p", prompt, "--yolo", "--auth-type", "openai"]


class Cline(Client):
    """A stopped call ends its task. It takes other commands, and no other output."""

    program = "cline"
    server_tool = "svault_%s$"
    read = ("read_files", lambda path: {"files": [{"path": path}]})
    shell = ("run_commands", lambda command: {"commands": [command]})
    own_executable = False
    ends_when_stopped = True

    def prepare(self):
        settings = {"provider": "openai-compatible", "apiKey": "none", "model": "mock-model", "baseUrl": self.url + "/v1"}
        provider = {"settings": settings, "updatedAt": "2026-01-01T00:00:00.000Z", "tokenSource": "manual"}
        providers = {"openai-compatible": provider}
        self.write(".cline/data/settings/providers.json",
                   {"version": 1, "lastUsedProvider": "openai-compatible", "providers": providers})

    def environment(self):
        return {"CLINE_TELEMETRY_DISABLED": "1"}

    def arguments(self, prompt):
        return ["--json", "-P", "openai-compatible", "-m", "mock-model", "-c", self.project, prompt]


ALL = {"claude": Claude, "codex": Codex, "copilot": Copilot, "gemini": Gemini, "opencode": Opencode, "qwen": Qwen, "cline": Cline}
USUAL = ("claude", "codex", "copilot")
