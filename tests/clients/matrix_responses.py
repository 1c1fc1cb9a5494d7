"""The matrix of the OpenAI SDK on `/v1/responses`."""

import json

import openai

from _common import IMAGE_URL, PDF, PDF_SEEN, PNG, PNG_SEEN, QUOTE, UNICODE, Verdict, args, raises, weather
from _matrix import IN_PIECES, LONG_TEXT, ONCE, UNSEARCHED, breaks, cell, failures, kind_of, matrix
from openai_responses import (
    THINK, TOOLS, TWO_TOOLS, check_usage, client, create, dumped, helped, of, streamed, text_part, user,
)


def ask(stream, *text, **more):
    """The response: whole, or at the end of a checked stream, which is what the SDK's helper accumulates as well."""
    if not stream:
        return create(*text, **more)
    done = streamed(*text, **more)
    again = helped(*text, **more)
    assert again.output_text == done.output_text and again.status == done.status, (again, done)
    return done


def completed(done):
    assert done.status == "completed" and done.error is None and done.incomplete_details is None, done
    return done


@matrix()
def text(stream):
    done = completed(ask(stream, f"Say {QUOTE}.", instructions="You are terse."))
    assert QUOTE in done.output_text and done.id and done.model and done.instructions == "You are terse.", done
    check_usage(done.usage)


@matrix()
def unicode_in_pieces(stream):
    assert UNICODE in completed(ask(stream, IN_PIECES)).output_text


@matrix()
def conversation(stream):
    items = [{"role": "developer", "content": "You are terse."}]
    for turn in range(3):
        items.append(user(text_part(f"Say {QUOTE} for the time {turn}.")))
        done = completed(ask(stream, items))
        assert QUOTE in done.output_text, done
        items += done.output


def results_of(done):
    """The results of all calls, numbered."""
    results = []
    for number, call in enumerate(of(done, "function_call")):
        output = f"{number}: {weather(json.loads(call.arguments))}"
        results.append({"type": "function_call_output", "call_id": call.call_id, "output": output})
    return results


def run_tools(stream, **more):
    """Two turns, each with a call; the items go back as they came."""
    items, seen = [{"role": "user", "content": "What is the weather in Lima? Use the tool."}], []
    for turn in range(2):
        first = completed(ask(stream, items, tools=TOOLS, **more))
        (call,) = of(first, "function_call")
        assert call.name == "get_weather" and call.call_id, call
        seen += first.output
        items += [*dumped(first), *results_of(first)]
        last = completed(ask(stream, items, tools=TOOLS, **more))
        assert QUOTE in last.output_text and not of(last, "function_call"), last
        seen += last.output
        items += [*dumped(last), {"role": "user", "content": f"And in Quito? Tool again, step {turn}."}]
    return seen


@matrix()
def tool_loop(stream):
    run_tools(stream)


@matrix()
def tools_parallel(stream):
    items = [{"role": "user", "content": "Call the weather and the time tool in parallel."}]
    first = completed(ask(stream, items, tools=TWO_TOOLS))
    calls = of(first, "function_call")
    assert {call.name for call in calls} == {"get_weather", "get_time"}, calls
    assert len({call.call_id for call in calls}) == 2, calls
    last = completed(ask(stream, [*items, *first.output, *results_of(first)], tools=TWO_TOOLS)).output_text
    assert "0: {" in last and "1: {" in last, last


@matrix()
def thinking_tools(stream):
    """Each item goes back as it came."""
    items = [item for item in run_tools(stream, model=cell.thinks, **THINK) if item.type == "reasoning"]
    shown = any(part.text for item in items for part in [*item.summary, *(item.content or [])])
    if any(item.encrypted_content for item in items):
        return "thoughts shown and signed" if shown else "thoughts signed"
    return "thoughts shown" if shown else "thoughts not shown"


def seen(stream, part, what):
    done = completed(ask(stream, [user(text_part(f"Compare this {QUOTE}."), part)], model=cell.sees))
    assert QUOTE in done.output_text and what in done.output_text, done.output_text


