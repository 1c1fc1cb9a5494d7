"""Bedrock Converse requests: what the script needs of them, and what the service refuses in them (its API reference, and the service model)."""

import json
import re

from .read_messages import SIGNATURE
from .script import Tool, View, images, text_of

MEMBERS = (
    "messages system inferenceConfig toolConfig guardrailConfig additionalModelRequestFields additionalModelResponseFieldPaths"
    " promptVariables requestMetadata performanceConfig serviceTier outputConfig"
).split()
NAME = r"[a-zA-Z0-9_-]{1,64}"


def read(body):
    view = View()
    view.errors += [f"unknown member {key}" for key in body if key not in MEMBERS]
    for tool in (body.get("toolConfig") or {}).get("tools") or []:
        read_tool(view, tool)
    fields = body.get("additionalModelRequestFields") or {}
    view.thinking = (fields.get("thinking") or {}).get("type") in ("enabled", "adaptive")
    output = (body.get("outputConfig") or {}).get("textFormat") or {}
    if output.get("type") == "json_schema":
        view.json_schema = json.loads(output["structure"]["jsonSchema"]["schema"])
    if any(block.get("text") == "" for block in body.get("system") or []):
        view.errors.append("system: text is empty")
    points = json.dumps(body).count('"cachePoint"')
    if points > 4:
        view.errors.append(f"{points} cache points, at most 4 are allowed")
    view.images = images(body.get("messages"), '"image": {')
    used = read_turns(view, body.get("messages") or [])
    if used and not view.tools:
        view.errors.append("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
    return view


def read_tool(view, tool):
    if "toolSpec" not in tool:
        return
    spec = tool["toolSpec"]
    schema = (spec.get("inputSchema") or {}).get("json")
    view.tools.append(Tool(spec["name"], "function", schema))
    if not re.fullmatch(NAME, spec["name"]):
        view.errors.append(f"toolSpec.name fails the pattern: {spec['name']}")
    if spec.get("description") == "":
        view.errors.append("toolSpec.description: minimum length 1")
    if not isinstance(schema, dict):
        view.errors.append("toolSpec.inputSchema.json is missing")


def read_turns(view, messages):
    """Reads all turns; says whether there are calls or results."""
    pending, before, used = set(), None, False
    for at, message in enumerate(messages):
        role, blocks = message.get("role"), message.get("content") or []
        if role == before:
            view.errors.append(f"messages.{at}: roles must alternate")
        before = role
        if role not in ("user", "assistant"):
            view.errors.append(f"messages.{at}: role {role}")
        if not blocks:
            view.errors.append(f"messages.{at}: the content is empty")
        answered, called = set(), set()
        for block in blocks:
            if len(block) != 1:
                view.errors.append(f"messages.{at}: a content block is a union, this has {sorted(block)}")
            read_block(view, at, role, block, answered, called)
        used |= bool(answered or called)
        if answered - pending:
            view.errors.append(f"messages.{at}: toolResult for unknown ids {sorted(answered - pending)}")
        if pending - answered:
            view.errors.append(f"messages.{at}: Expected toolResult blocks for {sorted(pending - answered)}")
        pending = called
    if pending:
        view.errors.append(f"Expected toolResult blocks for {sorted(pending)}")
    return used


def read_block(view, at, role, block, answered, called):
    if "text" in block:
        if not block["text"].strip():
            view.errors.append(f"messages.{at}: the text of a block is blank")
        if role == "user":
            view.user.append(block["text"])
    elif "toolUse" in block:
        use = block["toolUse"]
        called.add(use.get("toolUseId"))
        if not re.fullmatch(NAME, use.get("toolUseId", "")) or not isinstance(use.get("input"), dict):
            view.errors.append(f"messages.{at}: toolUse fails the pattern")
    elif "toolResult" in block:
        result = block["toolResult"]
        answered.add(result.get("toolUseId"))
        if any("json" in part and not isinstance(part["json"], dict) for part in result.get("content") or []):
            view.errors.append("toolResult.content.json must be an object")
        view.results.append(text_of(result.get("content")))
    elif "reasoningContent" in block:
        text = block["reasoningContent"].get("reasoningText") or {}
        if not (text.get("signature") or "").startswith(SIGNATURE):
            view.errors.append(f"messages.{at}: Invalid `signature` in `thinking` block")
        else:
            view.notes.append("signature ok")
