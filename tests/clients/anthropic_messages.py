"""The Anthropic SDK on `/v1/messages`."""

import functools
import json

import anthropic
import httpx2

from _common import (
    CITY, EXCEPTIONS, IMAGE_URL, PDF, PDF_SEEN, PNG, PNG_SEEN, QUOTE, TIMEOUT, UNICODE, Verdict, altered, args, breaks,
    extended, main, raises, scenario, weather,
)
from _messages_stream import check_lifecycle


class Client(anthropic.Anthropic):
    def _prepare_options(self, options):
        return extended(super()._prepare_options(options))


@functools.cache
def client(key=None, **options):
    """A client of the SDK; making one takes longer than a call, so each is made once."""
    options = {"max_retries": 0, "timeout": TIMEOUT, **options}
    return Client(base_url=args.base, api_key=key or args.key, **options)


def user(content):
    return {"role": "user", "content": content}


def request(text="Say kumquat.", **more):
    return {"model": args.model, "max_tokens": 1000, "messages": [user(text)], **more}


def create(text="Say kumquat.", **more):
    return client().messages.create(**request(text, **more))


def helped(text="Say kumquat.", **more):
    """The message that the SDK's helper accumulates out of a stream whose every event is checked."""
    events = list(create(text, stream=True, **more))
    delta = check_lifecycle(events)
    with client().messages.stream(**request(text, **more)) as stream:
        final = stream.get_final_message()
    assert final.stop_reason == delta.delta.stop_reason, (final, delta)
    return final


WAYS = (create, helped)


def fault(name):
    """A text that makes the provider behind misbehave."""
    return f"Say {QUOTE} {args.trigger}:{name} please"


TOOLS = [{"name": "get_weather", "description": "Weather now", "input_schema": CITY}]
TWO_TOOLS = TOOLS + [{"name": "get_time", "description": "Local time", "input_schema": CITY}]
SYSTEM = [{"type": "text", "text": "You are terse.", "cache_control": {"type": "ephemeral"}}]
THINKING = {"thinking": {"type": "enabled", "budget_tokens": 1500}, "max_tokens": 4000}
ADAPTIVE = {"thinking": {"type": "adaptive", "display": "summarized"}, "max_tokens": 4000}
ONCE = {"x-gateway-max-retries": "0"}
# How a stream may break: by an error event of the protocol, or (what the SDK does not wrap) by a transport error.
BROKEN = (anthropic.APIError, httpx2.TransportError)


def text_of(message):
    return "".join(block.text for block in message.content if block.type == "text")


def of(message, kind):
    return [block for block in message.content if block.type == kind]


def result_of(block):
    return {"type": "tool_result", "tool_use_id": block.id, "content": weather(block.input)}


def check_usage(usage):
    assert usage.input_tokens >= 0 and usage.output_tokens > 0, usage
    assert usage.cache_read_input_tokens >= 0 and usage.cache_creation_input_tokens >= 0, usage
    assert usage.input_tokens + usage.cache_read_input_tokens + usage.cache_creation_input_tokens > 0, usage


@scenario
def plain():
    message = create(f"Say {QUOTE}.", system=SYSTEM)
    assert message.type == "message" and message.role == "assistant" and message.id and message.model
    assert QUOTE in text_of(message) and message.stop_reason == "end_turn", message
    assert message.stop_sequence is None, message
    check_usage(message.usage)


@scenario
def bearer():
    """The SDK's other way to send a key."""
    with anthropic.Anthropic(
        base_url=args.base, api_key=None, auth_token=args.key, max_retries=0, timeout=TIMEOUT
    ) as other:
        assert QUOTE in text_of(other.messages.create(**request()))


@scenario
def models():
    """The list in one page and in pages of one, and one model by its name, as Claude Code's discovery and the SDK read them."""
    whole = client().models.list(limit=1000)
    names = [model.id for model in whole.data]
    assert args.model in names and not whole.has_more and whole.first_id == names[0] and whole.last_id == names[-1], whole
    assert all(m.type == "model" and m.display_name and m.created_at.year > 2020 for m in whole.data), whole
    paged = [model.id for model in client().models.list(limit=1)]
    assert paged == names, (paged, names)
    one = client().models.retrieve(args.model)
    assert one.id == args.model and one.display_name, one
    raises(anthropic.NotFoundError, lambda: client().models.retrieve("nobody-has-this"))


