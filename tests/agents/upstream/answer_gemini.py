"""Answers of Gemini's native API."""

from .read_chat import THOUGHT
from .script import SOURCE, pieces

USAGE = {
    "promptTokenCount": 1500,
    "candidatesTokenCount": 37,
    "totalTokenCount": 1557,
    "cachedContentTokenCount": 300,
    "thoughtsTokenCount": 20,
}
# What an answer that looked things up says of its sources.
GROUNDING = {
    "webSearchQueries": ["mock"],
    "groundingChunks": [{"web": {"uri": SOURCE, "title": "A"}}],
    "groundingSupports": [{"segment": {"startIndex": 0, "endIndex": 2, "text": "ok"}, "groundingChunkIndices": [0]}],
}
OVERLOADED = 503


def refusal(status, message):
    name = "INVALID_ARGUMENT" if status == 400 else "UNAVAILABLE"
    return {"error": {"code": status, "message": message, "status": name}}


def parts(turn):
    """The answer in the parts that a stream carries one by one."""
    if turn.text is not None:
        return [{"text": piece} for piece in pieces(turn.text)]
    made = [{"text": "I will run the command.", "thought": True}]
    for at, (_, tool, given) in enumerate(turn.calls):
        signed = {"thoughtSignature": THOUGHT} if at == 0 else {}
        made.append({"functionCall": {"name": tool.name, "args": given}, **signed})
    return made


def response(model, some, last, grounded=False):
    candidate = {"content": {"parts": some, "role": "model"}, "index": 0}
    if last:
        candidate["finishReason"] = "STOP"
        if grounded:
            candidate["groundingMetadata"] = GROUNDING
    return {"candidates": [candidate], "usageMetadata": USAGE, "modelVersion": model, "responseId": "mock"}


def events(view, turn):
    made = parts(turn)
    for at, part in enumerate(made):
        yield response(view.model, [part], at == len(made) - 1, grounded(view, turn))


def grounded(view, turn):
    """Whether the answer rests on a search."""
    return view.searches and turn.text is not None
