"""The OpenAI SDK on `/v1/responses`."""

import functools
import json

import openai

from _common import (
    CITY, EXCEPTIONS, IMAGE_URL, PDF, PDF_SEEN, PNG, PNG_SEEN, QUOTE, TIMEOUT, UNICODE, Verdict, altered, args, breaks,
    extended, main, raises, scenario, weather,
)
from _responses_stream import check_lifecycle


class Client(openai.OpenAI):
    def _prepare_options(self, options):
        return extended(super()._prepare_options(options))


@functools.cache
def client(key=None, **options):
    """A client of the SDK; making one takes longer than a call, so each is made once."""
    options = {"max_retries": 0, "timeout": TIMEOUT, **options}
    return Client(base_url=f"{args.base}/v1", api_key=key or args.key, **options)


def create(text="Say kumquat.", /, **more):
    more = {"model": args.model, "input": text, "store": False, **more}
    return client().responses.create(**more)


def streamed(text="Say kumquat.", /, **more):
    """The response at the end of a raw stream, whose every event is checked."""
    return check_lifecycle(list(create(text, stream=True, **more)))


def helped(text="Say kumquat.", /, **more):
    """The response that the SDK's helper accumulates."""
    more = {"model": args.model, "input": text, "store": False, **more}
    with client().responses.stream(**more) as stream:
        return stream.get_final_response()


# The three ways to get a whole response.
WAYS = (create, streamed, helped)


def fault(name):
    """A text that makes the provider behind misbehave."""
    return f"Say {QUOTE} {args.trigger}:{name} please"


def user(*parts):
    return {"role": "user", "content": [*parts]}


def text_part(text):
    return {"type": "input_text", "text": text}