@scenario
def gateway_headers():
    raw = client().messages.with_raw_response.create(**request())
    for name in ("provider", "connection", "model", "attempts", "request-id"):
        assert raw.headers.get(f"x-gateway-{name}"), (name, raw.headers)
    assert raw.headers["request-id"]


@scenario
def stream_raw():
    events = list(create(stream=True))
    delta = check_lifecycle(events)
    texts = [e.delta.text for e in events if e.type == "content_block_delta" and e.delta.type == "text_delta"]
    assert QUOTE in "".join(texts) and len(texts) > 1, texts
    assert delta.delta.stop_reason == "end_turn" and delta.usage.output_tokens > 0


@scenario
def stream_input_tokens():
    """The input is counted when the stream begins, where the provider says it then."""
    events = list(create(stream=True))
    assert events[0].message.usage.input_tokens > 0


@scenario
def stream_helper():
    with client().messages.stream(**request()) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert QUOTE in text and text_of(final) == text and final.stop_reason == "end_turn", final
    check_usage(final.usage)


@scenario
def stream_equals_plain():
    assert text_of(create()) == text_of(helped())


@scenario
def history():
    """A conversation whose answers go back as they came, with a system message in its middle."""
    messages = [user(f"Say {QUOTE}.")]
    for turn in range(3):
        answer = create(messages=messages, system="You are terse.")
        messages += [{"role": "assistant", "content": answer.content}, user(f"Say {QUOTE} once more, {turn}.")]
    assert QUOTE in text_of(helped(messages=messages, system="You are terse."))


@scenario
def mid_system():
    """Newer clients put system messages between the others."""
    messages = [user("Hello."), {"role": "assistant", "content": "Hello."}, user(f"Say {QUOTE}.")]
    messages.append({"role": "system", "content": f"Stay brief, {QUOTE}."})
    assert QUOTE in text_of(create(messages=messages, system="You are terse."))


def run_tools(way, tools=TOOLS, **more):
    """A loop over two turns, each with a call; the content goes back as it came."""
    messages = [user("What is the weather in Lima? Use the tool.")]
    for turn in range(2):
        first = way(messages=messages, tools=tools, **more)
        assert first.stop_reason == "tool_use", first
        (block,) = of(first, "tool_use")
        assert block.name == "get_weather" and block.id and block.input == {"city": block.input["city"]}, block
        messages += [{"role": "assistant", "content": first.content}, user([result_of(block)])]
        last = way(messages=messages, tools=tools, **more)
        assert last.stop_reason == "end_turn" and QUOTE in text_of(last), last
        messages.append({"role": "assistant", "content": last.content})
        messages.append(user(f"And the weather in Quito? Tool again, step {turn}."))
    return messages


@scenario
def tool_loop():
    run_tools(create)


@scenario
def tool_loop_stream():
    run_tools(helped)


@scenario
def tool_result_parts():
    """Results in blocks, one of them an image, one an error, and text after them."""
    messages = [user("Call the weather and the time tool in parallel.")]
    first = create(messages=messages, tools=TWO_TOOLS)
    one, two = of(first, "tool_use")
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    parts = [{"type": "text", "text": f"{QUOTE} clouds"}, {"type": "image", "source": source}]
    results = [
        {"type": "tool_result", "tool_use_id": one.id, "content": parts},
        {"type": "tool_result", "tool_use_id": two.id, "content": "no clock", "is_error": True},
        {"type": "text", "text": f"What now, {QUOTE}?"},
    ]
    messages += [{"role": "assistant", "content": first.content}, user(results)]
    assert QUOTE in text_of(create(messages=messages, tools=TWO_TOOLS))


