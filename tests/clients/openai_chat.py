"""The OpenAI SDK on `/v1/chat/completions`."""

import functools
import json

import openai
from pydantic import BaseModel

from _common import (
    CITY, EXCEPTIONS, IMAGE_URL, PDF, PDF_SEEN, PNG, PNG_SEEN, QUOTE, TIMEOUT, UNICODE, Verdict, altered, args, breaks,
    changed, extended, main, raises, scenario, weather,
)


class Client(openai.OpenAI):
    def _prepare_options(self, options):
        return extended(super()._prepare_options(options))


@functools.cache
def client(key=None, **options):
    """A client of the SDK; making one takes longer than a call, so each is made once."""
    options = {"max_retries": 0, "timeout": TIMEOUT, **options}
    return Client(base_url=f"{args.base}/v1", api_key=key or args.key, **options)


def user(text):
    return {"role": "user", "content": text}


def create(text="Say kumquat.", **more):
    messages = more.pop("messages", None) or [user(text)]
    return client().chat.completions.create(model=more.pop("model", args.model), messages=messages, **more)


def fault(name):
    """A text that makes the provider behind misbehave."""
    return f"Say {QUOTE} {args.trigger}:{name} please"


TOOLS = [{"type": "function", "function": {"name": "get_weather", "description": "Weather now", "parameters": CITY}}]
TWO_TOOLS = TOOLS + [{"type": "function", "function": {"name": "get_time", "parameters": CITY}}]
SYSTEM = {"role": "system", "content": "You are terse."}
# One call and no waiting: what a scenario about errors wants unless it is about retries.
ONCE = {"x-gateway-max-retries": "0"}


def check_usage(usage):
    assert usage.prompt_tokens > 0 and usage.completion_tokens > 0, usage
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens, usage


def content_of(chunks):
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


@scenario
def plain():
    done = create(messages=[SYSTEM, user(f"Say {QUOTE}.")])
    assert done.object == "chat.completion" and done.id and done.created > 1_600_000_000 and done.model
    assert len(done.choices) == 1 and done.choices[0].index == 0
    choice = done.choices[0]
    assert choice.message.role == "assistant" and QUOTE in choice.message.content, choice
    assert choice.finish_reason == "stop" and not choice.message.tool_calls and not choice.message.refusal
    check_usage(done.usage)


@scenario
def models():
    listed = list(client().models.list())
    names = [model.id for model in listed]
    assert args.model in names, names
    assert all(m.object == "model" and m.created > 1_600_000_000 and m.owned_by for m in listed), listed
    one = client().models.retrieve(args.model)
    assert one.id == args.model and one.owned_by, one
    raises(openai.NotFoundError, lambda: client().models.retrieve("nobody-has-this"))


@scenario
def gateway_headers():
    raw = client().chat.completions.with_raw_response.create(model=args.model, messages=[user("Hello")])
    for name in ("provider", "connection", "model", "attempts", "request-id"):
        assert raw.headers.get(f"x-gateway-{name}"), (name, raw.headers)
    assert raw.headers["x-gateway-attempts"] == "1"
    assert raw.headers["x-request-id"]
    named = client().chat.completions.with_raw_response.create(
        model=args.model, messages=[user("Hello")], extra_headers={"x-request-id": "mine-7"}
    )
    assert named.headers["x-gateway-request-id"] == "mine-7"


@scenario
def stream_raw():
    chunks = list(create(stream=True))
    assert QUOTE in content_of(chunks), chunks
    with_choice = [c for c in chunks if c.choices]
    assert with_choice[0].choices[0].delta.role == "assistant"
    finishes = [c.choices[0].finish_reason for c in with_choice if c.choices[0].finish_reason]
    assert finishes and set(finishes) == {"stop"}, finishes
    assert with_choice[-1].choices[0].finish_reason == "stop"


@scenario
def stream_strict():
    """What OpenAI's own streams and the converted ones promise and others do not."""
    chunks = list(create(stream=True))
    assert len({c.id for c in chunks}) == 1 and len({c.model for c in chunks}) == 1
    assert all(c.object == "chat.completion.chunk" for c in chunks)
    assert all(len(c.choices) == 1 and c.usage is None for c in chunks), "usage without being asked for it"
    assert [c.choices[0].finish_reason for c in chunks].count("stop") == 1
    assert sum(1 for c in chunks if c.choices[0].delta.role) == 1


