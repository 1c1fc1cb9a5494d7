"""The matrix of the Anthropic SDK on `/v1/messages`."""

import json

import anthropic

from _common import IMAGE_URL, PDF_SEEN, PNG, PNG_SEEN, QUOTE, UNICODE, Verdict, args, raises, weather
from _matrix import IN_PIECES, LONG_TEXT, ONCE, UNSEARCHED, breaks, cell, failures, kind_of, matrix
from anthropic_messages import (
    BROKEN, PDF_BLOCK, SYSTEM, THINKING, TOOLS, TWO_TOOLS, check_usage, client, create, helped, of, request, text_of,
    user,
)


def ask(stream, *text, **more):
    """The message: whole, or as the SDK's helper accumulates it out of a stream whose every event is checked."""
    return (helped if stream else create)(*text, **more)


def ended(message, reason="end_turn"):
    assert message.stop_reason == reason and message.role == "assistant" and message.id and message.model, message
    return message


@matrix()
def text(stream):
    message = ended(ask(stream, f"Say {QUOTE}.", system="You are terse."))
    assert QUOTE in text_of(message) and message.stop_sequence is None, message
    check_usage(message.usage)


@matrix()
def unicode_in_pieces(stream):
    assert UNICODE in text_of(ended(ask(stream, IN_PIECES)))


@matrix()
def conversation(stream):
    messages = []
    for turn in range(3):
        messages.append(user(f"Say {QUOTE} for the time {turn}."))
        message = ended(ask(stream, messages=messages, system="You are terse."))
        assert QUOTE in text_of(message), message
        messages.append({"role": "assistant", "content": message.content})


def results_of(message):
    """The results of all calls, numbered."""
    blocks = of(message, "tool_use")
    contents = [f"{number}: {weather(block.input)}" for number, block in enumerate(blocks)]
    return user([{"type": "tool_result", "tool_use_id": b.id, "content": c} for b, c in zip(blocks, contents)])


def run_tools(stream, **more):
    """Two turns, each with a call; the content goes back as it came."""
    messages, seen = [user("What is the weather in Lima? Use the tool.")], []
    for turn in range(2):
        first = ended(ask(stream, messages=messages, tools=TOOLS, **more), "tool_use")
        (block,) = of(first, "tool_use")
        assert block.name == "get_weather" and block.id and list(block.input) == ["city"], block
        messages += [{"role": "assistant", "content": first.content}, results_of(first)]
        last = ended(ask(stream, messages=messages, tools=TOOLS, **more))
        assert QUOTE in text_of(last), last
        messages += [{"role": "assistant", "content": last.content}, user(f"And in Quito? Tool again, step {turn}.")]
        seen += [*first.content, *last.content]
    return seen


@matrix()
def tool_loop(stream):
    run_tools(stream)


@matrix()
def tools_parallel(stream):
    messages = [user("Call the weather and the time tool in parallel.")]
    first = ended(ask(stream, messages=messages, tools=TWO_TOOLS), "tool_use")
    blocks = of(first, "tool_use")
    assert {block.name for block in blocks} == {"get_weather", "get_time"} and blocks[0].id != blocks[1].id, blocks
    messages += [{"role": "assistant", "content": first.content}, results_of(first)]
    last = text_of(ended(ask(stream, messages=messages, tools=TWO_TOOLS)))
    assert "0: {" in last and "1: {" in last, last


@matrix()
def thinking_tools(stream):
    """Each block goes back as it came."""
    blocks = [block for block in run_tools(stream, model=cell.thinks, **THINKING) if "thinking" in block.type]
    shown = any(block.type == "thinking" and block.thinking for block in blocks)
    if not blocks:
        return "thoughts not shown"
    # Every thinking block has a signature; the gateway's own says that there was none.
    return "thoughts shown, `signature` on each" if shown else "thoughts sealed"


def seen(stream, block, what):
    message = ended(ask(stream, [{"type": "text", "text": f"Compare this {QUOTE}."}, block], model=cell.sees))
    assert QUOTE in text_of(message) and what in text_of(message), message