def run_parallel(way):
    messages = [user("Call the weather and the time tool in parallel.")]
    first = way(messages=messages, tools=TWO_TOOLS)
    blocks = of(first, "tool_use")
    assert len(blocks) == 2 and blocks[0].id != blocks[1].id, first
    assert {block.name for block in blocks} == {"get_weather", "get_time"}, blocks
    results = [{"type": "tool_result", "tool_use_id": b.id, "content": f"{QUOTE} {n}"} for n, b in enumerate(blocks)]
    messages += [{"role": "assistant", "content": first.content}, user(results[::-1])]
    last = text_of(way(messages=messages, tools=TWO_TOOLS))
    assert f"{QUOTE} 0" in last and f"{QUOTE} 1" in last, last


@scenario
def tools_parallel():
    run_parallel(create)


@scenario
def tools_parallel_stream():
    run_parallel(helped)


@scenario
def tools_serial():
    choice = {"type": "auto", "disable_parallel_tool_use": True}
    message = create("Call the weather and the time tool in parallel.", tools=TWO_TOOLS, tool_choice=choice)
    assert len(of(message, "tool_use")) == 1, message


@scenario
def tool_choice():
    assert not of(create("Say it.", tools=TWO_TOOLS, tool_choice={"type": "auto"}), "tool_use")
    assert of(create("Say it.", tools=TWO_TOOLS, tool_choice={"type": "any"}), "tool_use")
    (block,) = of(create("Say it.", tools=TWO_TOOLS, tool_choice={"type": "tool", "name": "get_time"}), "tool_use")
    assert block.name == "get_time", block
    assert not of(create("Use the weather tool.", tools=TWO_TOOLS, tool_choice={"type": "none"}), "tool_use")


@scenario
def tool_long_name():
    """Names of MCP tools are longer than other providers take; the client gets its own name back."""
    name = "mcp__a_server_with_a_long_name__a_weather_tool_whose_name_is_longer_than_sixty_four_characters"
    tools = [{"name": name, "description": "Weather now", "input_schema": CITY}]
    for way in WAYS:
        messages = [user("What is the weather in Lima? Use the tool.")]
        first = way(messages=messages, tools=tools)
        (block,) = of(first, "tool_use")
        assert block.name == name, block
        messages += [{"role": "assistant", "content": first.content}, user([result_of(block)])]
        assert QUOTE in text_of(way(messages=messages, tools=tools))


