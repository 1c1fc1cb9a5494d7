"""Chat Completions requests in the dialects of OpenAI, Gemini, Groq, Perplexity and a plain compatible server.

Rules from the vendors' API references; where one says that unknown members are refused, the list here is what it names.
"""

import re

from .script import Tool, View, images, text_of

# What Gemini's signature of a call is, and what may stand for one that the model never made.
THOUGHT = "bW9jay10aG91Z2h0"
NO_THOUGHT = "skip_thought_signature_validator"
COMMON = "model messages stream temperature top_p n stop tools tool_choice response_format reasoning_effort"
# The members of a request that each dialect knows.
MEMBERS = {
    "openai": COMMON
    + " stream_options max_tokens max_completion_tokens presence_penalty frequency_penalty seed user parallel_tool_calls logprobs"
    " top_logprobs logit_bias metadata store service_tier verbosity prediction modalities audio web_search_options prompt_cache_key"
    " prompt_cache_retention prompt_cache_options safety_identifier functions function_call",
    "gemini": COMMON + " stream_options max_tokens max_completion_tokens extra_body parallel_tool_calls",
    "groq": COMMON
    + " stream_options max_tokens max_completion_tokens parallel_tool_calls seed user service_tier include_reasoning reasoning_format"
    " documents citation_options search_settings disable_tool_validation compound_custom presence_penalty frequency_penalty metadata store",
    "perplexity": "model messages stream max_tokens temperature top_p top_k stop n presence_penalty frequency_penalty logprobs"
    " top_logprobs response_format reasoning_effort web_search_options search_mode search_domain_filter disable_search",
}
MEMBERS["compatible"] = MEMBERS["openai"]
# The members of a message that Groq knows.
GROQ = {
    "assistant": "role content tool_calls reasoning",
    "tool": "role content tool_call_id",
    "system": "role content",
    "developer": "role content",
    "user": "role content",
}


def read(body, dialect):
    view = View(body.get("model", ""), body.get("stream"))
    unknown = [key for key in body if key not in MEMBERS[dialect].split()]
    if unknown:
        view.errors.append(f"Unrecognized request arguments supplied: {unknown}")
    output = body.get("response_format") or {}
    if output.get("type") == "json_schema":
        view.json_schema = (output.get("json_schema") or {}).get("schema")
    for tool in body.get("tools") or []:
        read_tool(view, tool, dialect)
    messages = body.get("messages") or []
    if dialect == "groq":
        check_groq(view, messages)
    if dialect == "perplexity":
        check_perplexity(view, messages)
    if dialect == "gemini":
        check_gemini(view, messages)
    read_messages(view, messages, dialect)
    view.images = images(messages, '"type": "image_url"')
    return view


def read_tool(view, tool, dialect):
    kind = tool.get("type")
    if dialect == "perplexity":
        view.errors.append("Tool calling is not supported for this model")
    elif kind == "function":
        name = tool["function"]["name"]
        view.tools.append(Tool(name, "function", tool["function"].get("parameters")))
        if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name):
            view.errors.append(f"Invalid 'tools[].function.name': {name[:80]}")
    elif kind == "custom" and dialect == "openai":
        view.tools.append(Tool(tool["custom"]["name"], "custom"))
    elif kind in ("browser_search", "code_interpreter") and dialect == "groq":
        view.tools.append(Tool(kind, "server"))
        view.searches |= kind == "browser_search"
    else:
        view.errors.append(f"Invalid value for tools[].type: {kind}")


def read_messages(view, messages, dialect):
    pending = []
    for at, message in enumerate(messages):
        role = message.get("role")
        if role != "tool" and pending:
            view.errors.append(f"An assistant message with 'tool_calls' must be followed by tool messages: {pending}")
            pending = []
        if role == "user":
            view.user.append(text_of(message.get("content")))
        elif role == "assistant":
            calls = message.get("tool_calls") or []
            pending = [call["id"] for call in calls]
            for call in calls:
                if len(call["id"]) > 40 and dialect == "openai":
                    view.errors.append(f"tool_calls[].id: string too long (max 40): {call['id']}")
                if call.get("type") == "function" and not isinstance(call["function"].get("arguments"), str):
                    view.errors.append("tool_calls[].function.arguments must be a string")
        elif role == "tool":
            if message.get("tool_call_id") in pending:
                pending.remove(message["tool_call_id"])
            else:
                view.errors.append(f"messages.{at}: no call with the id {message.get('tool_call_id')} just before")
            view.results.append(text_of(message.get("content")))
        elif role not in ("system", "developer"):
            view.errors.append(f"messages.{at}: role {role}")
    if pending:
        view.errors.append(f"missing tool messages for {pending}")


def check_groq(view, messages):
    for at, message in enumerate(messages):
        for key in message:
            if key not in GROQ.get(message.get("role"), "").split():
                view.errors.append(f"'messages.{at}': property '{key}' is unsupported")


def check_perplexity(view, messages):
    roles = [message.get("role") for message in messages]
    while roles[:1] == ["system"]:
        roles.pop(0)
    if set(roles) - {"user", "assistant"} or any(one == other for one, other in zip(roles, roles[1:])) or roles[:1] == ["assistant"]:
        view.errors.append("After the (optional) system message(s), user and assistant roles should be alternating.")
    if roles[-1:] != ["user"]:
        view.errors.append("Last message must have role `user`.")


def check_gemini(view, messages):
    """Only the last system message is honoured; each step's first call since the user's last words must be signed."""
    if sum(message.get("role") in ("system", "developer") for message in messages) > 1:
        view.errors.append("more than one system message: only the last would be honoured")
    asked = max((at for at, message in enumerate(messages) if message.get("role") == "user"), default=0)
    for message in messages[asked:]:
        for call in (message.get("tool_calls") or [])[:1]:
            google = (call.get("extra_content") or {}).get("google") or {}
            if google.get("thought_signature") not in (THOUGHT, NO_THOUGHT):
                view.errors.append("Function call is missing a thought_signature in functionCall parts.")
            else:
                view.notes.append("thought_signature " + ("ok" if google["thought_signature"] == THOUGHT else "skipped"))
