"""Bedrock Converse answers, and the envelope of InvokeModel."""

import json

from .answer_messages import SIGNATURE
from .script import pieces

USAGE = {
    "inputTokens": 1000,
    "outputTokens": 57,
    "totalTokens": 1557,
    "cacheReadInputTokens": 300,
    "cacheWriteInputTokens": 200,
}
# What the last event of InvokeModel's streams carries beside its own members.
METRICS = {"inputTokenCount": 1000, "outputTokenCount": 57, "invocationLatency": 9, "firstByteLatency": 4, "cacheReadInputTokenCount": 300, "cacheWriteInputTokenCount": 200}
OVERLOADED = 503
HEADERS = [("x-amzn-requestid", "00000000-0000-4000-8000-000000000000")]
TYPE = "application/vnd.amazon.eventstream"
NAMES = {400: "ValidationException", 503: "ServiceUnavailableException"}


def refusal(status, message):
    return {"message": message}


def refusal_headers(status):
    return HEADERS + [("x-amzn-errortype", NAMES[status])]


def blocks(view, turn):
    if turn.text is not None:
        return [{"text": turn.text}]
    content = []
    if view.thinking:
        text = {"text": "I will run the command.", "signature": SIGNATURE}
        content.append({"reasoningContent": {"reasoningText": text}})
    content.append({"text": "Running it."})
    return content + [{"toolUse": {"toolUseId": "tooluse_" + id_, "name": tool.name, "input": given}} for id_, tool, given in turn.calls]


def message(view, turn):
    """The answer as a whole."""
    output = {"message": {"role": "assistant", "content": blocks(view, turn)}}
    return {"output": output, "stopReason": stop(turn), "usage": USAGE, "metrics": {"latencyMs": 9}}


def stop(turn):
    return "end_turn" if turn.text is not None else "tool_use"


def events(view, turn):
    """The answer as (name, event) pairs of a stream."""
    yield "messageStart", {"role": "assistant"}
    for index, block in enumerate(blocks(view, turn)):
        if "toolUse" in block:
            use = block["toolUse"]
            start = {"toolUse": {"toolUseId": use["toolUseId"], "name": use["name"]}}
            yield "contentBlockStart", {"contentBlockIndex": index, "start": start}
        for delta in deltas(block):
            yield "contentBlockDelta", {"contentBlockIndex": index, "delta": delta}
        yield "contentBlockStop", {"contentBlockIndex": index}
    yield "messageStop", {"stopReason": stop(turn)}
    yield "metadata", {"usage": USAGE, "metrics": {"latencyMs": 9}}


def deltas(block):
    if "toolUse" in block:
        return [{"toolUse": {"input": piece}} for piece in pieces(json.dumps(block["toolUse"]["input"]))]
    if "text" in block:
        return [{"text": piece} for piece in pieces(block["text"])]
    text = block["reasoningContent"]["reasoningText"]
    thought = [{"reasoningContent": {"text": piece}} for piece in pieces(text["text"])]
    return thought + [{"reasoningContent": {"signature": text["signature"]}}]