@scenario
def agent_loop():
    """As a coding agent asks: betas, habitual extras, cache marks, a changing first system block, deferred tools."""
    mark = {"cache_control": {"type": "ephemeral"}}
    schema = {**CITY, "$schema": "https://json-schema.org/draft/2020-12/schema"}
    ask = {
        "system": [
            {"type": "text", "text": "x-anthropic-billing-header: version=1;"},
            {"type": "text", "text": "You code.", **mark},
            {"type": "text", "text": "Well.", **mark},
        ],
        "tools": [
            {"name": "get_weather", "description": "Weather now", "input_schema": schema},
            {"name": "get_time", "description": "Local time", "input_schema": schema, "defer_loading": True},
        ],
        "metadata": {"user_id": json.dumps({"device_id": "d" * 64, "account_uuid": "", "session_id": "s" * 36})},
        "thinking": {"type": "adaptive", "display": "summarized"},
        "output_config": {"effort": "medium"},
        "max_tokens": 32000,
        "extra_body": {"context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}},
        "extra_headers": {
            "anthropic-beta": "interleaved-thinking-2025-05-14,context-management-2025-06-27,effort-2025-11-24",
            "x-app": "cli",
        },
        "extra_query": {"beta": "true"},
    }
    messages = []
    for turn in range(2):
        text = {"type": "text", "text": f"What is the weather in Lima? Use the tool, step {turn}.", **mark}
        messages.append(user([{"type": "text", "text": "<system-reminder>Here.</system-reminder>"}, text]))
        if not turn:
            messages.append({"role": "system", "content": "Environment: each tool works."})
        first = helped(messages=messages, **ask)
        (block,) = of(first, "tool_use")
        # One mark moves along with the newest message.
        del text["cache_control"]
        result = {**result_of(block), "is_error": False}
        messages += [{"role": "assistant", "content": first.content}, user([result])]
        last = helped(messages=messages, **ask)
        assert QUOTE in text_of(last), last
        messages.append({"role": "assistant", "content": last.content})


def show_thinking(kind):
    for way in WAYS:
        message = way(f"Say {QUOTE}.", **kind)
        block = message.content[0]
        assert block.type == "thinking" and QUOTE in block.thinking and block.signature, message
        assert QUOTE in text_of(message) and message.usage.output_tokens_details.thinking_tokens > 0, message
        assert block.thinking not in text_of(message), message
        check_usage(message.usage)


@scenario
def thinking():
    """What was thought is shown, signed and counted."""
    show_thinking(THINKING)


@scenario
def thinking_adaptive():
    show_thinking(ADAPTIVE)


def run_thinking(kind):
    for way in WAYS:
        messages = run_tools(way, TWO_TOOLS, **kind)
        blocks = [block for m in messages if m["role"] == "assistant" for block in m["content"]]
        kept = [block for block in blocks if block.type in ("thinking", "redacted_thinking")]
        assert kept and all(block.type == "redacted_thinking" or block.signature for block in kept), blocks


@scenario
def thinking_loop():
    """Signed thinking and tools over two turns of a client that sends back what it got."""
    run_thinking(THINKING)


@scenario
def adaptive_loop():
    run_thinking({**ADAPTIVE, "output_config": {"effort": "high"}})


@scenario
def omitted_loop():
    """The same with thinking that is not shown."""
    run_thinking({"thinking": {"type": "adaptive", "display": "omitted"}, "max_tokens": 4000})


@scenario
def thinking_altered():
    """Proof that the loops above are checked at the other end: an altered signature is refused."""
    messages = [user("What is the weather in Lima? Use the tool.")]
    first = create(messages=messages, tools=TWO_TOOLS, **THINKING)
    signed = of(first, "thinking")
    assert signed, first
    for block in signed:
        block.signature = altered(block.signature)
    (block,) = of(first, "tool_use")
    messages += [{"role": "assistant", "content": first.content}, user([result_of(block)])]
    error = raises(anthropic.BadRequestError, lambda: create(messages=messages, tools=TWO_TOOLS, **THINKING))
    assert "signature" in str(error).lower() or "encrypted" in str(error).lower(), error


@scenario
def thinking_foreign():
    """Thinking of another provider in the history is left out, not sent on and no error."""
    for signature in ("EqQBforeign", "tlg1.bedrock.eyJ2IjoxfQ", "tlg1."):
        content = [
            {"type": "thinking", "thinking": "Elsewhere.", "signature": signature},
            {"type": "redacted_thinking", "data": signature},
            {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Lima"}},
        ]
        messages = [
            user("What is the weather in Lima? Use the tool."),
            {"role": "assistant", "content": content},
            user([{"type": "tool_result", "tool_use_id": "toolu_1", "content": f"{QUOTE} clouds"}]),
        ]
        message = create(messages=messages, tools=TOOLS)
        assert QUOTE in text_of(message) and "Elsewhere" not in text_of(message), message


@scenario
def count_tokens():
    whole = {"model": args.model, "messages": [user("Count me.")], "tools": TOOLS, "system": SYSTEM}
    assert client().messages.count_tokens(**whole).input_tokens > 0


@scenario
def count_tokens_missing():
    """Never an estimate: where nothing counts there is no such endpoint."""
    call = lambda: client().messages.count_tokens(model=args.model, messages=[user("Count me.")])
    assert raises(anthropic.NotFoundError, call).body["error"]["type"] == "not_found_error"


@scenario
def image():
    inline = {"type": "base64", "media_type": "image/png", "data": PNG}
    for source, seen in ((inline, PNG_SEEN), ({"type": "url", "url": IMAGE_URL}, IMAGE_URL)):
        message = create([{"type": "text", "text": f"Compare this {QUOTE}."}, {"type": "image", "source": source}])
        assert QUOTE in text_of(message) and seen in text_of(message), message


PDF_BLOCK = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}}


