"""OpenAI Responses requests: what the script needs of them, and what OpenAI refuses in them."""

from .script import Tool, View, images, text_of

# What every encrypted reasoning that this provider makes begins with.
ENCRYPTED = "bW9jay1lbmMt"
CALLS = ("function_call", "custom_tool_call")
OUTPUTS = ("function_call_output", "custom_tool_call_output")


def read(body):
    view = View(body.get("model", ""), body.get("stream"))
    view.encrypted = "reasoning.encrypted_content" in (body.get("include") or [])
    view.thinking = bool(body.get("reasoning"))
    output = (body.get("text") or {}).get("format") or {}
    if output.get("type") == "json_schema":
        view.json_schema = output.get("schema")
    given = body.get("input")
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given or []
    for tool in body.get("tools") or []:
        read_tool(view, tool)
    for item in items:
        # Codex's "code mode" sends its tools as an item.
        for tool in item.get("tools") or [] if item.get("type") == "additional_tools" else []:
            read_tool(view, tool)
    read_items(view, items)
    view.images = images(items, '"type": "input_image"')
    return view


def read_tool(view, tool, namespace=None):
    kind = tool.get("type")
    if kind == "function":
        view.tools.append(Tool(tool["name"], "function", tool.get("parameters"), namespace))
    elif kind == "custom":
        view.tools.append(Tool(tool["name"], "custom", None, namespace))
    elif kind == "namespace":
        for inner in tool.get("tools") or []:
            read_tool(view, inner, tool.get("name"))
    else:
        view.tools.append(Tool(kind or "", "server"))
        view.searches |= (kind or "").startswith("web_search")


def read_items(view, items):
    pending = set()
    for item in items:
        kind = item.get("type", "message")
        if kind == "message" and item.get("role") == "user":
            view.user.append(text_of(item.get("content")))
        elif kind in CALLS:
            pending.add(item.get("call_id"))
        elif kind in OUTPUTS:
            call = item.get("call_id")
            if call not in pending:
                view.errors.append(f"No tool call found for function call output with call_id {call}.")
            pending.discard(call)
            view.results.append(text_of(item.get("output")))
        elif kind == "reasoning" and item.get("encrypted_content"):
            if not item["encrypted_content"].startswith(ENCRYPTED):
                view.errors.append("The encrypted content could not be verified.")
            else:
                view.notes.append("encrypted_content ok")
    view.errors += [f"No tool output found for function call {call}." for call in pending]