TOOLS = [{"type": "function", "name": "get_weather", "description": "Weather now", "parameters": CITY, "strict": True}]
TWO_TOOLS = TOOLS + [{"type": "function", "name": "get_time", "parameters": CITY, "strict": True}]
GRAMMAR = {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"}
PATCH = {"type": "custom", "name": "apply_patch", "description": "Edits files", "format": GRAMMAR}
ONCE = {"x-gateway-max-retries": "0"}
THINK = {
    "reasoning": {"effort": "low", "summary": "auto"},
    "include": ["reasoning.encrypted_content"],
    "max_output_tokens": 8000,
}


def of(response, kind):
    return [item for item in response.output if item.type == kind]


def check_usage(usage):
    assert usage.input_tokens > 0 and usage.output_tokens > 0, usage
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens, usage
    inner, outer = usage.input_tokens_details, usage.output_tokens_details
    assert 0 <= inner.cached_tokens + (inner.cache_write_tokens or 0) <= usage.input_tokens, usage
    assert 0 <= outer.reasoning_tokens <= usage.output_tokens, usage


@scenario
def plain():
    done = create(instructions="You are terse.", max_output_tokens=500, metadata={"k": "v"})
    assert done.object == "response" and done.status == "completed" and done.id and done.model
    assert QUOTE in done.output_text and done.error is None and done.incomplete_details is None, done
    assert done.created_at > 1_600_000_000 and done.parallel_tool_calls is True and done.tools == []
    assert done.instructions == "You are terse." and done.metadata == {"k": "v"}, done
    check_usage(done.usage)


@scenario
def stream_raw():
    events = list(create(stream=True))
    final = check_lifecycle(events)
    text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    assert QUOTE in text and final.output_text == text and final.status == "completed"
    assert sum(e.type == "response.output_text.delta" for e in events) > 1, "not streamed"
    check_usage(final.usage)


@scenario
def stream_helper():
    with client().responses.stream(model=args.model, input="Say kumquat.", store=False) as stream:
        text = "".join(e.delta for e in stream if e.type == "response.output_text.delta")
        final = stream.get_final_response()
    assert QUOTE in text and final.output_text == text


@scenario
def stream_equals_plain():
    assert create().output_text == streamed().output_text == helped().output_text


@scenario
def roles():
    """Instructions, developer messages, and an assistant's earlier answer in the easy form."""
    items = [
        {"role": "developer", "content": "Prefer metric."},
        {"role": "user", "content": "Hello."},
        {"role": "assistant", "content": "Hello to you."},
        user(text_part(f"Say {QUOTE}.")),
    ]
    assert QUOTE in create(items, instructions="You are terse.").output_text


@scenario
def history():
    """A conversation of which the client appends each output as it came."""
    items = [user(text_part(f"Say {QUOTE}."))]
    for _ in range(3):
        items += [*create(items).output, user(text_part(f"Say {QUOTE} once more."))]
    assert QUOTE in streamed(items).output_text


def run_tools(way, append, tools=TOOLS, **more):
    """A loop over two turns, each with a call; what comes out is appended by `append`."""
    items = [{"role": "user", "content": "What is the weather in Lima? Use the tool."}]
    for turn in range(2):
        first = way(items, tools=tools, **more)
        assert first.status == "completed", first
        (call,) = of(first, "function_call")
        assert call.name == "get_weather" and call.call_id and call.status == "completed", call
        items += append(first)
        output = weather(json.loads(call.arguments))
        items.append({"type": "function_call_output", "call_id": call.call_id, "output": output})
        last = way(items, tools=tools, **more)
        assert QUOTE in last.output_text and not of(last, "function_call"), last
        items += append(last)
        items.append({"role": "user", "content": f"And the weather in Quito? Tool again, step {turn}."})
    return items


def dumped(response):
    return [item.model_dump(exclude_none=True) for item in response.output]


@scenario
def tool_loop():
    run_tools(create, dumped)


@scenario
def tool_loop_objects():
    """The SDK's own objects go back, as its documentation does it."""
    run_tools(create, lambda response: response.output)


@scenario
def tool_loop_stream():
    run_tools(streamed, dumped)


@scenario
def tool_loop_helper():
    run_tools(helped, dumped)


@scenario
def tool_result_parts():
    """The result of a tool in parts, one of them an image."""
    items = [{"role": "user", "content": "What is the weather in Lima? Use the tool."}]
    first = create(items, tools=TOOLS)
    (call,) = of(first, "function_call")
    image = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"}
    parts = [text_part(f"{QUOTE} clouds"), image]
    items += [*first.output, {"type": "function_call_output", "call_id": call.call_id, "output": parts}]
    assert QUOTE in create(items, tools=TOOLS).output_text


def run_parallel(way):
    items = [{"role": "user", "content": "Call the weather and the time tool in parallel."}]
    first = way(items, tools=TWO_TOOLS)
    calls = of(first, "function_call")
    assert len(calls) == 2 and calls[0].call_id != calls[1].call_id, calls
    assert {call.name for call in calls} == {"get_weather", "get_time"}, calls
    assert all(isinstance(json.loads(call.arguments), dict) for call in calls)
    items += first.output
    # The results come back in the other order.
    for number, call in reversed(list(enumerate(calls))):
        items.append({"type": "function_call_output", "call_id": call.call_id, "output": f"{QUOTE} {number}"})
    last = way(items, tools=TWO_TOOLS).output_text
    assert f"{QUOTE} 0" in last and f"{QUOTE} 1" in last, last


@scenario
def tools_parallel():
    run_parallel(create)


@scenario
def tools_parallel_stream():
    run_parallel(streamed)
    run_parallel(helped)


@scenario
def tools_serial():
    text = "Call the weather and the time tool in parallel."
    assert len(of(create(text, tools=TWO_TOOLS, parallel_tool_calls=False), "function_call")) == 1


@scenario
def tool_choice():
    text = "Say something."
    assert not of(create(text, tools=TWO_TOOLS, tool_choice="auto"), "function_call")
    assert of(create(text, tools=TWO_TOOLS, tool_choice="required"), "function_call")
    forced = {"type": "function", "name": "get_time"}
    (call,) = of(create(text, tools=TWO_TOOLS, tool_choice=forced), "function_call")
    assert call.name == "get_time", call
    assert not of(create("Use the weather tool.", tools=TWO_TOOLS, tool_choice="none"), "function_call")


@scenario
def orphans():
    """An output without its call and a call without its output are refused before anything is asked."""
    output = {"type": "function_call_output", "call_id": "call_x", "output": "18C"}
    items = [{"role": "user", "content": "Hi."}, output]
    error = raises(openai.BadRequestError, lambda: create(items, tools=TOOLS))
    assert "No tool call found for function call output with call_id call_x" in str(error), error
    call = {"type": "function_call", "call_id": "call_y", "name": "get_weather", "arguments": "{}"}
    items = [{"role": "user", "content": "Hi."}, call, {"role": "user", "content": "Well?"}]
    error = raises(openai.BadRequestError, lambda: create(items, tools=TOOLS))
    assert "No tool output found for function call call_y" in str(error), error


def run_custom(way, **more):
    items = [{"role": "user", "content": "Please use the apply_patch tool."}]
    first = way(items, tools=[PATCH, *TOOLS], **more)
    (call,) = of(first, "custom_tool_call")
    assert call.name == "apply_patch" and call.call_id and call.input == "demo", call
    items += first.output
    items.append({"type": "custom_tool_call_output", "call_id": call.call_id, "output": f"{QUOTE} patched"})
    assert QUOTE in way(items, tools=[PATCH, *TOOLS], **more).output_text


@scenario
def custom_tool():
    """A freeform tool with a grammar: its input is plain text, not JSON."""
    for way in WAYS:
        run_custom(way)


@scenario
def custom_tool_thinking():
    for way in WAYS:
        run_custom(way, **THINK)


@scenario
def namespace_tool():
    """Tools in a namespace come back under their own name and with it."""
    inner = {"type": "function", "name": "find_tool", "description": "Finds", "parameters": CITY, "strict": False}
    tools = [{"type": "namespace", "name": "crm", "description": "Customers", "tools": [inner]}]
    for way in WAYS:
        items = [{"role": "user", "content": "Please call the find tool."}]
        first = way(items, tools=tools)
        (call,) = of(first, "function_call")
        assert call.name == "find_tool" and call.namespace == "crm", call
        items += dumped(first)
        items.append({"type": "function_call_output", "call_id": call.call_id, "output": f"{QUOTE} found"})
        assert QUOTE in way(items, tools=tools).output_text


@scenario
def hosted_tool():
    """A hosted tool that the provider has not got stops nobody: it is left out, and that is said."""
    tools = [*TOOLS, {"type": "image_generation"}]
    raw = client().responses.with_raw_response.create(model=args.model, input="Say kumquat.", tools=tools, store=False)
    assert QUOTE in raw.parse().output_text and "tools[]" in raw.headers["x-gateway-dropped"], raw.headers


@scenario
def hosted_tool_forced():
    tools = [*TOOLS, {"type": "image_generation"}]
    call = lambda: create(tools=tools, tool_choice={"type": "image_generation"})
    error = raises(openai.BadRequestError, call)
    assert error.param and error.param.startswith("tool"), error.body


@scenario
def additional_tools():
    """An agent whose tools stand in an item of the input instead of in `tools`."""
    run = {"type": "custom", "name": "exec_tool", "description": "Runs code", "format": GRAMMAR}
    space = {"type": "namespace", "name": "functions", "description": "Functions", "tools": [run, TOOLS[0]]}
    items = [
        {"type": "additional_tools", "role": "developer", "tools": [space]},
        {"role": "user", "content": "Please call the exec tool."},
    ]
    for way in WAYS:
        first = way(items)
        (call,) = of(first, "custom_tool_call")
        assert call.name == "exec_tool" and call.namespace == "functions" and call.input == "demo", call
        output = {"type": "custom_tool_call_output", "call_id": call.call_id, "output": f"{QUOTE} ran"}
        assert QUOTE in way([*items, *dumped(first), output]).output_text


@scenario
def agent_loop():
    """As a coding agent asks: habitual extras, hosted tools, namespaces, freeform tools, and items that keep their ids."""
    inner = {"type": "function", "name": "spawn", "description": "Starts one", "parameters": CITY, "strict": False}
    extra = {"client_metadata": {"session": "s"}, "metadata": {"user_id": "u"}}
    ask = {
        "tools": [
            {**TOOLS[0], "strict": False},
            PATCH,
            {"type": "namespace", "name": "agents_v1", "description": "Agents", "tools": [inner]},
            {"type": "web_search", "external_web_access": True},
            {"type": "tool_search", "execution": "client", "description": "Finds tools"},
        ],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "reasoning": {"effort": "medium", "summary": "auto", "context": "all_turns"},
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "thread-1",
        "text": {"verbosity": "low"},
        "service_tier": "auto",
        "extra_headers": {"originator": "agent", "session-id": "s-1"},
        "extra_body": extra,
    }
    asks = [
        ("What is the weather in Lima? Use the tool.", "function_call", "get_weather"),
        ("Now use the apply_patch tool.", "custom_tool_call", "apply_patch"),
        ("And agents_v1__spawn, the tool.", "function_call", "spawn"),
    ]
    items = [
        {"type": "message", "id": "msg_1", "role": "developer", "content": [text_part("You code."), text_part("Well.")]},
        {"type": "message", "id": "msg_2", "role": "user", "content": [text_part("<environment>here</environment>")]},
    ]
    for text, kind, name in asks:
        items.append({"type": "message", "role": "user", "content": [text_part(text)]})
        first = streamed(items, **ask)
        (call,) = of(first, kind)
        assert call.name == name and call.namespace == ("agents_v1" if name == "spawn" else None), call
        items += dumped(first)
        items.append({"type": f"{kind}_output", "call_id": call.call_id, "output": f"{QUOTE} done"})
        last = streamed(items, **ask)
        assert QUOTE in last.output_text, last
        items += dumped(last)


@scenario
def reasoning():
    """What was thought is shown as its summary or as text, and counted."""
    for way in WAYS:
        done = way("Say kumquat.", **THINK)
        items = of(done, "reasoning")
        shown = "".join(part.text for item in items for part in [*item.summary, *(item.content or [])])
        assert QUOTE in shown and QUOTE in done.output_text and shown not in done.output_text, done
        kinds = [item.type for item in done.output]
        assert kinds.index("reasoning") < kinds.index("message"), kinds
        assert done.usage.output_tokens_details.reasoning_tokens > 0
        check_usage(done.usage)


@scenario
def reasoning_loop():
    """Reasoning and tools over two turns of a client that keeps no state at the provider and appends what it got."""
    for way in WAYS:
        items = run_tools(way, dumped, TWO_TOOLS, **THINK)
        kept = [item for item in items if item.get("type") == "reasoning"]
        assert kept, items


@scenario
def reasoning_signed():
    """The carrier of what the provider wants back is there before the first call."""
    for way in WAYS:
        done = way("What is the weather in Lima? Use the tool.", tools=TOOLS, **THINK)
        kinds = [item.type for item in done.output]
        assert kinds.index("reasoning") < kinds.index("function_call"), kinds
        assert any(item.encrypted_content for item in of(done, "reasoning")), done


@scenario
def reasoning_altered():
    """Proof that the loop above is checked at the other end: an altered signature is refused."""
    items = [{"role": "user", "content": "What is the weather in Lima? Use the tool."}]
    first = create(items, tools=TOOLS, **THINK)
    replayed = dumped(first)
    carriers = [item for item in replayed if item.get("encrypted_content")]
    assert carriers, replayed
    for item in carriers:
        item["encrypted_content"] = altered(item["encrypted_content"])
    (call,) = of(first, "function_call")
    items += [*replayed, {"type": "function_call_output", "call_id": call.call_id, "output": "18C"}]
    error = raises(openai.BadRequestError, lambda: create(items, tools=TOOLS, **THINK))
    assert "signature" in str(error).lower() or "encrypted" in str(error).lower(), error


@scenario
def reasoning_foreign():
    """Reasoning of another provider in the history is left out, not sent on and no error."""
    for content in ("gAAAAABforeign", "tlg1.bedrock.eyJ2IjoxfQ", "tlg1.", None):
        item = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Elsewhere."}]}
        if content:
            item["encrypted_content"] = content
        items = [
            {"role": "user", "content": "What is the weather in Lima? Use the tool."},
            item,
            {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": '{"city": "Lima"}'},
            {"type": "function_call_output", "call_id": "call_1", "output": f"{QUOTE} clouds"},
        ]
        done = create(items, tools=TOOLS)
        assert QUOTE in done.output_text and "Elsewhere" not in done.output_text, done


@scenario
def reasoning_reported():
    """That foreign reasoning was left out is said."""
    items = [
        {"role": "user", "content": "Hi."},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAAABforeign"},
        {"role": "assistant", "content": "Hi."},
        {"role": "user", "content": f"Say {QUOTE}."},
    ]
    raw = client().responses.with_raw_response.create(model=args.model, input=items, store=False)
    assert "input[]" in raw.headers["x-gateway-dropped"] and QUOTE in raw.parse().output_text, raw.headers


@scenario
def refusals_named():
    """What would change the meaning if it were left out is refused by its place."""
    image = {"type": "input_image", "file_id": "file-1", "detail": "auto"}
    asks = (
        ({"input": [user(text_part("Hi."), image)]}, "input[0].content[1]"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0]"),
        ({"input": "Hi.", "prompt": {"id": "pmpt_1"}}, "prompt"),
    )
    for ask, param in asks:
        call = lambda: client().responses.create(model=args.model, store=False, **ask)
        error = raises(openai.BadRequestError, call)
        assert error.param and error.param.startswith(param), (param, error.body)


@scenario
def reasoning_redacted():
    """Redacted thinking travels in the same carrier."""
    for way in WAYS:
        items = [{"role": "user", "content": "Redact, please. What is the weather in Lima? Use the tool."}]
        first = way(items, tools=TOOLS, **THINK)
        assert len([item for item in of(first, "reasoning") if item.encrypted_content]) == 2, first
        (call,) = of(first, "function_call")
        items += [*dumped(first), {"type": "function_call_output", "call_id": call.call_id, "output": QUOTE}]
        assert QUOTE in way(items, tools=TOOLS, **THINK).output_text


@scenario
def image():
    for url, seen in ((f"data:image/png;base64,{PNG}", PNG_SEEN), (IMAGE_URL, IMAGE_URL)):
        part = {"type": "input_image", "image_url": url, "detail": "auto"}
        done = create([user(text_part(f"Compare this {QUOTE}."), part)])
        assert QUOTE in done.output_text and seen in done.output_text, done.output_text


@scenario
def pdf():
    file = {"type": "input_file", "filename": "report.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}
    for way in WAYS:
        done = way([user(text_part(f"Summarise this {QUOTE}."), file)])
        assert QUOTE in done.output_text and PDF_SEEN in done.output_text, done.output_text


@scenario
def pdf_refused():
    """What the target cannot read is refused by its place."""
    file = {"type": "input_file", "filename": "report.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}
    error = raises(openai.BadRequestError, lambda: create([user(text_part("Summarise."), file)]))
    assert error.param and error.param.startswith("input[0].content[1]"), error.body


@scenario
def structured():
    ask = {"model": args.model, "input": "Judge Lima.", "store": False, "text_format": Verdict}
    done = client().responses.parse(**ask)
    assert isinstance(done.output_parsed, Verdict), done
    assert json.loads(done.output_text) == done.output_parsed.model_dump()
    with client().responses.stream(**ask) as stream:
        parsed = [e.parsed for e in stream if e.type == "response.output_text.done"]
        final = stream.get_final_response()
    assert len(parsed) == 1 and isinstance(parsed[0], Verdict) and final.output_parsed == parsed[0]


@scenario
def structured_tools():
    """The helper parses the arguments of strict tools."""
    tools = [openai.pydantic_function_tool(Verdict, name="judge_tool")]
    ask = {"model": args.model, "input": "Use the judge tool.", "store": False, "tools": tools}
    (call,) = of(client().responses.parse(**ask), "function_call")
    assert isinstance(call.parsed_arguments, Verdict), call
    with client().responses.stream(**ask) as stream:
        (other,) = of(stream.get_final_response(), "function_call")
    assert other.parsed_arguments == call.parsed_arguments, other


def refused_part(response):
    parts = [part for item in of(response, "message") for part in item.content if part.type == "refusal"]
    assert len(parts) == 1 and parts[0].refusal, response
    return parts[0].refusal


@scenario
def refusal():
    assert refused_part(create("Please refuse this.")) == refused_part(streamed("Please refuse this."))


@scenario
def refusal_filtered():
    """A refusal of the provider's own kind ends as a filtered answer."""
    for way in (create, streamed):
        done = way("Please refuse this.")
        assert done.status == "incomplete" and done.incomplete_details.reason == "content_filter", done


@scenario
def refusal_text():
    """Where the format has no refusal the answer just says so."""
    for way in WAYS:
        done = way("Please refuse this.")
        assert done.status == "completed" and "refuse" in done.output_text, done


LONG = f"Repeat all of this, {QUOTE} by {QUOTE}: " + f"{QUOTE} " * 40


@scenario
def max_tokens():
    for way in (create, streamed):
        done = way(LONG, max_output_tokens=args.cut_at)
        assert done.status == "incomplete" and done.incomplete_details.reason == "max_output_tokens", done
        (message,) = of(done, "message")
        assert message.status == "incomplete" and message.content[0].text, done
    with client().responses.stream(model=args.model, input=LONG, max_output_tokens=args.cut_at) as stream:
        kinds = [event.type for event in stream]
    assert kinds[-1] == "response.incomplete", kinds


@scenario
def max_tokens_ends():
    """The same where the provider does not say which of its items the limit cut."""
    for way in (create, streamed):
        done = way(LONG, max_output_tokens=args.cut_at)
        assert done.status == "incomplete" and done.incomplete_details.reason == "max_output_tokens", done
        assert done.output_text, done


@scenario
def usage_cached():
    """What was read from the cache is a part of the input, and counted once."""
    mark = {"prompt_cache_breakpoint": {"mode": "explicit"}}
    for way in WAYS:
        usage = way([user({**text_part(f"Say {QUOTE} again."), **mark})]).usage
        assert usage.input_tokens_details.cached_tokens > 0, usage
        check_usage(usage)


@scenario
def usage_written():
    """What was written to the cache, too."""
    mark = {"prompt_cache_breakpoint": {"mode": "explicit"}}
    for way in WAYS:
        usage = way([user({**text_part(f"Say {QUOTE}."), **mark})]).usage
        assert usage.input_tokens_details.cache_write_tokens > 0, usage
        check_usage(usage)


@scenario
def usage_equal():
    """A stream counts what a whole answer counts; its request is longer by the words that ask for it."""
    whole, stream = create().usage, streamed().usage
    assert whole.output_tokens == stream.output_tokens, (whole, stream)
    assert abs(whole.input_tokens - stream.input_tokens) < 25, (whole, stream)


@scenario
def unicode():
    text = f"Say {UNICODE} again."
    for way in WAYS:
        assert UNICODE in way(text).output_text


@scenario
def unicode_split():
    """The provider's writes end inside of characters and lines."""
    text = f"Say {UNICODE} {args.trigger}:split again."
    for way in (streamed, helped):
        assert UNICODE in way(text).output_text


@scenario
def citations():
    """Sources are annotations whose offsets are those of their marks in the text."""
    for way in WAYS:
        done = way(f"Café? Say {QUOTE} \U0001f980.", include=["web_search_call.action.sources"])
        (message,) = of(done, "message")
        notes = message.content[0].annotations
        assert notes and all(note.type == "url_citation" and note.url and note.title for note in notes), notes
        for note in notes:
            mark = message.content[0].text[note.start_index : note.end_index]
            assert mark.startswith("[") and mark.endswith("]"), (mark, note)
        (search,) = of(done, "web_search_call")
        assert search.status == "completed" and [s.url for s in search.action.sources][0] == notes[0].url, search


def run_search(way):
    items = [user(text_part(f"Search the web for {QUOTE}, please."))]
    ask = {"tools": [{"type": "web_search"}], "include": ["web_search_call.action.sources"]}
    first = way(items, **ask)
    (search,) = of(first, "web_search_call")
    assert search.status == "completed" and QUOTE in search.action.query and search.action.sources[0].url, search
    (message,) = of(first, "message")
    (part,) = message.content
    assert part.annotations, message
    for note in part.annotations:
        assert note.type == "url_citation" and note.url == search.action.sources[0].url and note.title, note
        # The offsets count characters, and some of these are not of one byte or one UTF-16 unit.
        assert part.text[note.start_index : note.end_index].strip() == "Source: the Café \U0001f980 itself.", (part, note)
    return items, ask, dumped(first)


@scenario
def web_search():
    """The provider's own search: shown, cited, and in the history as the provider wants it back."""
    for way in WAYS:
        items, ask, output = run_search(way)
        assert QUOTE in way([*items, *output, user(text_part(f"Thanks, {QUOTE}."))], **ask).output_text


@scenario
def web_search_altered():
    """Proof that what was found goes back to the provider that encrypted it."""
    items, ask, output = run_search(create)
    carriers = [item for item in output if item.get("encrypted_content")]
    assert carriers, output
    for item in carriers:
        item["encrypted_content"] = altered(item["encrypted_content"])
    error = raises(openai.BadRequestError, lambda: create([*items, *output, user(text_part("Thanks."))], **ask))
    assert "encrypted" in str(error).lower(), error


@scenario
def dropped():
    """What changes nothing but cannot be carried is left out, and that is said."""
    raw = client().responses.with_raw_response.create(
        model=args.model, input="Say kumquat.", store=False, truncation="auto", text={"verbosity": "low"}
    )
    names = raw.headers["x-gateway-dropped"].split(",")
    assert "truncation" in names and "text.verbosity" in names, names
    assert QUOTE in raw.parse().output_text


@scenario
def gateway_headers():
    raw = client().responses.with_raw_response.create(model=args.model, input="Hello", store=False)
    for name in ("provider", "connection", "model", "attempts", "request-id"):
        assert raw.headers.get(f"x-gateway-{name}"), (name, raw.headers)
    assert raw.headers["x-request-id"]


@scenario
def stateful():
    """What needs a store that is not there is refused by its name."""
    for name, value in (("previous_response_id", "resp_1"), ("conversation", "conv_1"), ("background", True)):
        for stream in (False, True):
            call = lambda: create(stream=stream, **{name: value})
            error = raises(openai.BadRequestError, call)
            assert error.param == name and error.code == "unsupported_parameter" and name in str(error), error.body


@scenario
def tools_refused():
    for tools in (TOOLS, [PATCH]):
        error = raises(openai.BadRequestError, lambda: create(tools=tools))
        assert error.param and error.param.startswith("tools"), error.body
        assert error.code == "unsupported_parameter", error.body


@scenario
def bad_model():
    raises(openai.NotFoundError, lambda: create(model="no-such-model"))
    raises(openai.NotFoundError, lambda: list(create(model="no-such-model", stream=True)))


@scenario
def wrong_key():
    call = lambda: client("wrong-key").responses.create(model=args.model, input="Hello")
    error = raises(openai.AuthenticationError, call)
    assert error.code == "invalid_api_key" and "wrong-key" not in str(error), error


@scenario
def bad_request():
    """A request that is none is refused by the place of its fault."""
    error = raises(openai.BadRequestError, lambda: create([{"role": "user", "content": "Hi."}, {"type": "nonsense"}]))
    assert error.param == "input[1].type" and error.type == "invalid_request_error", error.body
    part = {"type": "input_nonsense", "text": "?"}
    error = raises(openai.BadRequestError, lambda: create([user(text_part("Hi."), part)]))
    assert error.param and error.param.startswith("input[0].content[1]"), error.body


@scenario
def unknown_at_provider():
    """A model that a route leads to and that the provider does not have."""
    error = raises(openai.NotFoundError, lambda: create(model=f"{args.model}-no-such-model"))
    assert error.code == "model_not_found" and error.body["message"], error.body


@scenario
def bad_value():
    """Something that the provider refuses."""
    error = raises(openai.BadRequestError, lambda: create(temperature=9))
    assert error.type == "invalid_request_error", error.body


@scenario
def overloaded():
    for stream in (False, True):
        error = raises(
            openai.InternalServerError, lambda: create(fault("overloaded"), stream=stream, extra_headers=ONCE)
        )
        assert error.status_code == 503 and error.response.headers["x-should-retry"] == "false", error


@scenario
def ratelimit():
    error = raises(openai.RateLimitError, lambda: create(fault("ratelimit"), extra_headers=ONCE))
    assert error.response.headers["retry-after"] == "1"
    assert error.code == "rate_limit_exceeded" or error.type, error.body


@scenario
def retries():
    """The gateway's own retries, and a client whose retries obey that they are spent."""
    call = lambda: client(max_retries=2).responses.create(model=args.model, input=fault("overloaded"), store=False)
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
    assert error.status_code >= 400 and error.body, error


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
    # The helper never makes a response of it.
    with client().responses.stream(
        model=args.model, input=fault(name), store=False, extra_headers=ONCE
    ) as stream:
        raises((openai.APIError, RuntimeError), stream.get_final_response)
    return error, got


@scenario
def cut():
    broken_stream("cut")


@scenario
def cut_clean():
    error, got = broken_stream("cut-clean")
    assert error is None, "an event is what says it"
    last = got[-1]
    if last.type == "error":
        assert last.code == "upstream_stream_ended", last
    else:
        # A failed response knows a few codes only.
        assert last.response.error.code == "server_error" and "ended" in last.response.error.message, last


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
def failed_whole():
    """A stream that breaks on the way through a converter ends as a failed response, itself well formed."""
    for name in ("cut-clean", "cut-fin", "cut-reset", "error-event") if args.trigger == "scripted" else ("cut", "error-event"):
        error, got = broken_stream(name)
        assert error is None and got[-1].type == "response.failed", (name, error, got[-1])
        final = got[-1].response
        assert final.status == "failed" and final.error.code and final.error.message, final
        assert [e.sequence_number for e in got] == list(range(len(got))), got
        assert final.id == got[0].response.id, final


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
        error, got = broken_stream(f"middle-{name}Exception")
        assert error is None and got[-1].response.error.message, (name, error, got[-1])


@scenario
def broken_frames():
    """A stream of the Bedrock runtime that is damaged, or that fails in a way that it does not name."""
    for name in breaks():
        error, got = broken_stream(name)
        assert error is None and got[-1].type == "response.failed" and got[-1].response.error.message, (name, got[-1])


@scenario
def throttled_once():
    """The gateway tries again by itself."""
    for stream in (False, True):
        raw = client().responses.with_raw_response.create(
            model=args.model, input=f"Say {QUOTE} {stream} demo:once", store=False, stream=stream
        )
        assert raw.headers["x-gateway-attempts"] == "2", raw.headers
        done = raw.parse()
        assert QUOTE in (check_lifecycle(list(done)) if stream else done).output_text


@scenario
def image_inline():
    """Images that come with the request; an address is refused by its place where the provider fetches nothing."""
    part = lambda url: {"type": "input_image", "image_url": url, "detail": "auto"}
    ask = lambda url: [user(text_part(f"Compare this {QUOTE}."), part(url))]
    for way in WAYS:
        assert PNG_SEEN in way(ask(f"data:image/png;base64,{PNG}")).output_text
    error = raises(openai.BadRequestError, lambda: create(ask(IMAGE_URL)))
    assert "input[0].content[1]" in (error.param or str(error)), error.body


@scenario
def reasoning_sealed():
    """Thoughts that only their vendor can read go back as they came; altered ones are refused."""
    for way in WAYS:
        items = [{"role": "user", "content": "What is the weather in Lima? Use the tool."}]
        first = way(items, tools=TOOLS, **THINK)
        replayed = dumped(first)
        (carrier,) = [item for item in replayed if item.get("encrypted_content")]
        (call,) = of(first, "function_call")
        result = {"type": "function_call_output", "call_id": call.call_id, "output": f"{QUOTE} clouds"}
        assert QUOTE in way([*items, *replayed, result], tools=TOOLS, **THINK).output_text
        carrier["encrypted_content"] = altered(carrier["encrypted_content"])
        error = raises(openai.BadRequestError, lambda: create([*items, *replayed, result], tools=TOOLS, **THINK))
        assert "verified" in str(error), error


@scenario
def web_search_grounded():
    """The provider's own search: each source is an annotation of the text, the same however the answer comes."""
    ask = {"tools": [{"type": "web_search"}]}
    seen = []
    for way in WAYS:
        done = way(f"Search for {QUOTE} ü 🦀.", **ask)
        (message,) = of(done, "message")
        text = "".join(part.text for part in message.content)
        notes = [note for part in message.content for note in part.annotations]
        assert QUOTE in text and notes, done
        (part,) = [part for part in message.content if part.annotations][:1]
        for note in part.annotations:
            assert note.type == "url_citation" and note.url.startswith("https://") and note.title, note
            assert 0 <= note.start_index <= note.end_index <= len(part.text), note
        cited = [part.text[note.start_index : note.end_index] for note in part.annotations]
        assert any("Café 🦀 itself." in one for one in cited), (part.text, cited)
        seen.append((text, cited))
        replayed = [user(text_part(f"Search for {QUOTE}.")), *dumped(done), user(text_part(f"Thanks, {QUOTE}."))]
        assert QUOTE in way(replayed, **ask).output_text
    assert seen[0] == seen[1] == seen[2], seen


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


if __name__ == "__main__":
    main()