@scenario
def pdf():
    for way in WAYS:
        message = way([PDF_BLOCK, {"type": "text", "text": f"Summarise this {QUOTE}."}])
        assert QUOTE in text_of(message) and PDF_SEEN in text_of(message), message


@scenario
def pdf_refused():
    """What the target cannot read is refused by its place."""
    error = raises(anthropic.BadRequestError, lambda: create([PDF_BLOCK, {"type": "text", "text": "Summarise."}]))
    assert "messages" in str(error) and "content" in str(error), error.body


@scenario
def document_text():
    """A document that is text reaches every target."""
    source = {"type": "text", "media_type": "text/plain", "data": f"{QUOTE} notes"}
    block = {"type": "document", "source": source, "title": "notes.txt"}
    assert QUOTE in text_of(create([block, {"type": "text", "text": f"Summarise this {QUOTE}."}]))


@scenario
def structured():
    ask = request("Judge Lima.", output_format=Verdict)
    message = client().messages.parse(**ask)
    assert isinstance(message.parsed_output, Verdict), message
    assert json.loads(text_of(message)) == message.parsed_output.model_dump()
    with client().messages.stream(**ask) as stream:
        assert stream.get_final_message().parsed_output == message.parsed_output


@scenario
def refusal():
    for way in WAYS:
        assert way("Please refuse this.").stop_reason == "refusal"


@scenario
def refusal_text():
    """Where the format has no refusal the answer just says so."""
    for way in WAYS:
        message = way("Please refuse this.")
        assert message.stop_reason == "end_turn" and "refuse" in text_of(message), message


LONG = f"Repeat all of this, {QUOTE} by {QUOTE}: " + f"{QUOTE} " * 40


@scenario
def max_tokens():
    for way in WAYS:
        message = way(LONG, max_tokens=args.cut_at)
        assert message.stop_reason == "max_tokens" and text_of(message), message


@scenario
def stop_sequence():
    """The provider says which sequence ended the text."""
    for way in WAYS:
        message = way(f"Say it and {QUOTE} halt now.", stop_sequences=["never-said", f"{QUOTE} halt"])
        assert message.stop_reason == "stop_sequence" and message.stop_sequence == f"{QUOTE} halt", message
        assert "and" in text_of(message) and "halt" not in text_of(message), message


@scenario
def stop_sequence_ended():
    """The provider ends the text there but does not say why."""
    for way in WAYS:
        message = way(f"Say it and {QUOTE} halt now.", stop_sequences=["never-said", f"{QUOTE} halt"])
        assert message.stop_reason == "end_turn" and message.stop_sequence is None, message
        assert "and" in text_of(message) and "halt" not in text_of(message), message


@scenario
def usage_cached():
    """What was read from the cache is apart from the input, and counted once."""
    for way in WAYS:
        first, again = way(f"Say {QUOTE} once.", system=SYSTEM).usage, way(f"Say {QUOTE} again.", system=SYSTEM).usage
        assert again.cache_read_input_tokens > 0, again
        whole = lambda u: u.input_tokens + u.cache_read_input_tokens + u.cache_creation_input_tokens
        assert abs(whole(first) - whole(again)) < 5, (first, again)
        check_usage(again)


@scenario
def usage_equal():
    """A stream counts what a whole answer counts; its request is longer by the words that ask for it."""
    whole, stream = create().usage, helped().usage
    assert whole.output_tokens == stream.output_tokens, (whole, stream)
    assert abs(whole.input_tokens - stream.input_tokens) < 25, (whole, stream)


@scenario
def unicode():
    text = f"Say {UNICODE} again."
    for way in WAYS:
        assert UNICODE in text_of(way(text))


@scenario
def unicode_split():
    """The provider's writes end inside of characters and lines."""
    assert UNICODE in text_of(helped(f"Say {UNICODE} {args.trigger}:split again."))


