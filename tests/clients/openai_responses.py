"""The OpenAI SDK on `/v1/responses`."""

import json

import openai

from _common import CITY, QUOTE, TIMEOUT, UNICODE, args, main, raises, scenario, weather


def client(key=None, **options):
    options = {"max_retries": 0, "timeout": TIMEOUT, **options}
    return openai.OpenAI(base_url=f"{args.base}/v1", api_key=key or args.key, **options)


def create(text="Say kumquat.", **more):
    more = {"model": args.model, "input": text, "store": False, **more}
    return client().responses.create(**more)


def fault(name):
    """A text that makes the provider behind misbehave."""
    return f"Say {QUOTE} {args.trigger}:{name} please"


TOOLS = [{"type": "function", "name": "get_weather", "description": "Weather now", "parameters": CITY, "strict": True}]
TWO_TOOLS = TOOLS + [{"type": "function", "name": "get_time", "parameters": CITY, "strict": True}]
ONCE = {"x-gateway-max-retries": "0"}


@scenario
def plain():
    done = create(instructions="You are terse.", max_output_tokens=500)
    assert done.object == "response" and done.status == "completed" and done.id and done.model
    assert QUOTE in done.output_text and done.error is None, done
    assert done.usage.total_tokens == done.usage.input_tokens + done.usage.output_tokens > 0


@scenario
def stream_raw():
    events = list(create(stream=True))
    kinds = [event.type for event in events]
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed", kinds
    text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    assert QUOTE in text and events[-1].response.output_text == text
    numbers = [event.sequence_number for event in events]
    assert numbers == sorted(set(numbers)), numbers


@scenario
def stream_helper():
    with client().responses.stream(model=args.model, input="Say kumquat.", store=False) as stream:
        text = "".join(e.delta for e in stream if e.type == "response.output_text.delta")
        final = stream.get_final_response()
    assert QUOTE in text and final.output_text == text


@scenario
def tool_loop():
    items = [{"role": "user", "content": "What is the weather in Lima? Use the tool."}]
    first = create(items, tools=TOOLS)
    (call,) = [item for item in first.output if item.type == "function_call"]
    assert call.name == "get_weather" and call.call_id
    items += [item.model_dump(exclude_none=True) for item in first.output]
    output = weather(json.loads(call.arguments))
    items.append({"type": "function_call_output", "call_id": call.call_id, "output": output})
    assert QUOTE in create(items, tools=TOOLS).output_text


@scenario
def tool_loop_stream():
    items = [{"role": "user", "content": "What is the weather in Lima? Use the tool."}]
    events = list(create(items, tools=TOOLS, stream=True))
    final = events[-1].response
    (call,) = [item for item in final.output if item.type == "function_call"]
    pieces = "".join(e.delta for e in events if e.type == "response.function_call_arguments.delta")
    assert pieces == call.arguments
    items += [item.model_dump(exclude_none=True) for item in final.output]
    output = weather(json.loads(call.arguments))
    items.append({"type": "function_call_output", "call_id": call.call_id, "output": output})
    assert QUOTE in list(create(items, tools=TOOLS, stream=True))[-1].response.output_text


def thinking_turn(items, **more):
    done = create(items, tools=TOOLS, reasoning={"effort": "low", "summary": "auto"}, max_output_tokens=8000, **more)
    return done if not more.get("stream") else list(done)[-1].response


def thinking_loop_of(**more):
    """Signed thinking survives a tool loop of a client that only sends the output back."""
    items = [{"role": "user", "content": "What is the weather in Lima? Use the tool."}]
    for step in range(2):
        done = thinking_turn(items, **more)
        reasoning = [item for item in done.output if item.type == "reasoning"]
        assert reasoning and all(item.encrypted_content for item in reasoning), done
        call = next(item for item in done.output if item.type == "function_call")
        items += [item.model_dump(exclude_none=True) for item in done.output]
        result = weather(json.loads(call.arguments))
        items.append({"type": "function_call_output", "call_id": call.call_id, "output": result})
        last = thinking_turn(items, **more)
        assert QUOTE in last.output_text, last
        items += [item.model_dump(exclude_none=True) for item in last.output]
        items.append({"role": "user", "content": f"And the weather in Quito? Tool again, step {step}."})