@scenario
def stream_equals_plain():
    whole = create(f"Repeat {QUOTE} twice: {QUOTE}.")
    streamed = list(create(f"Repeat {QUOTE} twice: {QUOTE}.", stream=True))
    assert content_of(streamed) == whole.choices[0].message.content


@scenario
def stream_helper():
    with client().chat.completions.stream(model=args.model, messages=[user(f"Say {QUOTE}.")]) as stream:
        events = list(stream)
        final = stream.get_final_completion()
    deltas = "".join(e.delta for e in events if e.type == "content.delta")
    done = [e for e in events if e.type == "content.done"]
    assert QUOTE in deltas and len(done) == 1 and done[0].content == deltas
    assert final.choices[0].message.content == deltas and final.choices[0].finish_reason == "stop"


@scenario
def stream_usage():
    chunks = list(create(stream=True, stream_options={"include_usage": True}))
    with_usage = [c for c in chunks if c.usage]
    assert len(with_usage) == 1 and with_usage[0] is chunks[-1] and chunks[-1].choices == [], with_usage
    check_usage(chunks[-1].usage)


def lean(message):
    """What a careful client sends back of an answer: the request's own fields, and Gemini's signature of a call where there is one."""
    calls = []
    for call in message.tool_calls:
        function = {"name": call.function.name, "arguments": call.function.arguments}
        calls.append({"id": call.id, "type": "function", "function": function})
        if extra := (call.model_extra or {}).get("extra_content"):
            calls[-1]["extra_content"] = extra
    return {"role": "assistant", "content": message.content, "tool_calls": calls}


def run_tool_loop(replay):
    messages = [SYSTEM, user("What is the weather in Lima? Use the tool.")]
    first = create(messages=messages, tools=TOOLS)
    assert first.choices[0].finish_reason == "tool_calls", first
    message = first.choices[0].message
    assert len(message.tool_calls) == 1, message
    call = message.tool_calls[0]
    assert call.type == "function" and call.id and call.function.name == "get_weather"
    messages.append(replay(message))
    result = weather(json.loads(call.function.arguments))
    messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    last = create(messages=messages, tools=TOOLS)
    assert last.choices[0].finish_reason == "stop" and QUOTE in last.choices[0].message.content, last


@scenario
def tool_loop():
    run_tool_loop(lean)


@scenario
def tool_loop_dumped():
    """As many agents do it: the whole message goes back, with every null and what only answers have."""
    run_tool_loop(lambda message: message.model_dump())


def gather(chunks):
    """The calls of a raw stream as an agent collects them."""
    calls = {}
    for chunk in chunks:
        for delta in (chunk.choices[0].delta.tool_calls or []) if chunk.choices else []:
            call = calls.setdefault(delta.index, {"id": "", "name": "", "arguments": ""})
            call["id"] += delta.id or ""
            call["name"] += delta.function.name or ""
            call["arguments"] += delta.function.arguments or ""
    assert list(calls) == list(range(len(calls))), calls
    return list(calls.values())