@scenario
def citations():
    """Sources are citations of the text; the search itself shows where the client asked for one."""
    tools = [{"type": "web_search_20250305", "name": "web_search", "max_uses": 3}]
    for way in WAYS:
        message = way(f"Say {QUOTE}.")
        (block,) = message.content
        assert block.citations and block.citations[0].type == "web_search_result_location", message
        assert block.citations[0].url and block.citations[0].title, message
        message = way(f"Say {QUOTE}.", tools=tools)
        kinds = [block.type for block in message.content]
        assert kinds == ["server_tool_use", "web_search_tool_result", "text"], message
        assert message.content[1].tool_use_id == message.content[0].id, message
        assert message.content[1].content[0].url == message.content[2].citations[0].url, message


@scenario
def web_search():
    """The provider's own search: shown, cited, and accepted in the history."""
    tools = [{"type": "web_search_20250305", "name": "web_search", "max_uses": 3}]
    for way in WAYS:
        messages = [user(f"Search the web for {QUOTE}, please.")]
        first = way(messages=messages, tools=tools)
        assert first.stop_reason == "end_turn" and first.usage.server_tool_use.web_search_requests == 1, first
        (search,), (result,) = of(first, "server_tool_use"), of(first, "web_search_tool_result")
        assert search.name == "web_search" and QUOTE in search.input["query"], search
        assert result.tool_use_id == search.id and result.content[0].url, result
        cited = [note for block in of(first, "text") for note in block.citations or []]
        assert cited and all(note.type == "web_search_result_location" for note in cited), first
        assert cited[0].url == result.content[0].url and "Café" in cited[0].cited_text, cited
        messages += [{"role": "assistant", "content": first.content}, user(f"Thanks, {QUOTE}.")]
        assert QUOTE in text_of(way(messages=messages, tools=tools))


@scenario
def dropped():
    """What changes nothing but cannot be carried is left out, and that is said."""
    whole = request(system=SYSTEM, extra_headers={"anthropic-beta": "context-management-2025-06-27"})
    raw = client().messages.with_raw_response.create(**whole, extra_body={"top_k": 5, "diagnostics": {}})
    names = raw.headers["x-gateway-dropped"].split(",")
    assert "top_k" in names or "diagnostics" in names, names
    assert QUOTE in text_of(raw.parse())


@scenario
def stateful():
    """What needs a store or a machine that is not there is refused by its name."""
    for name, value in (("container", "container_1"),):
        for stream in (False, True):
            call = lambda: create(stream=stream, extra_body={name: value})
            error = raises(anthropic.BadRequestError, call)
            assert name in error.body["error"]["message"], error.body


@scenario
def refusals_named():
    """What would change the meaning if it were left out is refused by its place."""
    file = {"type": "image", "source": {"type": "file", "file_id": "file_1"}}
    asks = (({"extra_body": {"inference_geo": "us"}}, "inference_geo"), ({"messages": [user([file])]}, "content[0]"))
    for ask, name in asks:
        error = raises(anthropic.BadRequestError, lambda: create(**ask))
        assert name in error.body["error"]["message"], error.body


@scenario
def tools_refused():
    error = raises(anthropic.BadRequestError, lambda: create(tools=TOOLS))
    assert error.body["error"]["type"] == "invalid_request_error" and "tools" in str(error), error.body


@scenario
def prefill_refused():
    messages = [user("Hello."), {"role": "assistant", "content": "I say"}]
    error = raises(anthropic.BadRequestError, lambda: create(messages=messages))
    assert error.body["error"]["type"] == "invalid_request_error", error.body


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
    error = raises(anthropic.BadRequestError, lambda: create([{"type": "nonsense", "text": "Hi."}]))
    assert error.body["error"]["type"] == "invalid_request_error" and "content" in str(error), error.body


@scenario
def unknown_at_provider():
    """A model that a route leads to and that the provider does not have."""
    error = raises(anthropic.NotFoundError, lambda: create(model=f"{args.model}-no-such-model"))
    assert error.body["error"]["type"] == "not_found_error" and error.body["error"]["message"], error.body


