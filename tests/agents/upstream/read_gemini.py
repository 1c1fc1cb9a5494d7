"""Requests to Gemini's native API: what the script needs of them, and what it refuses in them."""

import json

from .read_chat import NO_THOUGHT, THOUGHT
from .script import Tool, View, images


def read(body, model):
    view = View(model)
    for tool in body.get("tools") or []:
        for function in tool.get("functionDeclarations") or []:
            schema = function.get("parametersJsonSchema") or function.get("parameters")
            view.tools.append(Tool(function["name"], "function", schema))
        for kind in tool.keys() - {"functionDeclarations"}:
            view.tools.append(Tool(kind, "server"))
            view.searches |= kind == "googleSearch"
    generation = body.get("generationConfig") or {}
    if generation.get("responseMimeType") == "application/json":
        view.json_schema = generation.get("responseJsonSchema") or generation.get("responseSchema") or {"type": "object"}
    contents = body.get("contents") or []
    view.images = images(contents, '"inlineData": {')
    spoken = [at for at, content in enumerate(contents) if any("text" in part for part in content["parts"]) and content.get("role") != "model"]
    for at, content in enumerate(contents):
        calls = [part for part in content["parts"] if "functionCall" in part]
        if at > max(spoken, default=0) and calls:
            signature = calls[0].get("thoughtSignature")
            if signature not in (THOUGHT, NO_THOUGHT):
                view.errors.append("Function call is missing a thought_signature in functionCall parts.")
            else:
                view.notes.append("thoughtSignature " + ("ok" if signature == THOUGHT else "skipped"))
        for part in content["parts"]:
            if "text" in part and content.get("role", "user") == "user":
                view.user.append(part["text"])
            if "functionResponse" in part:
                view.results.append(json.dumps(part["functionResponse"].get("response")))
    return view
