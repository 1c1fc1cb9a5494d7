"""The matrix of the OpenAI SDK on `/v1/chat/completions`."""

import json

import openai

from _common import IMAGE_URL, PDF, PDF_SEEN, PNG, PNG_SEEN, QUOTE, UNICODE, Verdict, args, raises, weather
from _matrix import IN_PIECES, LONG_TEXT, ONCE, breaks, cell, failures, kind_of, matrix
from openai_chat import (
    SYSTEM, TOOLS, TWO_TOOLS, check_usage, client, content_of, create, lean, user,
)


def ask(stream, text="Say kumquat.", **more):
    """The whole completion, as the SDK gives it or as its helper accumulates it."""
    if not stream:
        return create(text, **more)
    messages = more.pop("messages", None) or [user(text)]
    with client().chat.completions.stream(model=more.pop("model", args.model), messages=messages, **more) as helper:
        return helper.get_final_completion()


def gathered(*text, **more):
    """Text, refusal and end of a stream. The SDK's helper makes an exception of an end that is not the answer's own, whoever answers."""
    choices = [chunk.choices[0] for chunk in create(*text, stream=True, **more) if chunk.choices]
    refusals = [choice.delta.refusal or "" for choice in choices]
    return "".join(c.delta.content or "" for c in choices), "".join(refusals), choices[-1].finish_reason


def ended(done, reason):
    """The only choice, which must have ended so."""
    (choice,) = done.choices
    assert choice.finish_reason == reason, done
    return choice.message


@matrix()
def text(stream):
    done = ask(stream, messages=[SYSTEM, user(f"Say {QUOTE}.")])
    message = ended(done, "stop")
    assert QUOTE in message.content and not message.tool_calls, done
    assert done.id and done.model and done.created > 1_600_000_000, done
    if stream:
        chunks = list(create(messages=[SYSTEM, user(f"Say {QUOTE}.")], stream=True))
        assert content_of(chunks) == message.content and len(chunks) > 2, chunks
    else:
        check_usage(done.usage)
    if message.role == "assistant" * message.role.count("assistant") != "assistant":
        return "the provider repeats `role` in each chunk, and the SDK's helper joins them"
    assert message.role == "assistant", message


@matrix()
def unicode_in_pieces(stream):
    assert UNICODE in ended(ask(stream, IN_PIECES), "stop").content


@matrix()
def conversation(stream):
    messages = [SYSTEM]
    for turn in range(3):
        messages.append(user(f"Say {QUOTE} for the time {turn}."))
        messages.append({"role": "assistant", "content": ended(ask(stream, messages=messages), "stop").content})
    assert all(QUOTE in message["content"] for message in messages[2::2]), messages


def results_of(message):
    """The results of all calls, numbered."""
    results = []
    for number, call in enumerate(message.tool_calls):
        content = f"{number}: {weather(json.loads(call.function.arguments))}"
        results.append({"role": "tool", "tool_call_id": call.id, "content": content})
    return results


@matrix()
def tool_loop(stream):
    messages = [SYSTEM, user("What is the weather in Lima? Use the tool.")]
    for turn in range(2):
        message = ended(ask(stream, messages=messages, tools=TOOLS), "tool_calls")
        (call,) = message.tool_calls
        assert call.id and call.function.name == "get_weather", message
        messages += [lean(message), *results_of(message)]
        last = ended(ask(stream, messages=messages, tools=TOOLS), "stop")
        assert QUOTE in last.content, last
        messages += [{"role": "assistant", "content": last.content}, user(f"And in Quito? Tool again, step {turn}.")]


@matrix()
def tools_parallel(stream):
    messages = [user("Call the weather and the time tool in parallel.")]
    message = ended(ask(stream, messages=messages, tools=TWO_TOOLS), "tool_calls")
    assert {call.function.name for call in message.tool_calls} == {"get_weather", "get_time"}, message
    assert len({call.id for call in message.tool_calls}) == 2, message
    messages += [lean(message), *results_of(message)]
    last = ended(ask(stream, messages=messages, tools=TWO_TOOLS), "stop").content
    assert "0: {" in last and "1: {" in last, last


@matrix()
def thinking_tools(stream):
    """Each message goes back as it came, with whatever the gateway put beside the format's own members."""
    think = {"tools": TOOLS, "reasoning_effort": "low", "max_completion_tokens": 8000, "model": cell.thinks}
    messages = [user("What is the weather in Lima? Use the tool.")]
    shown = set()
    for turn in range(2):
        message = ended(ask(stream, messages=messages, **think), "tool_calls")
        dumped = message.model_dump(exclude_none=True)
        dumped.pop("parsed", None)
        for call in dumped["tool_calls"]:
            call["function"].pop("parsed_arguments", None)
            shown |= {"extra_content"} & set(call)
            call.pop("index", None)
        shown |= {name for name in ("reasoning_content", "reasoning", "thinking_blocks") if dumped.get(name)}
        messages += [dumped, *results_of(message)]
        last = ended(ask(stream, messages=messages, **think), "stop")
        assert QUOTE in last.content, last
        messages += [last.model_dump(exclude_none=True, exclude={"parsed"}), user(f"And in Quito? Tool again, step {turn}.")]
    if "thinking_blocks" in shown:
        return "thoughts shown and signed"
    if "extra_content" in shown:
        return "thoughts shown, calls signed"
    return "thoughts shown" if shown else "thoughts not shown"