@matrix()
def image(stream):
    seen(stream, {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"}, PNG_SEEN)


@matrix()
def image_by_address(stream):
    seen(stream, {"type": "input_image", "image_url": IMAGE_URL, "detail": "auto"}, IMAGE_URL)


@matrix()
def pdf(stream):
    data = f"data:application/pdf;base64,{PDF}"
    seen(stream, {"type": "input_file", "filename": "report.pdf", "file_data": data}, PDF_SEEN)


@matrix()
def structured(stream):
    whole = {"model": args.model, "input": "Judge Lima.", "store": False, "text_format": Verdict}
    if stream:
        with client().responses.stream(**whole) as helper:
            done = helper.get_final_response()
    else:
        done = client().responses.parse(**whole)
    completed(done)
    assert isinstance(done.output_parsed, Verdict) and json.loads(done.output_text) == done.output_parsed.model_dump(), done


@matrix()
def usage_cached(stream):
    mark = {"prompt_cache_breakpoint": {"mode": "explicit"}}
    usage = completed(ask(stream, [user({**text_part(f"Say {QUOTE} again."), **mark})])).usage
    check_usage(usage)
    return None if usage.input_tokens_details.cached_tokens else "tokens counted, but none said to be cached"


@matrix()
def refusal(stream):
    done = create("Please refuse this.") if not stream else streamed("Please refuse this.")
    parts = [part for item in of(done, "message") for part in item.content if part.type == "refusal"]
    if done.status == "incomplete":
        assert done.incomplete_details.reason == "content_filter", done
        return "`refusal` part, `incomplete` content_filter" if parts else "`incomplete` content_filter"
    completed(done)
    if parts:
        assert parts[0].refusal, done
        return "`refusal` part"
    assert "refuse" in done.output_text, done
    return "the text says so"


@matrix()
def max_tokens(stream):
    more = {"max_output_tokens": cell.cut_at}
    done = streamed(LONG_TEXT, **more) if stream else create(LONG_TEXT, **more)
    assert done.status == "incomplete" and done.incomplete_details.reason == "max_output_tokens", done
    assert done.output_text and len(done.output_text) < len(LONG_TEXT), done


@matrix()
def citations(stream):
    more = {} if cell.name == "perplexity" else {"tools": [{"type": "web_search"}]}
    asked = f"Search the web for {QUOTE}, please."
    done = completed(ask(stream, asked, **more))
    parts = [part for item in of(done, "message") for part in item.content]
    notes = [(note, part) for part in parts for note in part.annotations]
    whole = {"model": args.model, "input": asked, "store": False, "stream": stream, **more}
    raw = client().responses.with_raw_response.create(**whole)
    if not notes and "tools" in raw.headers.get("x-gateway-dropped", ""):
        return UNSEARCHED
    if cell.name == "groq":
        assert QUOTE in done.output_text, done
        return "sent as Groq's own `browser_search`, which the demo does not run"
    assert notes, done
    for note, part in notes:
        assert note.type == "url_citation" and note.url.startswith("https://") and note.title, note
        assert 0 <= note.start_index <= note.end_index <= len(part.text), note
    return "`annotations` and `web_search_call`" if of(done, "web_search_call") else "`annotations`"


def refused(kinds, call):
    """The exception in words; its message must say something."""
    error = raises(kinds, call)
    body = error.body if isinstance(error.body, dict) else {}
    assert body.get("message"), (kind_of(error), error.body)
    return kind_of(error)


failures(openai, refused, create)


@matrix()
def bad_value(stream):
    return refused(openai.BadRequestError, lambda: create(temperature=9, stream=stream))


@matrix()
def stored_state(stream):
    """What needs a store at the provider."""
    return refused(openai.BadRequestError, lambda: create(previous_response_id="resp_1", stream=stream))


@matrix()
def wrong_key(stream):
    other = client("wrong-key")
    return refused(openai.AuthenticationError, lambda: other.responses.create(model=args.model, input="Hi.", stream=stream))


def broken(words, stream):
    """An answer that breaks: whole ones raise; streams raise or end in a failure, and the helper never makes a response of them."""
    if not stream:
        return kind_of(raises(openai.APIError, lambda: create(words, extra_headers=ONCE)))
    got, error = [], None
    try:
        for event in create(words, stream=True, extra_headers=ONCE):
            got.append(event)
    except openai.APIError as raised:
        error = raised
    assert got and not any(event.type in ("response.completed", "response.incomplete") for event in got), got
    with client().responses.stream(model=args.model, input=words, store=False, extra_headers=ONCE) as helper:
        raises((openai.APIError, RuntimeError), helper.get_final_response)
    if error is not None:
        return kind_of(error)
    last = got[-1]
    if last.type == "error":
        return f"event `error` {last.code}"
    assert last.type == "response.failed" and last.response.error.message, last
    assert [event.sequence_number for event in got] == list(range(len(got))), got
    return f"event `response.failed` {last.response.error.code}"


breaks(broken)
