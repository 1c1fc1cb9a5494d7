"""OpenAI Responses answers, plain and streamed."""

import base64
import json
import time

from .script import SOURCE, pieces

ENCRYPTED = base64.b64encode(b"mock-enc-0123456789abcdef0123456789abcdef").decode()
USAGE = {
    "input_tokens": 1500,
    "input_tokens_details": {"cached_tokens": 300},
    "output_tokens": 57,
    "output_tokens_details": {"reasoning_tokens": 20},
    "total_tokens": 1557,
}
OVERLOADED = 503
HEADERS = [("x-request-id", "req_mock")]


def refusal(status, message):
    kind, code = ("invalid_request_error", None) if status == 400 else ("server_error", "server_is_overloaded")
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def items(view, turn):
    """The output items of the answer."""
    if turn.text is not None:
        output = []
        if view.searches:
            action = {"type": "search", "query": "mock", "sources": [{"type": "url", "url": SOURCE}]}
            output.append({"id": "ws_mock1", "type": "web_search_call", "status": "completed", "action": action})
        cited = {"type": "url_citation", "start_index": 0, "end_index": len(turn.text), "url": SOURCE, "title": "A"}
        text = {"type": "output_text", "text": turn.text, "annotations": [cited] if view.searches else [], "logprobs": []}
        return output + [{"id": "msg_mock1", "type": "message", "status": "completed", "role": "assistant", "content": [text]}]
    output = []
    if view.thinking:
        summary = {"type": "summary_text", "text": "I will run the command."}
        output.append({"id": "rs_mock1", "type": "reasoning", "summary": [summary]})
        if view.encrypted:
            output[0]["encrypted_content"] = ENCRYPTED
    for id_, tool, given in turn.calls:
        call = {"status": "completed", "call_id": "call_" + id_, "name": tool.name}
        if tool.namespace:
            call["namespace"] = tool.namespace
        if tool.kind == "custom":
            output.append({"id": "ctc_" + id_, "type": "custom_tool_call", **call, "input": given})
        else:
            output.append({"id": "fc_" + id_, "type": "function_call", **call, "arguments": json.dumps(given)})
    return output


def response(body, view, output, status="completed", **members):
    """The response object; it echoes the request."""
    echo = {key: body.get(key) for key in ("instructions", "max_output_tokens", "previous_response_id", "user")}
    return {
        "id": "resp_mock",
        "object": "response",
        "created_at": int(time.time()),
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": view.model,
        "output": output,
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "reasoning": body.get("reasoning") or {"effort": None, "summary": None},
        "store": body.get("store", True),
        "temperature": 1.0,
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": USAGE if status == "completed" else None,
        "metadata": {},
        **echo,
        **members,
    }


def events(body, view, output):
    """The answer as (name, event) pairs of a stream."""
    begun = response(body, view, [], "in_progress")
    yield "response.created", {"response": begun}
    yield "response.in_progress", {"response": begun}
    for index, item in enumerate(output):
        yield from item_events(index, item)
    yield "response.completed", {"response": response(body, view, output)}


def item_events(index, item):
    at = {"output_index": index}
    inside = dict(at, item_id=item["id"])
    kind = item["type"]
    empty = {
        "message": {"status": "in_progress", "content": []},
        "reasoning": {"summary": []},
        "function_call": {"status": "in_progress", "arguments": ""},
        "custom_tool_call": {"status": "in_progress", "input": ""},
        "web_search_call": {"status": "in_progress"},
    }[kind]
    yield "response.output_item.added", dict(at, item=dict(item, **empty))
    if kind == "message":
        part, where = item["content"][0], dict(inside, content_index=0)
        yield "response.content_part.added", dict(where, part=dict(part, text="", annotations=[]))
        for piece in pieces(part["text"]):
            yield "response.output_text.delta", dict(where, delta=piece, logprobs=[])
        for number, cited in enumerate(part["annotations"]):
            yield "response.output_text.annotation.added", dict(where, annotation_index=number, annotation=cited)
        yield "response.output_text.done", dict(where, text=part["text"], logprobs=[])
        yield "response.content_part.done", dict(where, part=part)
    elif kind == "reasoning":
        part, where = item["summary"][0], dict(inside, summary_index=0)
        yield "response.reasoning_summary_part.added", dict(where, part=dict(part, text=""))
        for piece in pieces(part["text"]):
            yield "response.reasoning_summary_text.delta", dict(where, delta=piece)
        yield "response.reasoning_summary_text.done", dict(where, text=part["text"])
        yield "response.reasoning_summary_part.done", dict(where, part=part)
    elif kind == "web_search_call":
        yield "response.web_search_call.in_progress", inside
        yield "response.web_search_call.searching", inside
        yield "response.web_search_call.completed", inside
    else:
        name, key = ("function_call_arguments", "arguments") if kind == "function_call" else ("custom_tool_call_input", "input")
        for piece in pieces(item[key]):
            yield f"response.{name}.delta", dict(inside, delta=piece)
        yield f"response.{name}.done", dict(inside, **{key: item[key]})
    yield "response.output_item.done", dict(at, item=item)


def cut_short(body, view):
    """The event with which OpenAI ends a stream that failed."""
    error = {"code": "server_error", "message": "boom"}
    return "response.failed", {"response": response(body, view, [], "failed", error=error)}