@scenario
def tool_loop_stream():
    messages = [user("What is the weather in Lima? Use the tool.")]
    chunks = list(create(messages=messages, tools=TOOLS, stream=True))
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "tool_calls"
    (call,) = gather(chunks)
    function = {"name": call["name"], "arguments": call["arguments"]}
    messages += [
        {
            "role": "assistant",
            "content": content_of(chunks) or None,
            "tool_calls": [{"id": call["id"], "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": call["id"], "content": weather(json.loads(call["arguments"]))},
    ]
    assert QUOTE in content_of(list(create(messages=messages, tools=TOOLS, stream=True)))


class GetWeather(BaseModel):
    """Weather now"""

    city: str


@scenario
def tool_helper_stream():
    """The helper parses strict tools, and what it accumulated can be sent back."""
    tools = [openai.pydantic_function_tool(GetWeather, name="get_weather")]
    messages = [user("What is the weather in Lima? Use the tool.")]
    with client().chat.completions.stream(model=args.model, messages=messages, tools=tools) as stream:
        done = [e for e in stream if e.type == "tool_calls.function.arguments.done"]
        message = stream.get_final_completion().choices[0].message
    assert len(done) == 1 and isinstance(done[0].parsed_arguments, GetWeather), done
    call = message.tool_calls[0]
    messages += [
        lean(message),
        {"role": "tool", "tool_call_id": call.id, "content": weather(json.loads(call.function.arguments))},
    ]
    assert QUOTE in create(messages=messages, tools=tools).choices[0].message.content


@scenario
def tools_parallel():
    messages = [user("Call the weather and the time tool in parallel.")]
    message = create(messages=messages, tools=TWO_TOOLS).choices[0].message
    assert len(message.tool_calls) == 2, message
    assert len({call.id for call in message.tool_calls}) == 2
    messages.append(lean(message))
    for number, call in enumerate(message.tool_calls):
        json.loads(call.function.arguments)
        messages.append({"role": "tool", "tool_call_id": call.id, "content": f"{QUOTE} {number}"})
    last = create(messages=messages, tools=TWO_TOOLS).choices[0].message.content
    assert f"{QUOTE} 0" in last and f"{QUOTE} 1" in last, last


@scenario
def tools_parallel_stream():
    text = "Call the weather and the time tool in parallel."
    calls = gather(list(create(text, tools=TWO_TOOLS, stream=True)))
    assert len(calls) == 2 and calls[0]["id"] != calls[1]["id"], calls
    assert all(json.loads(call["arguments"]) is not None for call in calls)


def thinking_turn(**more):
    return create(tools=TWO_TOOLS, reasoning_effort="low", max_completion_tokens=8000, **more)


def check_thinking(message):
    """The dumped message as a client keeps it: signed thinking in the extension fields."""
    assert message["reasoning_content"], message
    blocks = message["thinking_blocks"]
    assert blocks and all(b["type"] == "thinking" and b["signature"] for b in blocks), blocks
    assert "".join(b["thinking"] for b in blocks).strip() == message["reasoning_content"].strip()
    return blocks


@scenario
def thinking_loop():
    """Signed thinking survives a tool loop of a client that only appends what it got."""
    messages = [user("What is the weather in Lima? Use the tool.")]
    for step in range(2):
        message = thinking_turn(messages=messages).choices[0].message
        dumped = message.model_dump()
        check_thinking(dumped)
        call = message.tool_calls[0]
        messages.append(dumped)
        result = weather(json.loads(call.function.arguments))
        messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
        last = thinking_turn(messages=messages).choices[0].message
        assert QUOTE in last.content, last
        messages += [last.model_dump(), user(f"And the weather in Quito? Tool again, step {step}.")]


@scenario
def thinking_stream():
    """The same through the stream helper, whose accumulator is picky about list deltas."""
    messages = [user("What is the weather in Lima? Use the tool.")]
    with client().chat.completions.stream(
        model=args.model, messages=messages, tools=TOOLS, reasoning_effort="low", max_completion_tokens=8000
    ) as stream:
        message = stream.get_final_completion().choices[0].message
    dumped = message.model_dump()
    check_thinking(dumped)
    call = message.tool_calls[0]
    messages += [
        dumped,
        {"role": "tool", "tool_call_id": call.id, "content": weather(json.loads(call.function.arguments))},
    ]
    assert QUOTE in thinking_turn(messages=messages).choices[0].message.content


@scenario
def thinking_altered():
    """Proof that the loop above is checked at the other end: an altered signature is refused."""
    messages = [user("What is the weather in Lima? Use the tool.")]
    message = thinking_turn(messages=messages).choices[0].message
    dumped = message.model_dump()
    signature = dumped["thinking_blocks"][0]["signature"]
    dumped["thinking_blocks"][0]["signature"] = ("A" if signature[0] != "A" else "B") + signature[1:]
    messages += [dumped, {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "18C"}]
    error = raises(openai.BadRequestError, lambda: thinking_turn(messages=messages))
    assert "signature" in str(error).lower(), error


@scenario
def structured():
    done = client().chat.completions.parse(
        model=args.model, messages=[user("Judge Lima.")], response_format=Verdict, max_completion_tokens=500
    )
    verdict = done.choices[0].message.parsed
    assert isinstance(verdict, Verdict), done
    assert json.loads(done.choices[0].message.content) == verdict.model_dump()


@scenario
def image():
    parts = [
        {"type": "text", "text": f"Compare this {QUOTE}."},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "low"}},
    ]
    done = create(messages=[user(parts)])
    assert done.choices[0].finish_reason == "stop" and QUOTE in done.choices[0].message.content, done


