"""Chat Completions answers in the dialects of OpenAI, Gemini, Groq, Perplexity and a plain compatible server."""

import json
import time

from .read_chat import THOUGHT
from .script import SOURCE, pieces

USAGE = {
    "prompt_tokens": 1500,
    "completion_tokens": 57,
    "total_tokens": 1557,
    "prompt_tokens_details": {"cached_tokens": 300},
    "completion_tokens_details": {"reasoning_tokens": 20},
}
FOUND = {
    "citations": [SOURCE],
    "search_results": [{"title": "A", "url": SOURCE, "date": "2025-01-01", "snippet": "s"}],
}
# What Groq's models did by themselves.
EXECUTED = {
    "index": 0,
    "type": "browser_search",
    "arguments": '{"query": "mock"}',
    "output": "",
    "search_results": {"results": [{"title": "A", "url": SOURCE, "content": "s", "score": 1.0}]},
}
THINKING = "I will run the command."
OVERLOADED = 429
CUT_SHORT = {"error": {"message": "boom", "type": "server_error", "param": None, "code": None}}


def refusal(status, message, dialect):
    if dialect == "gemini" and status == 400:
        # An array of one, as Gemini's compatible endpoint answers.
        return [{"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}]
    kind, code = ("invalid_request_error", None) if status == 400 else ("rate_limit_error", "rate_limit_exceeded")
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def calls(turn, dialect):
    made = []
    for at, (id_, tool, given) in enumerate(turn.calls):
        if tool.kind == "custom":
            made.append({"id": "call_" + id_, "type": "custom", "custom": {"name": tool.name, "input": given}})
            continue
        prefix = "function-call-" if dialect == "gemini" else "call_"
        made.append({"id": prefix + id_, "type": "function", "function": {"name": tool.name, "arguments": json.dumps(given)}})
        if dialect == "gemini" and at == 0:
            # The first of parallel calls carries the signature of all.
            made[-1]["extra_content"] = {"google": {"thought_signature": THOUGHT}}
    return made


def head(view, kind):
    return {"id": "chatcmpl-mock", "object": kind, "created": int(time.time()), "model": view.model}


def completion(view, turn, dialect):
    """The answer as a whole."""
    message = {"role": "assistant", "content": turn.text}
    if turn.calls:
        message["tool_calls"] = calls(turn, dialect)
        if dialect == "groq":
            message["reasoning"] = THINKING
    elif dialect == "groq" and view.searches:
        message["executed_tools"] = [EXECUTED]
    finish = "tool_calls" if turn.calls else "stop"
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    more = FOUND if dialect == "perplexity" else {}
    return dict(head(view, "chat.completion"), choices=[choice], usage=USAGE, **more)


def deltas(view, turn, dialect):
    """The deltas of the answer's message."""
    if dialect != "gemini":
        yield {"role": "assistant", "content": "" if turn.text is not None else None}
    if dialect == "groq" and view.searches and turn.text is not None:
        yield {"executed_tools": [EXECUTED]}
    if turn.text is not None:
        for piece in pieces(turn.text):
            yield {"role": "assistant", "content": piece}
        return
    if dialect == "groq":
        for piece in pieces(THINKING):
            yield {"reasoning": piece, "channel": "analysis"}
    for index, call in enumerate(calls(turn, dialect)):
        if dialect == "gemini":
            # Whole, and without an index.
            yield {"role": "assistant", "tool_calls": [call]}
        elif dialect == "groq" or call["type"] == "custom":
            yield {"tool_calls": [dict(call, index=index)]}
        else:
            function = call["function"]
            yield {"tool_calls": [dict(call, index=index, function=dict(function, arguments=""))]}
            for piece in pieces(function["arguments"]):
                yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def chunks(view, turn, dialect, usage):
    """The answer as chunks of a stream; `usage`: the client asked for the figures."""
    base, said = head(view, "chat.completion.chunk"), ""

    def chunk(delta, finish=None, **more):
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return dict(base, choices=[choice], **more)

    for delta in deltas(view, turn, dialect):
        if dialect == "perplexity":
            # Each chunk repeats the message so far.
            said += delta.get("content") or ""
            one = chunk(delta, **FOUND, usage=USAGE)
            one["choices"][0]["message"] = {"role": "assistant", "content": said}
            yield one
        else:
            yield chunk(delta, **({"usage": USAGE} if dialect == "gemini" and usage else {}))
    # Gemini says `stop` after calls, too.
    finish = "tool_calls" if turn.calls and dialect != "gemini" else "stop"
    last = {
        "groq": {"x_groq": {"id": "req_mock", "usage": USAGE}},
        "perplexity": dict(FOUND, usage=USAGE),
        "gemini": {"usage": USAGE} if usage else {},
    }
    yield chunk({}, finish, **last.get(dialect, {}))
    if usage and dialect in ("openai", "groq", "compatible"):
        yield dict(base, choices=[], usage=USAGE)
