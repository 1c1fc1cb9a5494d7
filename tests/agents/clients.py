"""The client programs: how each is started, headless, against a gateway. What stands here is what docs/agents.md tells users to set."""

import os
import shutil
from dataclasses import dataclass

from setup import HERE, NODE_MODULES, PYTHON

KEY = "k1"
CODEX = """\
model = "{model}"
model_provider = "gateway"
check_for_update_on_startup = false
approval_policy = "never"
sandbox_mode = "danger-full-access"
[features]
plugins = false
apps = false
{features}
[analytics]
enabled = false
[feedback]
enabled = false
[otel]
exporter = "none"
[model_providers.gateway]
name = "gateway"
base_url = "{base}/v1"
wire_api = "responses"
env_key = "GATEWAY_KEY"
request_max_retries = 3
stream_max_retries = 2
stream_idle_timeout_ms = 30000
"""
# What takes every tool from Codex that a setting can take.
CODEX_NO_TOOLS = "shell_tool = false\nview_image = false\ngoals = false\n[agents]\nenabled = false\n[tools]\nexperimental_request_user_input = { enabled = false }"


@dataclass
class Run:
    """One run of a client. `work`: a folder of its own, `project` inside it is where it works; `api`: chat, responses or messages."""

    base: str
    model: str
    prompt: str
    work: str
    api: str = ""
    stream: bool = True
    tools: bool = True

    @property
    def project(self):
        return os.path.join(self.work, "project")


def bare(home, **more):
    """Nothing of the caller's environment but PATH: no key, proxy or setting leaks in or out."""
    kept = {"PATH": os.environ["PATH"], "HOME": home, "TMPDIR": home, "LANG": "C.UTF-8", "TERM": "dumb", "NO_COLOR": "1", "CI": "1"}
    return kept | {"NO_PROXY": "127.0.0.1,localhost", "DO_NOT_TRACK": "1", "SHELL": "/bin/bash"} | more


def claude_code(run):
    environment = bare(
        run.work,
        ANTHROPIC_BASE_URL=run.base,
        ANTHROPIC_API_KEY=KEY,
        CLAUDE_CONFIG_DIR=os.path.join(run.work, ".claude"),
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
        DISABLE_AUTOUPDATER="1",
        DISABLE_TELEMETRY="1",
        DISABLE_ERROR_REPORTING="1",
        DISABLE_BUG_COMMAND="1",
        # So that it runs as root, as CI does.
        IS_SANDBOX="1",
        CLAUDE_CODE_MAX_RETRIES="3",
    )
    command = [os.path.join(NODE_MODULES, ".bin", "claude"), "-p", run.prompt, "--model", run.model, "--output-format", "json"]
    command += ["--allowedTools", "Bash,Read,WebSearch"] if run.tools else ["--tools", ""]
    return command, environment


def codex(run):
    home = os.path.join(run.work, "codex")
    os.makedirs(home)
    with open(os.path.join(home, "config.toml"), "w") as file:
        file.write(CODEX.format(model=run.model, base=run.base, features="" if run.tools else CODEX_NO_TOOLS))
    command = [os.path.join(NODE_MODULES, ".bin", "codex"), "exec", "--skip-git-repo-check", run.prompt]
    if not run.tools:
        command[2:2] = ["-c", 'web_search="disabled"']
    return command, bare(run.work, CODEX_HOME=home, GATEWAY_KEY=KEY, RUST_LOG="error")


def ai_sdk(run):
    return script(run, [shutil.which("node") or "node", os.path.join(HERE, "drivers", "with_ai_sdk.mjs")], NODE_MODULES=NODE_MODULES, AI_SDK_LOG_WARNINGS="false")


def python(name):
    """A client in Python: `drivers/with_NAME.py`."""
    command = [PYTHON, "-B", "-W", "ignore", os.path.join(HERE, "drivers", f"with_{name}.py")]
    return lambda run: script(run, command, LANGSMITH_TRACING="false", OPENAI_AGENTS_DISABLE_TRACING="1")


def script(run, command, **environment):
    mode = "stream" if run.stream else "whole"
    return [*command, run.base, run.api, run.model, KEY, run.prompt, mode], bare(run.work, **environment)


CLIENTS = {
    "claude-code": claude_code,
    "codex": codex,
    "ai-sdk": ai_sdk,
    "langchain": python("langchain"),
    "openai-agents": python("openai_agents"),
    "pydantic-ai": python("pydantic_ai"),
    "openai-sdk": python("openai"),
    "anthropic-sdk": python("anthropic"),
}
