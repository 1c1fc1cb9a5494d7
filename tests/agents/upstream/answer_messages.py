"""Anthropic Messages answers, plain and streamed; InvokeModel's are the same in AWS's envelope."""

import base64
import json
import time

from .script import SOURCE, pieces

SIGNATURE = base64.b64encode(b"mock-sig-0123456789abcdef0123456789abcdef").decode()
USAGE = {
    "input_tokens": 1000,
    "cache_creation_input_tokens": 200,
    "cache_read_input_tokens": 300,
    "cache_creation": {"ephemeral_5m_input_tokens": 150, "ephemeral_1h_input_tokens": 50},
    "output_tokens": 57,
    "service_tier": "standard",
}
ERRORS = {
    400: {"type": "error", "error": {"type": "invalid_request_error"}, "request_id": "req_mock"},
    529: {"type": "error", "error": {"type": "overloaded_error"}, "request_id": "req_mock"},
}
OVERLOADED = 529
CUT_SHORT = ("error", {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
HEADERS = [("request-id", "req_mock")]


def refusal(status, message):
    shape = ERRORS[status]
    return dict(shape, error=dict(shape["error"], message=message))


def blocks(view, turn):
    """The content of the answer."""
    content = []
    if turn.text is not None:
        if view.searches:
            found = {"type": "web_search_result", "title": "A", "url": SOURCE, "encrypted_content": "ZW5j", "page_age": None}
            content.append({"type": "server_tool_use", "id": "srvtoolu_mock1", "name": "web_search", "input": {"query": "mock"}})
            content.append({"type": "web_search_tool_result", "tool_use_id": "srvtoolu_mock1", "content": [found]})
        return content + [{"type": "text", "text": turn.text}]
    if view.thinking:
        content.append({"type": "thinking", "thinking": "I will run the command.", "signature": SIGNATURE})
    content.append({"type": "text", "text": "Running it."})
    return content + [{"type": "tool_use", "id": "toolu_" + id_, "name": tool.name, "input": given} for id_, tool, given in turn.calls]


def message(view, turn):
    """The answer as a whole."""
    return {
        "id": f"msg_mock{time.time_ns():x}",
        "type": "message",
        "role": "assistant",
        "model": view.model,
        "content": blocks(view, turn),
        "stop_reason": "end_turn" if turn.text is not None else "tool_use",
        "stop_sequence": None,
        "usage": USAGE,
    }


def events(view, turn):
    """The answer as (name, event) pairs of a stream."""
    whole = message(view, turn)
    start = dict(whole, content=[], stop_reason=None, usage=dict(USAGE, output_tokens=1))
    yield "message_start", {"type": "message_start", "message": start}
    yield "ping", {"type": "ping"}
    for index, block in enumerate(whole["content"]):
        empty, deltas = parts(block)
        yield "content_block_start", {"type": "content_block_start", "index": index, "content_block": empty}
        for delta in deltas:
            yield "content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta}
        yield "content_block_stop", {"type": "content_block_stop", "index": index}
    end = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield "message_delta", {"type": "message_delta", "delta": end, "usage": USAGE}
    yield "message_stop", {"type": "message_stop"}


def parts(block):
    """What a block begins as, and its deltas."""
    kind = block["type"]
    if kind == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"])]
        return dict(block, thinking="", signature=""), deltas + [{"type": "signature_delta", "signature": block["signature"]}]
    if kind == "text":
        return dict(block, text=""), [{"type": "text_delta", "text": piece} for piece in pieces(block["text"])]
    if kind == "web_search_tool_result":
        return block, []
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in [""] + pieces(json.dumps(block["input"]))]
    return dict(block, input={}), deltas