def seen(stream, part, what):
    done = ask(stream, messages=[user([{"type": "text", "text": f"Compare this {QUOTE}."}, part])], model=cell.sees)
    content = ended(done, "stop").content
    assert QUOTE in content and what in content, content


@matrix()
def image(stream):
    seen(stream, {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "low"}}, PNG_SEEN)


@matrix()
def image_by_address(stream):
    seen(stream, {"type": "image_url", "image_url": {"url": IMAGE_URL}}, IMAGE_URL)


@matrix()
def pdf(stream):
    file = {"filename": "report.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}
    seen(stream, {"type": "file", "file": file}, PDF_SEEN)


@matrix()
def structured(stream):
    if stream:
        done = ask(True, "Judge Lima.", response_format=Verdict)
    else:
        done = client().chat.completions.parse(model=args.model, messages=[user("Judge Lima.")], response_format=Verdict)
    message = ended(done, "stop")
    assert isinstance(message.parsed, Verdict) and json.loads(message.content) == message.parsed.model_dump(), done


@matrix()
def usage_cached(stream):
    system = SYSTEM
    if cell.marks:
        system = {"role": "system", "content": [{"type": "text", "text": "You are terse.", "cache_control": {"type": "ephemeral"}}]}
    options = {"stream_options": {"include_usage": True}} if stream else {}
    usage = ask(stream, messages=[system, user(f"Say {QUOTE} again.")], **options).usage
    check_usage(usage)
    cached = usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else 0
    assert 0 <= (cached or 0) < usage.prompt_tokens, usage
    return None if cached else "tokens counted, but none said to be cached"


def parts_of(done):
    """The same of a whole answer."""
    (choice,) = done.choices
    return choice.message.content or "", choice.message.refusal or "", choice.finish_reason


@matrix()
def refusal(stream):
    asked = "Please refuse this."
    content, refused, reason = gathered(asked) if stream else parts_of(create(asked))
    if refused:
        return f"`refusal`, `finish_reason` {reason}"
    if reason == "content_filter":
        return "`finish_reason` content_filter"
    assert reason == "stop" and "refuse" in content, (content, reason)
    return "the text says so"


@matrix()
def max_tokens(stream):
    limit = {"max_completion_tokens": cell.cut_at}
    content, _, reason = gathered(LONG_TEXT, **limit) if stream else parts_of(create(LONG_TEXT, **limit))
    assert reason == "length" and content and len(content) < len(LONG_TEXT), (content, reason)


@matrix()
def stop_sequence(stream):
    message = ended(ask(stream, f"Say it and {QUOTE} halt now.", stop=["never-said", f"{QUOTE} halt"]), "stop")
    assert "and" in message.content and "halt" not in message.content, message


@matrix()
def citations(stream):
    options = {} if cell.name == "perplexity" else {"web_search_options": {}}
    done = ask(stream, f"Search the web for {QUOTE}, please.", **options)
    message = ended(done, "stop")
    notes = message.model_dump().get("annotations") or []
    if notes:
        for note in notes:
            source = note["url_citation"]
            assert note["type"] == "url_citation" and source["url"].startswith("https://"), note
            assert 0 <= source["start_index"] <= source["end_index"] <= len(message.content), note
        return "`annotations`"
    results = (done.model_extra or {}).get("search_results")
    if not results:
        assert QUOTE in message.content, done
        return "sent on unchanged; the demo's models do not search in Chat"
    assert results[0]["url"].startswith("https://"), done
    return "`search_results`, as the provider gives them"


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
def wrong_key(stream):
    other = client("wrong-key")
    return refused(
        openai.AuthenticationError,
        lambda: other.chat.completions.create(model=args.model, messages=[user("Hi.")], stream=stream),
    )


def broken(words, stream):
    """An answer that breaks: whole ones raise, streams raise after what came, and never look finished."""
    if not stream:
        return kind_of(raises(openai.APIError, lambda: create(words, extra_headers=ONCE)))
    got = []

    def read():
        for chunk in create(words, stream=True, extra_headers=ONCE):
            got.append(chunk)

    error = raises(openai.APIError, read)
    assert got, "nothing came before the error"
    assert not any(c.choices and c.choices[0].finish_reason for c in got), "a broken stream looks finished"
    helped = raises(openai.APIError, lambda: ask(True, words, extra_headers=ONCE))
    assert type(helped) is type(error), (helped, error)
    return kind_of(error)


breaks(broken)