@scenario
def pdf():
    parts = [
        {"type": "text", "text": f"Summarise this {QUOTE}."},
        {"type": "file", "file": {"filename": "report.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}},
    ]
    done = create(messages=[user(parts)])
    assert done.choices[0].finish_reason == "stop" and QUOTE in done.choices[0].message.content, done


@scenario
def refusal():
    choice = create("Please refuse this.").choices[0]
    assert choice.message.refusal, choice
    chunks = list(create("Please refuse this.", stream=True))
    assert "".join(c.choices[0].delta.refusal or "" for c in chunks if c.choices) == choice.message.refusal
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == choice.finish_reason


@scenario
def refusal_finish():
    """A refusal of a converted provider ends as a filtered answer."""
    assert create("Please refuse this.").choices[0].finish_reason == "content_filter"


@scenario
def max_tokens():
    long = f"Repeat all of this, {QUOTE} by {QUOTE}: " + f"{QUOTE} " * 40
    done = create(long, max_completion_tokens=5)
    assert done.choices[0].finish_reason == "length", done
    chunks = list(create(long, max_completion_tokens=5, stream=True))
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "length"


@scenario
def unicode():
    text = f"Say {UNICODE} again."
    assert UNICODE in create(text).choices[0].message.content
    assert UNICODE in content_of(list(create(text, stream=True)))


@scenario
def bad_model():
    """An id that no route has, and an id that the provider does not have."""
    error = raises(openai.NotFoundError, lambda: create(model="no-such-model"))
    assert error.code == "model_not_found" or "no-such-model" in str(error), error.body
    streamed = raises(openai.NotFoundError, lambda: list(create(model="no-such-model", stream=True)))
    assert streamed.status_code == 404


@scenario
def unknown_at_provider():
    """A model that a route leads to and that the provider does not have."""
    error = raises(openai.NotFoundError, lambda: create(model=f"{args.model}-no-such-model"))
    assert error.body["message"], error.body


@scenario
def wrong_key():
    call = lambda: client("wrong-key").chat.completions.create(model=args.model, messages=[user("Hello")])
    error = raises(openai.AuthenticationError, call)
    assert error.status_code == 401 and "wrong-key" not in str(error), error
    assert error.code == "invalid_api_key", error.body


@scenario
def bad_request():
    """Something that cannot be carried to the provider is refused and named."""
    error = raises(openai.BadRequestError, lambda: create(n=2))
    assert error.param == "n" and error.type == "invalid_request_error", error.body


@scenario
def bad_value():
    """Something that the provider refuses."""
    error = raises(openai.BadRequestError, lambda: create(messages=[user("Hello")], temperature=9))
    assert error.type == "invalid_request_error", error.body


@scenario
def overloaded():
    for stream in (False, True):
        call = lambda: create(fault("overloaded"), stream=stream, extra_headers=ONCE)
        error = raises(openai.InternalServerError, call)
        assert error.status_code == 503, error
        assert error.response.headers["x-gateway-attempts"] == "1"
        assert error.response.headers["x-should-retry"] == "false"


@scenario
def ratelimit():
    error = raises(openai.RateLimitError, lambda: create(fault("ratelimit"), extra_headers=ONCE))
    assert error.response.headers["retry-after"] == "1"
    assert error.code == "rate_limit_exceeded" or error.type, error.body


@scenario
def retries():
    """The gateway's own retries, and a client whose retries obey that they are spent."""
    call = lambda: client(max_retries=2).chat.completions.create(
        model=args.model, messages=[user(fault("overloaded"))]
    )
    error = raises(openai.InternalServerError, call)
    assert error.response.headers["x-gateway-attempts"] == "3", error.response.headers
    assert error.response.request.headers["x-stainless-retry-count"] == "0", "the SDK tried again"


@scenario
def key_refused():
    """The provider refuses the gateway's own key and quotes it: the client sees that, not the key."""
    # AWS says 403 to a key that it does not know.
    aws = ".anthropic." in args.model
    kind = openai.PermissionDeniedError if aws else openai.AuthenticationError
    error = raises(kind, lambda: create(fault("refuse-key"), extra_headers=ONCE))
    assert error.code == ("permission_denied" if aws else "invalid_api_key"), error.body
    assert "canary" not in error.response.text, error.response.text


@scenario
def first_error():
    """An error as the first event becomes a status, which clients can act on."""
    name = "first-error" if args.trigger == "scripted" else "first-event-error"
    error = raises(openai.APIStatusError, lambda: create(fault(name), stream=True, extra_headers=ONCE))
    assert error.status_code >= 500, error


def broken_stream(name):
    """Iterates a stream that breaks; gives what came before and the exception."""
    got = []

    def read():
        for chunk in create(fault(name), stream=True, extra_headers=ONCE):
            got.append(chunk)

    error = raises(openai.APIError, read)
    assert got, "nothing came before the error"
    assert not any(c.choices and c.choices[0].finish_reason for c in got), "a broken stream looks finished"
    return error


@scenario
def cut():
    broken_stream("cut")


@scenario
def cut_clean():
    """The provider's stream ends between two events: only the gateway can tell, and it does with an event."""
    error = broken_stream("cut-clean")
    # The second is what Bedrock calls it when it sees that by itself.
    assert error.code in ("upstream_stream_ended", "model_stream_error"), error.body


@scenario
def cut_fin():
    broken_stream("cut-fin")


@scenario
def cut_reset():
    broken_stream("cut-reset")


@scenario
def error_event():
    error = broken_stream("error-event")
    assert not isinstance(error, openai.APIConnectionError) and error.body, error


@scenario
def exceptions():
    """Every exception of the Bedrock runtime: as a response, as the first event (which becomes a response), in mid-stream."""
    for name, (status, _, streams) in EXCEPTIONS.items():
        text = lambda place: f"Say {QUOTE} demo:{place}-{name}Exception please"
        for stream in (False, True):
            call = lambda: create(text("throw"), stream=stream, extra_headers=ONCE)
            error = raises(openai.APIStatusError, call)
            assert error.status_code == status and error.body["message"], (name, error.status_code, error.body)
            assert error.response.headers["x-gateway-attempts"] == "1"
        if not streams:
            continue
        error = raises(openai.APIStatusError, lambda: create(text("first"), stream=True, extra_headers=ONCE))
        assert error.status_code == status, (name, error.status_code)
        error = broken_stream(f"middle-{name}Exception")
        assert error.body["message"], error.body


@scenario
def broken_frames():
    """A stream of the Bedrock runtime that is damaged, or that fails in a way that it does not name."""
    for name in breaks():
        error = broken_stream(name)
        assert not isinstance(error, openai.APIConnectionError) and error.body["message"], (name, error)


@scenario
def throttled_once():
    """The gateway tries again by itself."""
    for stream in (False, True):
        raw = client().chat.completions.with_raw_response.create(
            model=args.model, messages=[user(f"Say {QUOTE} {stream} demo:once")], stream=stream
        )
        assert raw.headers["x-gateway-attempts"] == "2", raw.headers
        done = raw.parse()
        assert QUOTE in (content_of(list(done)) if stream else done.choices[0].message.content)


@scenario
def usage_cached():
    """What was read from and written to the cache is a part of the prompt, and counted once."""
    mark = {"cache_control": {"type": "ephemeral"}}
    for text, name in ((f"Say {QUOTE}.", "cache_write_tokens"), (f"Say {QUOTE} again.", "cached_tokens")):
        messages = [{"role": "system", "content": [{"type": "text", "text": "You are terse.", **mark}]}, user(text)]
        done = create(messages=messages)
        chunks = list(create(messages=messages, stream=True, stream_options={"include_usage": True}))
        for usage in (done.usage, chunks[-1].usage):
            check_usage(usage)
            details = usage.prompt_tokens_details.model_dump()
            assert 0 < details[name] < usage.prompt_tokens, usage


@scenario
def media_seen():
    """Images and documents arrive whole."""
    parts = [
        {"type": "text", "text": f"Compare these {QUOTE}."},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        {"type": "file", "file": {"filename": "report.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}},
    ]
    text = create(messages=[user(parts)]).choices[0].message.content
    assert PNG_SEEN in text and PDF_SEEN in text, text
    assert content_of(list(create(messages=[user(parts)], stream=True))) == text


@scenario
def image_url_refused():
    """A provider that fetches nothing: refused by its place, and not dropped."""
    parts = [{"type": "text", "text": "Compare this."}, {"type": "image_url", "image_url": {"url": IMAGE_URL}}]
    error = raises(openai.BadRequestError, lambda: create(messages=[user(parts)]))
    assert "messages[0].content[1]" in (error.param or str(error)), error.body


def check_sources(text, annotations, count=1):
    """Each annotation names an address and a place in the text."""
    assert len(annotations) >= count, annotations
    for note in annotations:
        source = note["url_citation"]
        assert note["type"] == "url_citation" and source["url"].startswith("https://") and source["title"], note
        assert 0 <= source["start_index"] < source["end_index"] <= len(text), (note, text)
    return [text[note["url_citation"]["start_index"] : note["url_citation"]["end_index"]] for note in annotations]


def grounded(text, **more):
    """The texts and annotations of an answer, whole and streamed, which must agree."""
    message = create(text, **more).choices[0].message
    chunks = list(create(text, stream=True, **more))
    deltas = [c.choices[0].delta.model_dump() for c in chunks if c.choices]
    streamed_notes = [note for delta in deltas for note in delta.get("annotations") or []]
    notes = [note.model_dump() for note in message.annotations or []]
    assert content_of(chunks) == message.content, (chunks, message)
    assert streamed_notes == notes, (streamed_notes, notes)
    return message, notes


@scenario
def web_search_grounded():
    """The provider's own search, whose places count bytes there and characters here."""
    search = {"web_search_options": {}}
    if args.trigger == "scripted":
        message, notes = grounded(f"Say {QUOTE} üü 🦀.", **search)
        assert check_sources(message.content, notes) == [message.content], notes
        return
    message, notes = grounded(f"Search for {QUOTE} ü 🦀.", **search)
    cited = check_sources(message.content, notes)
    assert any("Café 🦀 itself." in text for text in cited), (message.content, cited)
    assert QUOTE in message.content and any("é" in note["url_citation"]["url"] for note in notes), notes
    # A history with what was found goes on.
    messages = [user(f"Search for {QUOTE}."), message.model_dump(exclude_none=True), user(f"Thanks, {QUOTE}.")]
    assert QUOTE in create(messages=messages, **search).choices[0].message.content


@scenario
def thinking_unsigned():
    """Thoughts without a signature are shown, and do no harm in the history."""
    ask = {"tools": TOOLS, "reasoning_effort": "low"}
    messages = [user("What is the weather in Lima? Use the tool.")]
    message = create(messages=messages, **ask).choices[0].message.model_dump()
    assert message["reasoning_content"], message
    call = message["tool_calls"][0]
    result = weather(json.loads(call["function"]["arguments"]))
    messages += [message, {"role": "tool", "tool_call_id": call["id"], "content": result}]
    last = create(messages=messages, **ask).choices[0].message
    assert QUOTE in last.content, last


@scenario
def thinking_sealed():
    """Thoughts that only their vendor can read go back as they came, streamed too."""
    ask = {"tools": TOOLS, "reasoning_effort": "low"}
    for stream in (False, True):
        messages = [user("What is the weather in Lima? Use the tool.")]
        if stream:
            with client().chat.completions.stream(model=args.model, messages=messages, **ask) as helper:
                message = helper.get_final_completion().choices[0].message.model_dump()
        else:
            message = create(messages=messages, **ask).choices[0].message.model_dump()
        (block,) = message["thinking_blocks"]
        assert block["type"] == "redacted_thinking" and block["data"], block
        call = message["tool_calls"][0]
        result = {"role": "tool", "tool_call_id": call["id"], "content": weather(json.loads(call["function"]["arguments"]))}
        assert QUOTE in create(messages=[*messages, message, result], **ask).choices[0].message.content
        block["data"] = altered(block["data"])
        error = raises(openai.BadRequestError, lambda: create(messages=[*messages, message, result], **ask))
        assert "verified" in str(error), error


def signed_turn(stream, text="What is the weather in Lima? Use the tool.", **ask):
    """A message with a call, as a client keeps that appends what it got, whole or accumulated by the helper."""
    messages = [user(text)]
    if stream:
        with client().chat.completions.stream(model=args.model, messages=messages, **ask) as helper:
            message = helper.get_final_completion().choices[0].message
    else:
        message = create(messages=messages, **ask).choices[0].message
    message = message.model_dump()
    results = []
    for call in message["tool_calls"]:
        result = weather(json.loads(call["function"]["arguments"]))
        results.append({"role": "tool", "tool_call_id": call["id"], "content": result})
    return message, [*messages, message, *results]


@scenario
def signature_loop():
    """Gemini's signature of a call goes back as it came; an altered one is refused there."""
    ask = {"tools": TWO_TOOLS, "reasoning_effort": "low"}
    for stream in (False, True):
        message, messages = signed_turn(stream, "Call the weather and the time tool in parallel.", **ask)
        first, second = message["tool_calls"]
        signature = first["extra_content"]["google"]["thought_signature"]
        assert signature and not second.get("extra_content"), message
        assert message["reasoning_content"], message
        assert QUOTE in create(messages=messages, **ask).choices[0].message.content
        first["extra_content"]["google"]["thought_signature"] = changed(signature)
        error = raises(openai.BadRequestError, lambda: create(messages=messages, **ask))
        assert "signature" in str(error), error


@scenario
def own_steps():
    """What the provider did by itself before a call (code that it ran) goes back with the call."""
    ask = {"tools": [*TOOLS, {"type": "codeExecution"}]}
    for stream in (False, True):
        message, messages = signed_turn(stream, "Compute, then call the weather tool.", **ask)
        assert "```python" in message["content"] and "∑ 4" in message["content"], message
        assert message["extra_content"]["google"]["parts"], message
        last = create(messages=messages, **ask).choices[0].message
        assert QUOTE in last.content, last


@scenario
def code_shown():
    """Code that the provider ran, and what came of it."""
    for stream in (False, True):
        done = create(f"Compute {QUOTE}.", stream=stream, extra_body={"tools": [{"codeExecution": {}}]})
        text = content_of(list(done)) if stream else done.choices[0].message.content
        assert "```python\nprint(" in text and "∑ 4" in text and QUOTE in text, text


@scenario
def page_read():
    """A page that the provider read by itself."""
    tools = {"tools": [{"type": "url_context"}]}
    done = create(f"Say {QUOTE} about https://example.org/a please.", extra_body=tools)
    found = done.choices[0].message.model_dump()["extra_content"]["google"]["url_context_metadata"]
    assert found["urlMetadata"][0]["retrievedUrl"] == "https://example.org/a", done


@scenario
def prompt_blocked():
    """No candidate, but a reason."""
    choice = create("Say demo:block now.").choices[0]
    assert choice.finish_reason == "content_filter" and "SAFETY" in choice.message.refusal, choice
    chunks = list(create("Say demo:block now.", stream=True))
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "content_filter", chunks
    thought = create("Say demo:thought-out now.").choices[0]
    assert thought.finish_reason == "length" and not thought.message.content, thought


@scenario
def no_answer():
    """An answer with nothing in it is a failure, not an end."""
    for name in ("malformed", "empty"):
        for stream in (False, True):
            call = lambda: list(create(fault(name), stream=stream, extra_headers=ONCE))
            error = raises(openai.APIError, call)
            status = getattr(error, "status_code", 502)
            assert status == 502 and error.body["message"], (name, stream, error.body)


@scenario
def cut_helper():
    """The stream helper raises too."""
    name = "cut" if args.trigger == "demo" else "cut-clean"

    def read():
        with client().chat.completions.stream(model=args.model, messages=[user(fault(name))]) as stream:
            return stream.get_final_completion()

    raises(openai.APIError, read)


@scenario
def drop_stream():
    """The client leaves in the middle of a stream."""
    stream = create(fault("hold"), stream=True)
    next(iter(stream))
    stream.close()


@scenario
def drop_before_event():
    """The client gives up while the provider has sent a head and no event."""
    call = lambda: client(timeout=1.5).chat.completions.create(
        model=args.model, messages=[user(fault("head-only"))], stream=True
    )
    raises(openai.APITimeoutError, lambda: list(call()))


@scenario
def drop_before_head():
    """The client gives up while the provider has sent nothing."""
    call = lambda: client(timeout=1.5).chat.completions.create(model=args.model, messages=[user(fault("never"))])
    raises(openai.APITimeoutError, call)


if __name__ == "__main__":
    main()
