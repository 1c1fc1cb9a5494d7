"""The matrix: providers, scenarios, and the cells client × provider × scenario with what is expected of each."""

import base64
import json
from dataclasses import dataclass, field

# The base URL of each provider below the upstream's root, and the model that is asked for there.
PROVIDERS = {
    "openai": ("/v1", "gpt-5.2"),
    "anthropic": ("", "claude-sonnet-4-5"),
    "gemini": ("/gemini/v1beta", "gemini-3-pro-preview"),
    "groq": ("/groq/openai/v1", "openai/gpt-oss-120b"),
    "perplexity": ("/perplexity", "sonar-pro"),
    "aws-bedrock": ("", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    "aws-bedrock-invoke": ("", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    "openai-compatible": ("/compatible/v1", "qwen3"),
}
WITH_TOOLS = [name for name in PROVIDERS if name != "perplexity"]
# Names that a client knows and treats in its own way; a route of `NAME-PROVIDER` leads to the provider's model.
KNOWN_MODELS = ["claude-sonnet-4-5", "claude-opus-5-5", "gpt-5.5", "gpt-6.1-sol"]
NO_TOOLS = {
    "claude-code": "API Error: 400 tools: a client's tool cannot be sent to perplexity",
    "codex": "the models of perplexity take no function tools, so `tools` cannot be sent",
}


@dataclass(frozen=True)
class Scenario:
    """What happens in a run. `script`: the name that the upstream knows it by; `first`: a tool to call first, and its arguments,
    in which WORK is the run's project folder; `model`: a name that the client knows."""

    about: str
    script: str = "single"
    first: tuple = ()
    model: str = ""
    tools: bool = True

    def prompt(self, nonce, project):
        said = f"Please run the check with your shell tool. nonce={nonce} scenario={self.script}"
        if self.first:
            given = json.dumps(self.first[1]).replace("WORK", project)
            said += f" tool={self.first[0]} args={base64.b64encode(given.encode()).decode()}"
        return said

    def final(self, nonce):
        """What the client says at the end, if all went well."""
        if self.script == "text":
            return f"FINAL text-{nonce}"
        wanted = [42, 43] if self.script in ("twostep", "parallel") else [42]
        return "FINAL " + " ".join(f"loop-{number}-{nonce}" for number in wanted)


LOOPS = {
    "single": Scenario("one call, its result, the answer"),
    "parallel": Scenario("two calls in one turn", "parallel"),
    "twostep": Scenario("two calls, one after the other", "twostep"),
    "overload": Scenario("the provider is overloaded at first", "overload1"),
    "cut": Scenario("the first stream breaks off", "cut"),
    "error event": Scenario("the first stream ends in an error", "errevent"),
}
CLAUDE_CODE = LOOPS | {
    "image": Scenario("`Read` of a PNG", "image", ("Read", {"file_path": "WORK/red.png"})),
    "tool search": Scenario("`ToolSearch`, which loads a deferred tool", "toolsearch", ("ToolSearch", {"query": "select:WebFetch", "max_results": 5})),
    "known model": Scenario("under the name of a Claude that takes a thinking budget", "single", model="claude-sonnet-4-5"),
    "newest model": Scenario("under the name of the newest Claude: adaptive thinking, system messages in the middle", "twostep", model="claude-opus-5-5"),
    "web search": Scenario("`WebSearch`, which asks the provider to search", "single", ("WebSearch", {"query": "tower middleware"})),
}
CODEX = LOOPS | {
    "image": Scenario("`view_image` of a PNG", "image", ("view_image", {"path": "WORK/red.png"})),
    "namespace": Scenario("`spawn_agent`, a tool in a namespace", "single", ("spawn_agent", {"message": "say hi"})),
    "freeform": Scenario("`apply_patch`, a freeform tool", "patch", model="gpt-5.5"),
    "code mode": Scenario("tools as an input item, JavaScript as freeform input", "twostep", model="gpt-6.1-sol"),
}
TEXT = Scenario("no tools: an answer in words", "text", tools=False)
# What Claude Code's model gets to see of a search.
SEARCHED = {
    "aws-bedrock": "API Error: 400 tool_choice.name: aws-bedrock cannot run the tool `web_search`",
    "aws-bedrock-invoke": "API Error: 400 tool_choice: the tool that must be called runs on Anthropic's servers, which Bedrock does not have",
    # The call names no tool that must be called, so it goes out without any, which the header says.
    "openai-compatible": "Web search results for query",
}
FOUND = "https://example.com/a"
# The frameworks: a provider for each endpoint that the gateway converts, so that every conversion has one.
FRAMEWORKS = {
    "ai-sdk": {"chat": "anthropic", "responses": "aws-bedrock", "messages": "openai"},
    "langchain": {"chat": "aws-bedrock", "responses": "gemini", "messages": "groq"},
    "openai-agents": {"chat": "aws-bedrock-invoke", "responses": "anthropic"},
    "pydantic-ai": {"chat": "anthropic", "responses": "groq", "messages": "aws-bedrock"},
    "openai-sdk": {"chat": "aws-bedrock", "responses": "aws-bedrock-invoke"},
    "anthropic-sdk": {"messages": "gemini"},
}


@dataclass(frozen=True)
class Cell:
    """One run. `error`: what the user sees where the provider cannot serve it; empty, if the loop must come to its end.
    `shows`: what must be seen besides."""

    client: str
    provider: str
    name: str
    scenario: Scenario = field(repr=False)
    api: str = ""
    stream: bool = True
    error: str = ""
    shows: str = ""

    @property
    def model(self):
        if self.scenario.model:
            return f"{self.scenario.model}-{self.provider}"
        return f"{self.provider}/{PROVIDERS[self.provider][1]}"


def agents():
    for provider in WITH_TOOLS:
        for client, scenarios in (("claude-code", CLAUDE_CODE), ("codex", CODEX)):
            for name, scenario in scenarios.items():
                shows = SEARCHED.get(provider, FOUND) if name == "web search" else ""
                yield Cell(client, provider, name, scenario, shows=shows)
    for client, error in NO_TOOLS.items():
        yield Cell(client, "perplexity", "single", LOOPS["single"], error=error)
        yield Cell(client, "perplexity", "text", TEXT)


def frameworks(everywhere):
    """`everywhere`: each with all providers, rather than the one that stands above."""
    for client, endpoints in FRAMEWORKS.items():
        for api, usual in endpoints.items():
            for provider in WITH_TOOLS if everywhere else [usual]:
                for stream in (True, False):
                    mode = "stream" if stream else "whole"
                    yield Cell(client, provider, f"{api}, {mode}", LOOPS["single"], api, stream)
