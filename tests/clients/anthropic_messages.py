"""The Anthropic SDK on `/v1/messages`."""

import anthropic
import httpx2

from _common import CITY, PDF, PNG, QUOTE, TIMEOUT, UNICODE, args, main, raises, scenario, weather


def client(key=None, **options):
    options = {"max_retries": 0, "timeout": TIMEOUT, **options}
    return anthropic.Anthropic(base_url=args.base, api_key=key or args.key, **options)


def user(content):
    return {"role": "user", "content": content}


def request(text="Say kumquat.", **more):
    return {"model": args.model, "max_tokens": 1000, "messages": [user(text)], **more}


def create(text="Say kumquat.", **more):
    return client().messages.create(**request(text, **more))


def fault(name):
    """A text that makes the provider behind misbehave."""
    return f"Say {QUOTE} {args.trigger}:{name} please"


TOOLS = [{"name": "get_weather", "description": "Weather now", "input_schema": CITY}]
TWO_TOOLS = TOOLS + [{"name": "get_time", "description": "Local time", "input_schema": CITY}]
SYSTEM = [{"type": "text", "text": "You are terse.", "cache_control": {"type": "ephemeral"}}]
THINKING = {"thinking": {"type": "enabled", "budget_tokens": 1500}, "max_tokens": 4000}
ONCE = {"x-gateway-max-retries": "0"}
# How a stream may break: by an error event of the protocol, or (what the SDK does not wrap) by a transport error.
BROKEN = (anthropic.APIError, httpx2.TransportError)


def text_of(message):
    return "".join(block.text for block in message.content if block.type == "text")


def result_of(block):
    return {"type": "tool_result", "tool_use_id": block.id, "content": weather(block.input)}


@scenario
def plain():
    message = create(f"Say {QUOTE}.", system=SYSTEM, stop_sequences=["never-said"])
    assert message.type == "message" and message.role == "assistant" and message.id and message.model
    assert QUOTE in text_of(message) and message.stop_reason == "end_turn", message
    assert message.usage.input_tokens > 0 and message.usage.output_tokens > 0, message.usage


@scenario
def bearer():
    """The SDK's other way to send a key."""
    with anthropic.Anthropic(
        base_url=args.base, api_key=None, auth_token=args.key, max_retries=0, timeout=TIMEOUT
    ) as other:
        assert QUOTE in text_of(other.messages.create(**request()))


@scenario
def gateway_headers():
    raw = client().messages.with_raw_response.create(**request())
    for name in ("provider", "connection", "model", "attempts", "request-id"):
        assert raw.headers.get(f"x-gateway-{name}"), (name, raw.headers)
    assert raw.headers["request-id"]


@scenario
def stream_raw():
    events = list(create(stream=True))
    kinds = [event.type for event in events]
    assert kinds[0] == "message_start" and kinds[-1] == "message_stop" and kinds.count("message_delta") == 1, kinds
    text = "".join(e.delta.text for e in events if e.type == "content_block_delta" and e.delta.type == "text_delta")
    assert QUOTE in text and events[0].message.usage.input_tokens > 0


@scenario
def stream_helper():
    with client().messages.stream(**request()) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert QUOTE in text and text_of(final) == text and final.stop_reason == "end_turn", final
    assert final.usage.output_tokens > 0


@scenario
def tool_loop():
    messages = [user("What is the weather in Lima? Use the tool.")]
    first = create(messages=messages, tools=TOOLS)
    assert first.stop_reason == "tool_use", first
    (block,) = [b for b in first.content if b.type == "tool_use"]
    assert block.name == "get_weather" and block.id
    messages += [{"role": "assistant", "content": first.content}, user([result_of(block)])]
    last = create(messages=messages, tools=TOOLS)
    assert last.stop_reason == "end_turn" and QUOTE in text_of(last), last


@scenario
def tool_loop_stream():
    messages = [user("What is the weather in Lima? Use the tool.")]
    with client().messages.stream(**request(messages=messages, tools=TOOLS)) as stream:
        first = stream.get_final_message()
    (block,) = [b for b in first.content if b.type == "tool_use"]
    messages += [{"role": "assistant", "content": first.content}, user([result_of(block)])]
    with client().messages.stream(**request(messages=messages, tools=TOOLS)) as stream:
        assert QUOTE in stream.get_final_text()


@scenario
def tools_parallel():
    messages = [user("Call the weather and the time tool in parallel.")]
    first = create(messages=messages, tools=TWO_TOOLS)
    blocks = [b for b in first.content if b.type == "tool_use"]
    assert len(blocks) == 2 and blocks[0].id != blocks[1].id, first
    results = [{"type": "tool_result", "tool_use_id": b.id, "content": f"{QUOTE} {n}"} for n, b in enumerate(blocks)]
    messages += [{"role": "assistant", "content": first.content}, user(results)]
    last = text_of(create(messages=messages, tools=TWO_TOOLS))
    assert f"{QUOTE} 0" in last and f"{QUOTE} 1" in last, last


def thinking_turn(messages, streamed):
    whole = request(messages=messages, tools=TWO_TOOLS, **THINKING)
    if not streamed:
        return client().messages.create(**whole)
    with client().messages.stream(**whole) as stream:
        return stream.get_final_message()


@scenario
def thinking_loop():
    for streamed in (False, True):
        messages = [user("What is the weather in Lima? Use the tool.")]
        first = thinking_turn(messages, streamed)
        assert first.content[0].type == "thinking" and first.content[0].signature, first
        assert first.content[0].thinking
        (block,) = [b for b in first.content if b.type == "tool_use"]
        messages += [{"role": "assistant", "content": first.content}, user([result_of(block)])]
        assert QUOTE in text_of(thinking_turn(messages, streamed))


