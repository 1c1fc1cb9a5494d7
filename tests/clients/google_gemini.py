"""Google's SDK on the native Gemini API of the demo upstream itself, without a gateway: shows that the upstream speaks what Google speaks."""

import base64
import functools

from google import genai
from google.genai import errors, types

from _common import CITY, PDF, PDF_SEEN, PNG, PNG_SEEN, QUOTE, TIMEOUT, UNICODE, args, main, raises, scenario

MODELS = ("gemini-3.8-flash", "gemini-2.5-flash")


@functools.cache
def client(key="demo"):
    options = types.HttpOptions(base_url=args.base, timeout=int(TIMEOUT * 1000))
    return genai.Client(api_key=key, http_options=options)


def whole(contents, model="gemini-3.8-flash", **config):
    config = types.GenerateContentConfig(**config)
    return client().models.generate_content(model=model, contents=contents, config=config)


def pieces(contents, model="gemini-3.8-flash", **config):
    config = types.GenerateContentConfig(**config)
    return list(client().models.generate_content_stream(model=model, contents=contents, config=config))


def parts_of(chunks):
    return [part for chunk in chunks if chunk.candidates for part in (chunk.candidates[0].content or types.Content()).parts or []]


def text_of(parts):
    return "".join(part.text or "" for part in parts if not part.thought)


def both(contents, **config):
    """The parts, both ways, and what came last."""
    answer, chunks = whole(contents, **config), pieces(contents, **config)
    assert answer.response_id and all(chunk.response_id == chunks[0].response_id for chunk in chunks)
    return (parts_of([answer]), answer), (parts_of(chunks), chunks[-1])


def user(*parts):
    return types.Content(role="user", parts=[types.Part(text=p) if isinstance(p, str) else p for p in parts])


TOOLS = [
    types.Tool(
        function_declarations=[
            types.FunctionDeclaration(name=name, description="Now", parameters_json_schema=CITY)
            for name in ("get_weather", "get_time")
        ]
    )
]
OFF = types.AutomaticFunctionCallingConfig(disable=True)
THINKING = types.ThinkingConfig(include_thoughts=True)


@scenario
def plain():
    for model in MODELS:
        for parts, last in both(f"Say {UNICODE}.", model=model, system_instruction="Be terse."):
            assert UNICODE in text_of(parts), parts
            assert last.candidates[0].finish_reason == types.FinishReason.STOP, last
            usage = last.usage_metadata
            assert usage.total_token_count == usage.prompt_token_count + usage.candidates_token_count, usage


@scenario
def media():
    image = types.Part(inline_data=types.Blob(mime_type="image/png", data=base64.b64decode(PNG)))
    pdf = types.Part(inline_data=types.Blob(mime_type="application/pdf", data=base64.b64decode(PDF)))
    for parts, _ in both([user("What are these?", image, pdf)]):
        assert PNG_SEEN in text_of(parts) and PDF_SEEN in text_of(parts), parts


@scenario
def tools():
    """Calls with signatures that must come back."""
    for model in MODELS:
        for way in (lambda *a, **k: parts_of([whole(*a, **k)]), lambda *a, **k: parts_of(pieces(*a, **k))):
            ask = {"model": model, "tools": TOOLS, "automatic_function_calling": OFF}
            contents = [user("Call the weather and the time tool in parallel.")]
            parts = [part for part in way(contents, **ask) if part.function_call]
            assert len(parts) == 2 and (parts[0].thought_signature is not None) == model.startswith("gemini-3"), parts
            responses = [
                types.Part(function_response=types.FunctionResponse(
                    id=part.function_call.id, name=part.function_call.name, response={"output": f"{QUOTE} {n}"}
                ))
                for n, part in enumerate(parts)
            ]
            contents += [types.Content(role="model", parts=parts), user(*responses)]
            assert f"{QUOTE} 1" in text_of(way(contents, **ask))
            if model.startswith("gemini-3"):
                parts[0].thought_signature = b"another"
                error = raises(errors.ClientError, lambda: way(contents, **ask))
                assert error.code == 400 and "signature" in str(error), error


