"""The script: what the provider says next, decided from the request alone.

The prompt carries `nonce=TOKEN scenario=NAME`. The provider asks for the command `printf 'loop-%d-TOKEN\\n' 42` to be run. Only a client that really ran it can
send `loop-42-TOKEN` back as a tool's result, and only then does the provider say `FINAL loop-42-TOKEN`.
"""

import base64
import json
import re

# Names of tools that run a shell command, the likeliest first.
SHELLS = ["Bash", "bash", "shell_command", "exec_command", "shell", "run_command", "execute_command"]
# How many results a client may send before the loop is called broken.
MOST_RESULTS = 5
# What every search finds.
SOURCE = "https://example.com/a"
# How much of the results the last answer repeats.
SHOWN = 240


class Tool:
    """A tool that the request offers. `kind`: function, custom (freeform input) or server (the provider runs it)."""

    def __init__(self, name, kind="function", schema=None, namespace=None):
        self.name, self.kind, self.schema, self.namespace = name, kind, schema or {}, namespace

    @property
    def takes_script(self):
        """Codex's code mode: JavaScript, as freeform input or as the one string of a function that stands for it."""
        return self.name.split("__")[-1] == "exec"


class View:
    """What the script needs to know of a request, whatever its format.

    `notes` go into the record; any of `errors` makes the answer a 400.
    """

    def __init__(self, model="", stream=False):
        self.model, self.stream = model, bool(stream)
        self.user, self.results, self.tools = [], [], []
        self.notes, self.errors = [], []
        self.json_schema = None
        self.images = 0
        self.thinking = self.encrypted = self.searches = False


class Turn:
    """What the provider says: `text`, or `calls` as (id, tool, arguments) triples."""

    def __init__(self, text=None, calls=(), nonce=None, scenario=""):
        self.text, self.calls, self.nonce, self.scenario = text, list(calls), nonce, scenario


def text_of(value):
    """All text inside a content, whatever its format."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(map(text_of, value))
    if isinstance(value, dict):
        for key in ("text", "output", "content"):
            if key in value:
                return text_of(value[key])
        for key in ("json", "response"):
            if key in value:
                return json.dumps(value[key])
    return ""


def pieces(text, size=7):
    """A text in the small pieces that a stream carries."""
    return [text[at : at + size] for at in range(0, len(text), size)] or [""]


def images(messages, mark):
    """How many images there are in the messages; `mark` is what each has and no text can have."""
    return json.dumps(messages).count(mark)


def smallest(schema):
    """A smallest value for a JSON schema."""
    if not isinstance(schema, dict):
        return {}
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for key in ("anyOf", "oneOf"):
        if schema.get(key):
            return smallest(schema[key][0])
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0]
    if kind == "object" or "properties" in schema:
        members = schema.get("properties") or {}
        return {name: smallest(members.get(name, {})) for name in schema.get("required", [])}
    if kind == "array":
        return [smallest(schema.get("items", {}))]
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    return {"boolean": False, "null": None}.get(kind, "mock")


def shell(tools, scenario):
    """The tool to call: one that runs commands, or for `patch` the freeform one."""
    if scenario == "patch":
        for tool in tools:
            if tool.kind == "custom" or tool.name == "apply_patch":
                return tool
    callable_ = [tool for tool in tools if tool.kind != "server"]
    named = [tool for name in SHELLS for tool in callable_ if tool.name == name]
    scripts = [tool for tool in callable_ if tool.takes_script]
    like = [tool for tool in callable_ if re.search("bash|shell|command|exec", tool.name.lower())]
    return next(iter(named + scripts + like + callable_), None)


def arguments(tool, command):
    """The arguments that make `tool` run `command`."""
    members = tool.schema.get("properties") or {}
    given = {name: smallest(members.get(name, {})) for name in tool.schema.get("required", [])}
    for key in ("command", "cmd", "script", "input"):
        if key in members:
            given[key] = ["bash", "-lc", command] if members[key].get("type") == "array" else command
            break
    if "description" in members:
        given["description"] = "Print a marker"
    return given


def call(tool, number, nonce):
    """The input of one call that brings marker `number`."""
    command = f"printf 'loop-%d-{nonce}\\n' {number}"
    freeform = tool.kind == "custom"
    if tool.takes_script:
        command = f"const r = await tools.exec_command({{cmd: {json.dumps(command)}}}); text(r.output ?? r);"
    elif freeform or tool.name == "apply_patch":
        command = f"*** Begin Patch\n*** Add File: loop.txt\n+loop-{number}-{nonce}\n*** End Patch"
    return command if freeform else arguments(tool, command)


def broken_by_now(view, scenario, results):
    """What got lost on the way, once the client has sent results."""
    if not view.results:
        return None
    if "unsupported call" in results:
        return "the client did not know the tool by the name that it got"
    if scenario == "image" and not view.images:
        return "the image of the tool's result is not there"
    if scenario == "toolsearch" and not any(tool.name == "WebFetch" for tool in view.tools):
        return "the tool that was found is not there"
    return None


def plan(view):
    """What to say to the request."""
    said = "\n".join(view.user)
    nonces = re.findall(r"nonce=([a-z0-9]{4,20})", said)
    if view.json_schema is not None:
        return Turn(json.dumps(smallest(view.json_schema)))
    if not nonces:
        return Turn("ok")
    nonce = nonces[-1]
    scenario = (re.findall(r"scenario=([a-z0-9]+)", said) or ["single"])[-1]
    if scenario == "text":
        return Turn(f"FINAL text-{nonce}", nonce=nonce, scenario=scenario)
    results = "\n".join(view.results)
    wanted = [42, 43] if scenario in ("twostep", "parallel") else [42]
    missing = [number for number in wanted if f"loop-{number}-{nonce}" not in results]
    # `patch`: the freeform tool first, then the marker.
    tool = shell(view.tools, "" if view.results else scenario)
    if tool is None:
        return Turn("FAILED: there is no tool to call", nonce=nonce, scenario=scenario)
    broken = broken_by_now(view, scenario, results)
    if broken:
        return Turn(f"FAILED: {broken}", nonce=nonce, scenario=scenario)
    if not missing:
        final = " ".join(f"loop-{number}-{nonce}" for number in wanted)
        return Turn(f"FINAL {final} | {results[:SHOWN]}", nonce=nonce, scenario=scenario)
    if len(view.results) > MOST_RESULTS:
        return Turn(f"FAILED after {len(view.results)} results", nonce=nonce, scenario=scenario)
    first = re.findall(r"tool=([A-Za-z0-9_.-]+) args=([A-Za-z0-9+/=]+)", said)
    if first and not view.results:
        name, given = first[-1]
        # A namespaced tool may have its namespace in its name.
        found = (tool for tool in view.tools if tool.name.split("__")[-1] == name)
        named = next(found, Tool(name))
        calls = [("90" + nonce, named, json.loads(base64.b64decode(given)))]
        return Turn(calls=calls, nonce=nonce, scenario=scenario)
    todo = missing if scenario == "parallel" else missing[:1]
    calls = [(f"{number}{nonce}{len(view.results)}", tool, call(tool, number, nonce)) for number in todo]
    return Turn(calls=calls, nonce=nonce, scenario=scenario)