@scenario
def thinking_altered():
    messages = [user("What is the weather in Lima? Use the tool.")]
    first = thinking_turn(messages, False)
    signature = first.content[0].signature
    first.content[0].signature = ("A" if signature[0] != "A" else "B") + signature[1:]
    (block,) = [b for b in first.content if b.type == "tool_use"]
    messages += [{"role": "assistant", "content": first.content}, user([result_of(block)])]
    error = raises(anthropic.BadRequestError, lambda: thinking_turn(messages, False))
    assert "signature" in str(error).lower(), error


@scenario
def count_tokens():
    whole = {"model": args.model, "messages": [user("Count me.")], "tools": TOOLS, "system": SYSTEM}
    assert client().messages.count_tokens(**whole).input_tokens > 0


@scenario
def image():
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    message = create([{"type": "text", "text": f"Compare this {QUOTE}."}, {"type": "image", "source": source}])
    assert QUOTE in text_of(message), message


@scenario
def pdf():
    source = {"type": "base64", "media_type": "application/pdf", "data": PDF}
    message = create([{"type": "document", "source": source}, {"type": "text", "text": f"Summarise this {QUOTE}."}])
    assert QUOTE in text_of(message), message


@scenario
def refusal():
    assert create("Please refuse this.").stop_reason == "refusal"
    with client().messages.stream(**request("Please refuse this.")) as stream:
        assert stream.get_final_message().stop_reason == "refusal"


@scenario
def max_tokens():
    long = f"Repeat all of this: " + f"{QUOTE} " * 40
    assert create(long, max_tokens=5).stop_reason == "max_tokens"


@scenario
def unicode():
    text = f"Say {UNICODE} again."
    assert UNICODE in text_of(create(text))
    with client().messages.stream(**request(text)) as stream:
        assert UNICODE in stream.get_final_text()


@scenario
def bad_model():
    error = raises(anthropic.NotFoundError, lambda: create(model="no-such-model"))
    assert error.body["type"] == "error" and error.body["error"]["type"] == "not_found_error", error.body


@scenario
def wrong_key():
    error = raises(anthropic.AuthenticationError, lambda: client("wrong-key").messages.create(**request()))
    assert error.body["error"]["type"] == "authentication_error", error.body
    assert "wrong-key" not in str(error), error


@scenario
def bad_request():
    error = raises(anthropic.BadRequestError, lambda: create(max_tokens=0))
    assert error.body["error"]["type"] == "invalid_request_error", error.body


@scenario
def overloaded():
    error = raises(anthropic.InternalServerError, lambda: create(fault("overloaded"), extra_headers=ONCE))
    assert error.status_code == 529 and error.body["error"]["type"] == "overloaded_error", error
    assert error.response.headers["x-should-retry"] == "false"


@scenario
def ratelimit():
    error = raises(anthropic.RateLimitError, lambda: create(fault("ratelimit"), extra_headers=ONCE))
    assert error.response.headers["retry-after"] == "1"


@scenario
def retries():
    call = lambda: client(max_retries=2).messages.create(**request(fault("overloaded")))
    error = raises(anthropic.InternalServerError, call)
    assert error.response.headers["x-gateway-attempts"] == "3", error.response.headers
    assert error.response.request.headers["x-stainless-retry-count"] == "0", "the SDK tried again"


@scenario
def key_refused():
    """The provider refuses the gateway's own key and quotes it: the client sees that, not the key."""
    error = raises(anthropic.AuthenticationError, lambda: create(fault("refuse-key"), extra_headers=ONCE))
    assert error.body["error"]["type"] == "authentication_error", error.body
    assert "canary" not in error.response.text, error.response.text


@scenario
def first_error():
    name = "first-error" if args.trigger == "scripted" else "first-event-error"
    call = lambda: create(fault(name), stream=True, extra_headers=ONCE)
    error = raises(anthropic.APIStatusError, call)
    assert error.status_code >= 500, error


def broken_stream(name, kinds):
    """Iterates a stream that breaks, raw and through the helper; gives the exception of the latter."""
    got = []

    def read():
        for event in create(fault(name), stream=True, extra_headers=ONCE):
            got.append(event)

    def help():
        with client().messages.stream(**request(fault(name)), extra_headers=ONCE) as stream:
            return stream.get_final_message()

    raises(kinds, read)
    assert got and got[-1].type != "message_stop", got
    assert not any(e.type == "message_delta" and e.delta.stop_reason for e in got), "a broken stream looks finished"
    return raises(kinds, help)


@scenario
def cut():
    broken_stream("cut", BROKEN)


@scenario
def cut_clean():
    """The provider's stream ends between two events: the gateway says so with an event."""
    broken_stream("cut-clean", anthropic.APIError)


@scenario
def cut_fin():
    broken_stream("cut-fin", BROKEN)


@scenario
def cut_reset():
    broken_stream("cut-reset", BROKEN)


@scenario
def error_event():
    error = broken_stream("error-event", anthropic.APIStatusError)
    assert error.body["error"]["type"] == "overloaded_error", error.body


@scenario
def drop_stream():
    stream = create(fault("hold"), stream=True)
    next(iter(stream))
    stream.close()


@scenario
def drop_before_event():
    call = lambda: client(timeout=1.5).messages.create(**request(fault("head-only")), stream=True)
    raises((anthropic.APITimeoutError, httpx2.TimeoutException), lambda: list(call()))


@scenario
def drop_before_head():
    call = lambda: client(timeout=1.5).messages.create(**request(fault("never")))
    raises(anthropic.APITimeoutError, call)


main()