@scenario
def bad_limit():
    error = raises(anthropic.BadRequestError, lambda: create(max_tokens=0))
    assert error.body["error"]["type"] == "invalid_request_error", error.body


@scenario
def overloaded():
    for stream in (False, True):
        error = raises(
            anthropic.InternalServerError, lambda: create(fault("overloaded"), stream=stream, extra_headers=ONCE)
        )
        assert error.status_code == 529 and error.body["error"]["type"] == "overloaded_error", error
        assert error.response.headers["x-should-retry"] == "false"


@scenario
def ratelimit():
    error = raises(anthropic.RateLimitError, lambda: create(fault("ratelimit"), extra_headers=ONCE))
    assert error.response.headers["retry-after"] == "1"
    assert error.body["error"]["type"] == "rate_limit_error", error.body


@scenario
def retries():
    call = lambda: client(max_retries=2).messages.create(**request(fault("overloaded")))
    error = raises(anthropic.InternalServerError, call)
    assert error.response.headers["x-gateway-attempts"] == "3", error.response.headers
    assert error.response.request.headers["x-stainless-retry-count"] == "0", "the SDK tried again"


@scenario
def key_refused():
    """The provider refuses the gateway's own key and quotes it: the client sees that, not the key."""
    # AWS says 403 to a key that it does not know.
    aws = ".anthropic." in args.model
    kind = anthropic.PermissionDeniedError if aws else anthropic.AuthenticationError
    error = raises(kind, lambda: create(fault("refuse-key"), extra_headers=ONCE))
    assert error.body["error"]["type"] == ("permission_error" if aws else "authentication_error"), error.body
    assert "canary" not in error.response.text, error.response.text


@scenario
def first_error():
    name = "first-error" if args.trigger == "scripted" else "first-event-error"
    call = lambda: create(fault(name), stream=True, extra_headers=ONCE)
    error = raises(anthropic.APIStatusError, call)
    assert error.status_code >= 400 and error.body["error"]["type"], error


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
    assert error.body["error"]["type"].endswith("_error") and error.body["error"]["message"], error.body


@scenario
def exceptions():
    """Every exception of the Bedrock runtime: as a response, as the first event (which becomes a response), in mid-stream."""
    for name, (_, status, streams) in EXCEPTIONS.items():
        text = lambda place: f"Say {QUOTE} demo:{place}-{name}Exception please"
        for stream in (False, True):
            call = lambda: create(text("throw"), stream=stream, extra_headers=ONCE)
            error = raises(anthropic.APIStatusError, call)
            assert error.status_code == status and error.body["error"]["message"], (name, error.status_code, error.body)
            assert error.response.headers["x-gateway-attempts"] == "1"
        if not streams:
            continue
        error = raises(anthropic.APIStatusError, lambda: create(text("first"), stream=True, extra_headers=ONCE))
        assert error.status_code == status, (name, error.status_code)
        error = broken_stream(f"middle-{name}Exception", anthropic.APIStatusError)
        assert error.body["error"]["type"].endswith("_error") and error.body["error"]["message"], error.body


@scenario
def broken_frames():
    """A stream of the Bedrock runtime that is damaged, or that fails in a way that it does not name."""
    for name in breaks():
        error = broken_stream(name, anthropic.APIStatusError)
        assert error.body["type"] == "error" and error.body["error"]["message"], (name, error.body)


@scenario
def throttled_once():
    """The gateway tries again by itself."""
    for stream in (False, True):
        raw = client().messages.with_raw_response.create(**request(f"Say {QUOTE} {stream} demo:once"), stream=stream)
        assert raw.headers["x-gateway-attempts"] == "2", raw.headers
        done = raw.parse()
        events = list(done) if stream else []
        texts = [e.delta.text for e in events if e.type == "content_block_delta" and e.delta.type == "text_delta"]
        assert QUOTE in ("".join(texts) if stream else text_of(done))


