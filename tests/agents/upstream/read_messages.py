"""Anthropic Messages requests: what the script needs of them, and what Anthropic refuses in them.

Rules from Anthropic's pages on tool use, extended thinking and prompt caching.
"""

import json
import re

from .script import Tool, View, images, text_of

# What every signature that this provider makes begins with.
SIGNATURE = "bW9jay1zaWct"
SERVER_SEARCH = "web_search_2"


def read(body):
    view = View(body.get("model", ""), body.get("stream"))
    for key in ("messages", "max_tokens"):
        if key not in body:
            view.errors.append(f"{key}: Field required")
    thinking = body.get("thinking") or {}
    view.thinking = thinking.get("type") in ("enabled", "adaptive")
    output = (body.get("output_config") or {}).get("format") or {}
    if output.get("type") == "json_schema":
        view.json_schema = output.get("schema")
    read_tools(view, body.get("tools") or [])
    last = read_turns(view, body.get("messages") or [])
    view.images = images(body.get("messages"), '"type": "image"')
    if thinking.get("type") == "enabled":
        check_thinking(view, body, thinking, last)
    marks = json.dumps([body.get(key) for key in ("system", "tools", "messages")]).count('"cache_control"')
    marks += "cache_control" in body
    if marks > 4:
        view.errors.append(f"A maximum of 4 blocks with cache_control may be provided. Found {marks}.")
    return view


def read_tools(view, tools):
    for tool in tools:
        name = tool.get("name", "")
        server = tool.get("type", "custom") != "custom"
        view.tools.append(Tool(name, "server" if server else "function", tool.get("input_schema")))
        view.searches |= tool.get("type", "").startswith(SERVER_SEARCH)
        if not re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", name):
            view.errors.append(f"tools: name {name} should match pattern")
        if not server and (tool.get("input_schema") or {}).get("type") != "object":
            view.errors.append(f"tools.{name}: input_schema: Field required")


def read_turns(view, messages):
    """Reads all turns; returns the last assistant's blocks."""
    pending, last = set(), []
    for at, message in enumerate(messages):
        role, content = message.get("role"), message.get("content")
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
        if role == "system":
            continue
        if role not in ("user", "assistant"):
            view.errors.append(f"messages.{at}.role: {role}")
        answered = set()
        for block in blocks:
            kind = block.get("type")
            if kind == "text":
                if not block.get("text"):
                    view.errors.append(f"messages.{at}: text content blocks must be non-empty")
                if role == "user":
                    view.user.append(block.get("text", ""))
            elif kind == "tool_result":
                answered.add(block.get("tool_use_id"))
                view.results.append(text_of(block.get("content")))
            elif kind == "thinking":
                if not (block.get("signature") or "").startswith(SIGNATURE):
                    view.errors.append(f"messages.{at}: Invalid `signature` in `thinking` block")
                else:
                    view.notes.append("signature ok")
            elif kind == "tool_use" and not re.fullmatch(r"[a-zA-Z0-9_-]+", block.get("id", "")):
                view.errors.append(f"messages.{at}: tool_use.id: should match pattern")
        if answered - pending:
            view.errors.append(f"messages.{at}: unexpected `tool_use_id` in `tool_result` blocks: {sorted(answered - pending)}")
        if pending - answered:
            view.errors.append(f"messages.{at}: `tool_use` ids without `tool_result` immediately after: {sorted(pending - answered)}")
        pending = set()
        if role == "assistant":
            pending = {block["id"] for block in blocks if block.get("type") == "tool_use"}
            last = blocks
    if pending:
        view.errors.append(f"`tool_use` ids without `tool_result`: {sorted(pending)}")
    return last


def check_thinking(view, body, thinking, last):
    if any(block.get("type") == "tool_use" for block in last) and last[0].get("type") not in ("thinking", "redacted_thinking"):
        view.errors.append("Expected `thinking` or `redacted_thinking` as the first block of the last assistant turn")
    if thinking.get("budget_tokens", 0) < 1024:
        view.errors.append("thinking.enabled.budget_tokens: at least 1024")
    if body.get("max_tokens", 0) <= thinking.get("budget_tokens", 0):
        view.errors.append("`max_tokens` must be greater than `thinking.budget_tokens`")
    if body.get("temperature", 1) != 1:
        view.errors.append("`temperature` may only be set to 1 when thinking is enabled")
