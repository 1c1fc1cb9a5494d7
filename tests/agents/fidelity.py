"""What docs/agents.md says of the runs: the matrix, and what the gateway reports as dropped or approximated. The page is checked against each run."""

from cells import CLAUDE_CODE, CODEX, FRAMEWORKS, PROVIDERS, SEARCHED, agents
from reasons import reason

BEGIN, END = "<!-- from here on written by tests/agents/run.py --bless -->\n", "<!-- to here -->\n"
SCENARIOS = {"claude-code": CLAUDE_CODE, "codex": CODEX}
TITLES = {"claude-code": "Claude Code", "codex": "Codex"}
FRAMEWORK_TITLES = {
    "ai-sdk": "AI SDK",
    "langchain": "LangChain",
    "openai-agents": "OpenAI Agents SDK",
    "pydantic-ai": "Pydantic AI",
    "openai-sdk": "`openai` SDK",
    "anthropic-sdk": "`anthropic` SDK",
}


def paths(lists):
    """The field paths of several of the gateway's lists, each once."""
    return sorted({path for one in lists for path in one.split(",") if path})


def check(results, page, bless):
    """What is wrong with the page after these runs. It is compared whole when all cells of the agents were run, and else only for reasons."""
    wrong = [f"nobody has said why {client} loses {path}" for client, path in unjustified(results)]
    if not {key(cell) for cell in agents()} <= {key(result.cell) for result in results}:
        return wrong
    with open(page) as file:
        head, _, rest = file.read().partition(BEGIN)
    written, _, tail = rest.partition(END)
    seen = render(results)
    if bless and not wrong:
        with open(page, "w") as file:
            file.write(head + BEGIN + seen + END + tail)
    elif written != seen:
        was, now = written.splitlines(), seen.splitlines()
        wrong += [f"says, and was not seen: {line}" for line in was if line not in now]
        wrong += [f"does not say: {line}" for line in now if line not in was]
    return wrong


def key(cell):
    return cell.client, cell.provider, cell.name


def unjustified(results):
    for client in SCENARIOS:
        reported = (path for result in results if result.cell.client == client for path in result.dropped + result.approximated)
        for path in sorted(set(reported)):
            if reason(client, path) is None:
                yield client, path


def render(results):
    """The page's part that comes from the runs."""
    said = []
    for client, scenarios in SCENARIOS.items():
        mine = {(result.cell.provider, result.cell.name): result for result in results if result.cell.client == client}
        said += [f"## {TITLES[client]}: what was run\n", *matrix(scenarios, mine), ""]
        said += [f"## {TITLES[client]}: what does not reach the provider as it stands\n", *losses(client, mine), ""]
    said += ["## Frameworks and SDKs\n", *frameworks(results), ""]
    return "\n".join(said)


def mark(result):
    """How one cell went, in a word."""
    if result is None:
        return ""
    if result.failure:
        return "FAIL"
    if result.cell.error:
        return "400"
    if result.cell.name == "web search" and result.cell.provider in SEARCHED:
        return "400, goes on" if "400" in result.cell.shows else "not searched"
    return "ok"


def matrix(scenarios, mine):
    yield "| scenario | " + " | ".join(f"`{name}`" for name in PROVIDERS) + " |"
    yield "|---" * (len(PROVIDERS) + 1) + "|"
    for name, scenario in [*scenarios.items(), ("text", None)]:
        about = f"**{name}**: {scenario.about}" if scenario else "**text**: no tools at all, an answer in words"
        row = [mark(mine.get((provider, name))) for provider in PROVIDERS]
        yield f"| {about} | " + " | ".join(row) + " |"


def losses(client, mine):
    """A row for each field: D dropped, A approximated, in lower case where only some scenarios of the matrix have it."""
    yield "| field | " + " | ".join(f"`{name}`" for name in PROVIDERS) + " | why |"
    yield "|---" * (len(PROVIDERS) + 2) + "|"
    every, common = {}, {}
    for (provider, name), result in mine.items():
        for letter, reported in (("D", result.dropped), ("A", result.approximated)):
            for path in reported:
                every.setdefault(path, {}).setdefault(provider, set()).add(letter)
                if name in ("single", "text"):
                    common.setdefault(path, {}).setdefault(provider, set()).add(letter)
    for path in sorted(every):
        row = []
        for provider in PROVIDERS:
            usual = common.get(path, {}).get(provider, set())
            letters = sorted(every[path].get(provider, set()))
            row.append("".join(letter if letter in usual else letter.lower() for letter in letters))
        yield f"| `{path}` | " + " | ".join(row) + f" | {reason(client, path)} |"


def frameworks(results):
    yield "| client | Chat | Responses | Messages |"
    yield "|---|---|---|---|"
    for client, endpoints in FRAMEWORKS.items():
        row = []
        for api in ("chat", "responses", "messages"):
            usual = endpoints.get(api)
            modes = [result for result in results if result.cell.client == client and result.cell.api == api and result.cell.provider == usual]
            row.append(f"`{usual}`: " + ("ok" if modes and not any(result.failure for result in modes) else "FAIL") if usual else "")
        yield f"| {FRAMEWORK_TITLES[client]} | " + " | ".join(row) + " |"


def write_matrix(results, path):
    """All cells of this run with their times, as Markdown."""
    with open(path, "w") as file:
        file.write("| client | provider | scenario | result | seconds | dropped | approximated |\n|---|---|---|---|---|---|---|\n")
        for result in results:
            cell = result.cell
            lists = " | ".join(", ".join(f"`{one}`" for one in some) for some in (result.dropped, result.approximated))
            file.write(f"| {cell.client} | {cell.provider} | {cell.name} | {mark(result)} | {result.seconds:.1f} | {lists} |\n")