@scenario
def thinking():
    for parts, last in both(f"Say {QUOTE}.", thinking_config=THINKING):
        assert any(part.thought and QUOTE in part.text for part in parts), parts
        assert any(part.thought_signature for part in parts), parts
        assert last.usage_metadata.thoughts_token_count > 0


@scenario
def grounding():
    """Places are counted in bytes, in a part or through a whole stream."""
    for parts, last in both(f"Search the web for {QUOTE} ü 🦀.", tools=[types.Tool(google_search=types.GoogleSearch())], thinking_config=THINKING):
        found = last.candidates[0].grounding_metadata
        assert found.web_search_queries and found.search_entry_point.rendered_content
        for support in found.grounding_supports:
            segment = support.segment
            text = parts[segment.part_index].text if segment.part_index else text_of(parts)
            bytes_ = text.encode()[segment.start_index or 0 : segment.end_index]
            assert bytes_.decode() == segment.text, (text, segment)
        assert any("é" in chunk.web.uri for chunk in found.grounding_chunks if chunk.web), found


@scenario
def own_tools():
    for parts, _ in both(f"Compute {QUOTE}.", tools=[types.Tool(code_execution=types.ToolCodeExecution())]):
        assert any(part.executable_code for part in parts), parts
        assert any(part.code_execution_result and part.code_execution_result.output for part in parts), parts
    for _, last in both("Read https://example.org/a please.", tools=[types.Tool(url_context=types.UrlContext())]):
        (read,) = last.candidates[0].url_context_metadata.url_metadata
        assert read.retrieved_url == "https://example.org/a", last


@scenario
def mixed():
    """The model's own tools beside the client's: all steps must come back with the call."""
    tools = TOOLS + [types.Tool(code_execution=types.ToolCodeExecution())]
    ask = {"tools": tools, "automatic_function_calling": OFF}
    ask["tool_config"] = types.ToolConfig(include_server_side_tool_invocations=True)
    contents = [user("Compute, then call the weather tool.")]
    for parts, _ in both(contents, **ask):
        (call,) = [part.function_call for part in parts if part.function_call]
        response = types.FunctionResponse(id=call.id, name=call.name, response={"output": QUOTE})
        answer = user(types.Part(function_response=response))
        kept = [part for part in parts if part.text != ""]
        assert QUOTE in text_of(parts_of([whole([*contents, types.Content(role="model", parts=kept), answer], **ask)]))
        less = [part for part in kept if not part.executable_code]
        error = raises(
            errors.ClientError, lambda: whole([*contents, types.Content(role="model", parts=less), answer], **ask)
        )
        assert "signature" in str(error), error


@scenario
def structured():
    for parts, _ in both("Judge Lima.", response_mime_type="application/json", response_json_schema=CITY):
        assert text_of(parts) == '{"city":"demo"}', parts


@scenario
def ends():
    for parts, last in both("Say a lot of this.", max_output_tokens=3):
        assert last.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS, last
    for parts, last in both("Please refuse this."):
        assert last.candidates[0].finish_reason == types.FinishReason.SAFETY and not text_of(parts), last
    for parts, last in both("Say demo:block now."):
        assert last.prompt_feedback.block_reason == types.BlockedReason.SAFETY and not last.candidates, last
    for parts, last in both("Say demo:thought-out now."):
        assert last.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS and not parts, last


@scenario
def failures():
    assert raises(errors.ServerError, lambda: whole("Say demo:overloaded")).code == 503
    assert raises(errors.ClientError, lambda: pieces("Say demo:ratelimit")).code == 429
    raises(errors.APIError, lambda: pieces("Say demo:error-event now"))
    assert raises(errors.ClientError, lambda: client("another").models.generate_content(model=MODELS[0], contents="Hi.")).code == 400
    assert raises(errors.ClientError, lambda: whole("Hi.", model="gemini-no-such-model")).code == 404


main()