@scenario
def usage_written():
    """What was written to the cache, by its time to live."""
    system = [{"type": "text", "text": "You are terse.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    short = {"type": "text", "text": f"Say {QUOTE}.", "cache_control": {"type": "ephemeral"}}
    for way in WAYS:
        usage = way([short], system=system).usage
        check_usage(usage)
        assert usage.cache_creation_input_tokens > 0 and usage.cache_read_input_tokens == 0, usage
        parts = usage.cache_creation
        if parts is not None:
            whole = parts.ephemeral_1h_input_tokens + parts.ephemeral_5m_input_tokens
            assert parts.ephemeral_1h_input_tokens > 0 and whole == usage.cache_creation_input_tokens, usage


@scenario
def image_inline():
    """Images that come with the request; an address is refused by its place where the provider fetches nothing."""
    inline = {"type": "base64", "media_type": "image/png", "data": PNG}
    ask = lambda source: [{"type": "text", "text": f"Compare this {QUOTE}."}, {"type": "image", "source": source}]
    for way in WAYS:
        assert PNG_SEEN in text_of(way(ask(inline)))
    error = raises(anthropic.BadRequestError, lambda: create(ask({"type": "url", "url": IMAGE_URL})))
    # By the gateway's own check, or the provider's.
    message = error.body["error"]["message"]
    assert "messages[0].content[1]" in message or "messages.0.content.1" in message, error.body


def replayed(way, **ask):
    """A call with what was thought before it, and how it goes on."""
    messages = [user("What is the weather in Lima? Use the tool.")]
    first = way(messages=messages, tools=TOOLS, **ask)
    (block,) = of(first, "tool_use")
    messages += [{"role": "assistant", "content": first.content}, user([result_of(block)])]
    return first, messages


@scenario
def thinking_unsigned():
    """Thoughts without a signature are shown, and do no harm in the history."""
    for way in WAYS:
        first, messages = replayed(way, **THINKING)
        (thought,) = of(first, "thinking")
        assert thought.thinking and thought.signature, first
        assert QUOTE in text_of(way(messages=messages, tools=TOOLS, **THINKING))


@scenario
def thinking_sealed():
    """Thoughts that only their vendor can read go back as they came; altered ones are refused."""
    for way in WAYS:
        first, messages = replayed(way, **THINKING)
        (sealed,) = of(first, "redacted_thinking")
        assert QUOTE in text_of(way(messages=messages, tools=TOOLS, **THINKING))
        sealed.data = altered(sealed.data)
        call = lambda: create(messages=messages, tools=TOOLS, **THINKING)
        assert "verified" in str(raises(anthropic.BadRequestError, call))


@scenario
def document_cited():
    """A document that may be cited is, in the words of the format."""
    block = {**PDF_BLOCK, "title": "report", "citations": {"enabled": True}}
    for way in WAYS:
        message = way([block, {"type": "text", "text": f"Summarise this {QUOTE}."}])
        cited = [note for part in of(message, "text") for note in part.citations or []]
        assert QUOTE in text_of(message) and "See “report”." in text_of(message), message
        assert cited and cited[0].type == "page_location" and cited[0].start_page_number == 1, message


@scenario
def web_search_grounded():
    """Sources of what a provider found by itself, where its texts have them."""
    tools = [{"type": "web_search_20250305", "name": "web_search", "max_uses": 3}]
    for way in WAYS:
        message = way(f"Search the web for {QUOTE} ü 🦀.", tools=tools)
        cited = [note for part in of(message, "text") for note in part.citations or []]
        assert cited and all(note.url.startswith("https://") for note in cited), message
        assert QUOTE in text_of(message), message


@scenario
def failed_whole():
    """A stream that breaks on the way through a converter ends with an error event, never with a broken connection."""
    for name in ("cut-clean", "cut-fin", "cut-reset", "error-event") if args.trigger == "scripted" else ("cut", "error-event"):
        error = broken_stream(name, anthropic.APIStatusError)
        assert error.body["type"] == "error" and error.body["error"]["type"], error.body


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


if __name__ == "__main__":
    main()