@matrix()
def image(stream):
    seen(stream, {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}, PNG_SEEN)


@matrix()
def image_by_address(stream):
    seen(stream, {"type": "image", "source": {"type": "url", "url": IMAGE_URL}}, IMAGE_URL)


@matrix()
def pdf(stream):
    seen(stream, PDF_BLOCK, PDF_SEEN)


@matrix()
def structured(stream):
    whole = request("Judge Lima.", output_format=Verdict)
    if stream:
        with client().messages.stream(**whole) as helper:
            message = helper.get_final_message()
    else:
        message = client().messages.parse(**whole)
    ended(message)
    assert isinstance(message.parsed_output, Verdict), message
    assert json.loads(text_of(message)) == message.parsed_output.model_dump(), message


@matrix()
def usage_cached(stream):
    usage = ended(ask(stream, f"Say {QUOTE} again.", system=SYSTEM)).usage
    check_usage(usage)
    return None if usage.cache_read_input_tokens else "tokens counted, but none said to be cached"


@matrix()
def refusal(stream):
    message = ask(stream, "Please refuse this.")
    if message.stop_reason == "refusal":
        return "`stop_reason` refusal"
    assert "refuse" in text_of(ended(message)), message
    return "the text says so"


@matrix()
def max_tokens(stream):
    message = ended(ask(stream, LONG_TEXT, max_tokens=cell.cut_at), "max_tokens")
    assert text_of(message) and len(text_of(message)) < len(LONG_TEXT), message


@matrix()
def stop_sequence(stream):
    message = ask(stream, f"Say it and {QUOTE} halt now.", stop_sequences=["never-said", f"{QUOTE} halt"])
    assert "and" in text_of(message) and "halt" not in text_of(message), message
    if message.stop_reason == "stop_sequence":
        assert message.stop_sequence == f"{QUOTE} halt", message
        return None
    assert message.stop_sequence is None, ended(message)
    return "the text ends there, `stop_reason` end_turn"


@matrix()
def citations(stream):
    asked, tools = f"Search the web for {QUOTE}, please.", [{"type": "web_search_20250305", "name": "web_search", "max_uses": 3}]
    message = ended(ask(stream, asked, tools=tools))
    notes = [note for block in of(message, "text") for note in block.citations or []]
    raw = client().messages.with_raw_response.create(**request(asked, tools=tools), stream=stream)
    if not notes and "tools" in raw.headers.get("x-gateway-dropped", ""):
        return UNSEARCHED
    assert notes and all(note.type == "web_search_result_location" and note.url.startswith("https://") for note in notes), message
    results = of(message, "web_search_tool_result")
    return "`citations` and the search's results" if results else "`citations`"


def refused(kinds, call):
    """The exception in words; its message must say something."""
    error = raises(kinds, call)
    assert error.body["type"] == "error" and error.body["error"]["message"], error.body
    return kind_of(error)


failures(anthropic, refused, create)


@matrix()
def bad_value(stream):
    return refused(anthropic.BadRequestError, lambda: create(max_tokens=-1, stream=stream))


@matrix()
def wrong_key(stream):
    return refused(
        anthropic.AuthenticationError, lambda: client("wrong-key").messages.create(**request("Hi."), stream=stream)
    )


def broken(words, stream):
    """An answer that breaks: whole ones raise, streams raise after what came, and never look finished."""
    if not stream:
        return kind_of(raises(BROKEN, lambda: create(words, extra_headers=ONCE)))
    got = []

    def read():
        for event in create(words, stream=True, extra_headers=ONCE):
            got.append(event)

    def help():
        with client().messages.stream(**request(words), extra_headers=ONCE) as helper:
            return helper.get_final_message()

    error = raises(BROKEN, read)
    assert got and got[-1].type != "message_stop", got
    assert not any(e.type == "message_delta" and e.delta.stop_reason for e in got), "a broken stream looks finished"
    again = raises(BROKEN, help)
    assert type(again) is type(error), (again, error)
    return kind_of(error)


breaks(broken)