@scenario
def thinking_loop():
    thinking_loop_of()


@scenario
def thinking_loop_stream():
    thinking_loop_of(stream=True)


@scenario
def tools_parallel():
    items = [{"role": "user", "content": "Call the weather and the time tool in parallel."}]
    calls = [item for item in create(items, tools=TWO_TOOLS).output if item.type == "function_call"]
    assert len(calls) == 2 and calls[0].call_id != calls[1].call_id, calls


@scenario
def max_tokens():
    # OpenAI takes no fewer than 16; Anthropic's tokens are counted otherwise.
    limit = 5 if "claude" in args.model else 16
    done = create("Repeat all of this: " + f"{QUOTE} " * 40, max_output_tokens=limit)
    assert done.status == "incomplete" and done.incomplete_details.reason == "max_output_tokens", done


@scenario
def refusal():
    done = create("Please refuse this.")
    parts = [part for item in done.output if item.type == "message" for part in item.content]
    assert any(part.type == "refusal" and part.refusal for part in parts), done


@scenario
def unicode():
    text = f"Say {UNICODE} again."
    assert UNICODE in create(text).output_text
    assert UNICODE in list(create(text, stream=True))[-1].response.output_text


@scenario
def bad_model():
    raises(openai.NotFoundError, lambda: create(model="no-such-model"))


@scenario
def wrong_key():
    call = lambda: client("wrong-key").responses.create(model=args.model, input="Hello")
    error = raises(openai.AuthenticationError, call)
    assert error.code == "invalid_api_key" and "wrong-key" not in str(error), error.body


@scenario
def overloaded():
    error = raises(openai.InternalServerError, lambda: create(fault("overloaded"), extra_headers=ONCE))
    assert error.status_code == 503 and error.response.headers["x-should-retry"] == "false", error


@scenario
def ratelimit():
    error = raises(openai.RateLimitError, lambda: create(fault("ratelimit"), extra_headers=ONCE))
    assert error.response.headers["retry-after"] == "1"


@scenario
def key_refused():
    """The provider refuses the gateway's own key and quotes it: the client sees that, not the key."""
    error = raises(openai.AuthenticationError, lambda: create(fault("refuse-key"), extra_headers=ONCE))
    assert error.code == "invalid_api_key" and "canary" not in error.response.text, error.response.text


@scenario
def first_error():
    """An error as the first event becomes a status, which clients can act on."""
    name = "first-error" if args.trigger == "scripted" else "first-event-error"
    error = raises(openai.APIStatusError, lambda: create(fault(name), stream=True, extra_headers=ONCE))
    assert error.status_code >= 500, error


def broken_stream(name):
    """Iterates a stream that breaks. This SDK raises for a transport error; an error event it hands out as an event."""
    got = []
    error = None
    try:
        for event in create(fault(name), stream=True, extra_headers=ONCE):
            got.append(event)
    except openai.APIError as raised:
        error = raised
    assert got and not any(e.type in ("response.completed", "response.incomplete") for e in got), got
    assert error is not None or got[-1].type in ("error", "response.failed"), "the break went unnoticed"
    return error, got[-1]


@scenario
def cut():
    broken_stream("cut")


@scenario
def cut_clean():
    error, last = broken_stream("cut-clean")
    assert error is None, "an event is what says it"
    if last.type == "error":
        assert last.code == "upstream_stream_ended", last
    else:
        # A failed response knows a few codes only.
        ended = last.response.error
        assert ended.code == "server_error" and "ended before completion" in ended.message, last


@scenario
def cut_fin():
    broken_stream("cut-fin")


@scenario
def cut_reset():
    broken_stream("cut-reset")


@scenario
def error_event():
    broken_stream("error-event")


@scenario
def drop_stream():
    stream = create(fault("hold"), stream=True)
    next(iter(stream))
    stream.close()


@scenario
def drop_before_event():
    call = lambda: client(timeout=1.5).responses.create(
        model=args.model, input=fault("head-only"), stream=True
    )
    raises(openai.APITimeoutError, lambda: list(call()))


@scenario
def drop_before_head():
    call = lambda: client(timeout=1.5).responses.create(model=args.model, input=fault("never"))
    raises(openai.APITimeoutError, call)


main()
