"""botocore on the Bedrock runtime of the demo upstream itself, without a gateway: shows that the upstream speaks what AWS speaks.

botocore signs, serialises by the service's definition, checks both checksums of every message and parses by the definition.
"""

import base64
import json

import botocore.session
from botocore.config import Config
from botocore.eventstream import ChecksumMismatch
from botocore.exceptions import ClientError, EventStreamError

from _common import CITY, PDF, PDF_SEEN, PNG, PNG_SEEN, QUOTE, TIMEOUT, UNICODE, args, main, raises, scenario

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
PROFILE = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123def456"
MODELS = (CLAUDE, PROFILE, "amazon.nova-pro-v1:0", "openai.gpt-oss-120b-1:0", "openai.gpt-5.5", "deepseek.r1-v1:0")


def client(key=None, secret=None, token=None, region="us-east-1"):
    our_key, _, our_secret = args.key.partition(":")
    session = botocore.session.Session()
    session.set_credentials(key or our_key, secret or our_secret, token)
    config = Config(retries={"total_max_attempts": 1}, read_timeout=TIMEOUT, proxies={})
    return session.create_client("bedrock-runtime", region_name=region, endpoint_url=args.base, config=config)


def text_of(message):
    texts = [block.get("text") or "" for block in message["content"]]
    cited = [part["text"] for block in message["content"] for part in block.get("citationsContent", {}).get("content", [])]
    return "".join(texts + cited)


def user(*blocks):
    return {"role": "user", "content": [{"text": b} if isinstance(b, str) else b for b in blocks]}


def whole(model=CLAUDE, **request):
    answer = client().converse(modelId=model, **request)
    assert answer["usage"]["totalTokens"] > 0 and answer["metrics"]["latencyMs"] >= 0, answer
    assert len(answer["ResponseMetadata"]["RequestId"]) == 36
    return answer["output"]["message"], answer["stopReason"], answer


def streamed(model=CLAUDE, **request):
    """The message that the events of a stream make up."""
    content, reason, last = {}, None, None
    for event in client().converse_stream(modelId=model, **request)["stream"]:
        ((name, value),) = event.items()
        index = value.get("contentBlockIndex")
        if name == "contentBlockStart":
            content[index] = {kind: {**start, "input": ""} for kind, start in value["start"].items()}
        elif name == "contentBlockDelta":
            ((kind, delta),) = value["delta"].items()
            block = content.setdefault(index, {})
            if kind == "text":
                block["text"] = block.get("text", "") + delta
            elif kind == "toolUse":
                block["toolUse"]["input"] += delta["input"]
            elif kind == "citation":
                block.setdefault("citations", []).append(delta)
            elif kind == "reasoningContent":
                for member, part in delta.items():
                    block.setdefault("reasoning", {})
                    block["reasoning"][member] = block["reasoning"].get(member, type(part)()) + part
        elif name == "messageStop":
            reason = value["stopReason"]
        elif name == "metadata":
            last = value
    assert reason and last["usage"]["totalTokens"] > 0
    blocks = []
    for _, block in sorted(content.items()):
        if "toolUse" in block:
            block["toolUse"]["input"] = json.loads(block["toolUse"]["input"] or "{}")
        if reasoning := block.pop("reasoning", None):
            if "redactedContent" in reasoning:
                block["reasoningContent"] = {"redactedContent": reasoning["redactedContent"]}
            else:
                block["reasoningContent"] = {"reasoningText": {"text": "", **reasoning}}
        if "citations" in block:
            block = {"citationsContent": {"content": [{"text": block["text"]}], "citations": block["citations"]}}
        blocks.append(block)
    return {"role": "assistant", "content": blocks}, reason, last


WAYS = (whole, streamed)
TOOLS = {
    "tools": [
        {"toolSpec": {"name": name, "description": "Now", "inputSchema": {"json": CITY}}}
        for name in ("get_weather", "get_time")
    ]
}
THINKING = {
    "inferenceConfig": {"maxTokens": 4000},
    "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 1500}},
    "additionalModelResponseFieldPaths": ["/stop_sequence", "/usage/output_tokens_details"],
}


@scenario
def plain():
    for model in MODELS:
        for way in WAYS:
            message, reason, _ = way(model, messages=[user(f"Say {UNICODE}.")], system=[{"text": "Be terse."}])
            assert UNICODE in text_of(message) and reason == "end_turn", message


@scenario
def equal():
    whole_message, streamed_message = (way(messages=[user(f"Say {QUOTE}.")])[0] for way in WAYS)
    assert whole_message == streamed_message


@scenario
def media():
    blocks = [
        {"image": {"format": "png", "source": {"bytes": base64.b64decode(PNG)}}},
        {"document": {"format": "pdf", "name": "report", "source": {"bytes": base64.b64decode(PDF)}, "citations": {"enabled": True}}},
    ]
    for way in WAYS:
        message, _, _ = way(messages=[user("What are these?", *blocks)])
        assert PNG_SEEN in text_of(message) and PDF_SEEN in text_of(message), message
        (cited,) = [block["citationsContent"] for block in message["content"] if "citationsContent" in block]
        assert cited["citations"][0]["location"]["documentPage"]["start"] == 1, cited


@scenario
def tools():
    for model in (CLAUDE, "amazon.nova-pro-v1:0", "openai.gpt-5.5"):
        for way in WAYS:
            messages = [user("Call the weather and the time tool in parallel.")]
            first, reason, _ = way(model, messages=messages, toolConfig=TOOLS)
            calls = [block["toolUse"] for block in first["content"] if "toolUse" in block]
            assert reason == "tool_use" and len(calls) == 2, first
            results = [
                {"toolResult": {"toolUseId": call["toolUseId"], "content": [{"text": f"{QUOTE} {n}"}]}}
                for n, call in enumerate(calls)
            ]
            last, reason, _ = way(model, messages=[*messages, first, user(*results)], toolConfig=TOOLS)
            assert reason == "end_turn" and f"{QUOTE} 1" in text_of(last), last


@scenario
def thinking():
    """Thoughts that come back are checked; changed ones are refused."""
    for way in WAYS:
        messages = [user("What is the weather in Lima? Use the tool and redact.")]
        first, _, last = way(messages=messages, toolConfig=TOOLS, **THINKING)
        shown, hidden = first["content"][0]["reasoningContent"], first["content"][1]["reasoningContent"]
        assert QUOTE or shown["reasoningText"]["signature"] and hidden["redactedContent"], first
        (call,) = [block["toolUse"] for block in first["content"] if "toolUse" in block]
        result = {"toolResult": {"toolUseId": call["toolUseId"], "content": [{"json": {"sky": QUOTE}}]}}
        messages += [first, user(result)]
        assert QUOTE in text_of(way(messages=messages, toolConfig=TOOLS, **THINKING)[0])
        shown["reasoningText"]["text"] += "."
        error = raises(ClientError, lambda: way(messages=messages, toolConfig=TOOLS, **THINKING))
        assert error.response["Error"]["Code"] == "ValidationException" and "signature" in str(error), error


@scenario
def sealed():
    """What some vendors think comes as bytes that only they can read."""
    for way in WAYS:
        messages = [user("What is the weather in Lima? Use the tool.")]
        first, _, _ = way("openai.gpt-5.5", messages=messages, toolConfig=TOOLS)
        sealed = first["content"][0]["reasoningContent"]["redactedContent"]
        assert sealed.startswith(b"rsn_"), first
        (call,) = [block["toolUse"] for block in first["content"] if "toolUse" in block]
        messages += [first, user({"toolResult": {"toolUseId": call["toolUseId"], "content": [{"text": QUOTE}]}})]
        assert QUOTE in text_of(way("openai.gpt-5.5", messages=messages, toolConfig=TOOLS)[0])


@scenario
def grounding():
    config = {"tools": [{"systemTool": {"name": "nova_grounding"}}]}
    for way in WAYS:
        message, _, _ = way("amazon.nova-2-lite-v1:0", messages=[user(f"Search for {QUOTE}.")], toolConfig=config)
        (cited,) = [block["citationsContent"] for block in message["content"] if "citationsContent" in block]
        assert cited["citations"][0]["location"]["web"]["url"], cited


@scenario
def cache():
    mark = {"cachePoint": {"type": "default", "ttl": "1h"}}
    short = {"cachePoint": {"type": "default"}}
    for text, name in ((f"Say {QUOTE}.", "cacheWriteInputTokens"), (f"Say {QUOTE} again.", "cacheReadInputTokens")):
        for way in WAYS:
            _, _, answer = way(system=[{"text": "Long."}, mark], messages=[user(text, short)])
            assert answer["usage"][name] > 0, answer
            if name.startswith("cacheWrite"):
                details = answer["usage"]["cacheDetails"]
                assert [one["ttl"] for one in details] == ["1h", "5m"], details
                assert sum(one["inputTokens"] for one in details) == answer["usage"][name], answer


@scenario
def ends():
    for way in WAYS:
        _, reason, answer = way(
            messages=[user("Say it and halt.")],
            inferenceConfig={"stopSequences": ["halt"]},
            additionalModelResponseFieldPaths=["/stop_sequence"],
        )
        assert reason == "stop_sequence", answer
        assert way(messages=[user("Say a lot.")], inferenceConfig={"maxTokens": 3})[1] == "max_tokens"
        assert way(messages=[user("Please refuse this.")])[1] == "content_filtered"
        guard = {"guardrailIdentifier": "abc", "guardrailVersion": "DRAFT"}
        assert way(messages=[user("Mind the guardrail.")], guardrailConfig=guard)[1] == "guardrail_intervened"


@scenario
def count():
    request = {"converse": {"messages": [user("Count me.")]}}
    assert client().count_tokens(modelId=CLAUDE, input=request)["inputTokens"] > 0
    body = json.dumps(body_of("Count me."))
    assert client().count_tokens(modelId=CLAUDE, input={"invokeModel": {"body": body}})["inputTokens"] > 0


def body_of(text, **more):
    whole = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 99, "messages": [{"role": "user", "content": text}]}
    return {**whole, **more}


JSON = {"contentType": "application/json"}


def events_of(body, model=CLAUDE):
    stream = client().invoke_model_with_response_stream(**JSON, modelId=model, body=json.dumps(body))
    assert stream["contentType"] == "application/json"
    return [json.loads(event["chunk"]["bytes"]) for event in stream["body"]]


@scenario
def invoke():
    answer = client().invoke_model(**JSON, modelId=CLAUDE, body=json.dumps(body_of(f"Say {UNICODE}.")), serviceTier="flex")
    message = json.loads(answer["body"].read())
    assert UNICODE in message["content"][0]["text"] and answer["serviceTier"] == "flex", message
    events = events_of(body_of(f"Say {QUOTE}."))
    assert events[0]["type"] == "message_start" and events[-1]["type"] == "message_stop", events
    metrics = events[-1]["amazon-bedrock-invocationMetrics"]
    assert metrics["inputTokenCount"] == events[0]["message"]["usage"]["input_tokens"], events
    text = "".join(event["delta"].get("text", "") for event in events if event["type"] == "content_block_delta")
    assert QUOTE in text, events


@scenario
def invoke_refusals():
    """What Anthropic itself takes and Bedrock does not."""
    mark = {"type": "ephemeral", "scope": "global"}
    url = {"type": "image", "source": {"type": "url", "url": "https://example.com/demo.png"}}
    for wrong, words in (
        ({"model": "claude-sonnet-4-5"}, "model: Extra inputs"),
        ({"stream": True}, "stream: Extra inputs"),
        ({"anthropic_version": "2023-06-01"}, "anthropic_version"),
        ({"anthropic_beta": ["claude-code-20250219"]}, "invalid beta flag"),
        ({"service_tier": "auto"}, "service_tier: Extra inputs"),
        ({"context_management": {"edits": []}}, "context_management: Extra inputs"),
        ({"system": [{"type": "text", "text": "Hi.", "cache_control": mark}]}, "scope: Extra inputs"),
        ({"messages": [{"role": "user", "content": [url]}]}, "Input tag 'url'"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "web_search_20250305"),
        ({"temperature": 9}, "temperature"),
    ):
        for call in (client().invoke_model, client().invoke_model_with_response_stream):
            body = json.dumps(body_of("Hello.", **wrong))
            error = raises(ClientError, lambda: call(**JSON, modelId=CLAUDE, body=body))
            assert error.response["Error"]["Code"] == "ValidationException" and words in str(error), (wrong, error)
    body = json.dumps(body_of("Hello.", anthropic_version=None))
    assert "anthropic_version" in str(raises(ClientError, lambda: client().invoke_model(**JSON, modelId=CLAUDE, body=body)))


IN_STREAM = ("internalServer", "modelStreamError", "validation", "throttling", "serviceUnavailable")
STATUS = {
    "AccessDenied": 403, "InternalServer": 500, "ModelError": 424, "ModelNotReady": 429, "ModelTimeout": 408,
    "ResourceNotFound": 404, "ServiceQuotaExceeded": 400, "ServiceUnavailable": 503, "Throttling": 429, "Validation": 400,
}


@scenario
def exceptions():
    for name, status in STATUS.items():
        for way in WAYS:
            error = raises(ClientError, lambda: way(messages=[user(f"Say demo:throw-{name}Exception now")]))
            assert error.response["Error"]["Code"] == f"{name}Exception", error.response
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == status, error.response
    for place in ("first", "middle"):
        for name in IN_STREAM:
            text = f"Say demo:{place}-{name}Exception now"
            error = raises(EventStreamError, lambda: streamed(messages=[user(text)]))
            assert error.response["Error"]["Code"] == f"{name}Exception", error.response
        for name in (*IN_STREAM, "modelTimeout"):
            error = raises(EventStreamError, lambda: events_of(body_of(f"Say demo:{place}-{name}Exception now")))
            assert error.response["Error"]["Code"] == f"{name}Exception", error.response


@scenario
def broken():
    for word, kind in (("payload", ChecksumMismatch), ("prelude", ChecksumMismatch), ("length", Exception), ("unmodelled", EventStreamError)):
        raises(kind, lambda: streamed(messages=[user(f"Say demo:middle-{word} now")]))
        raises(kind, lambda: events_of(body_of(f"Say demo:middle-{word} now")))


@scenario
def once():
    """Throttled, then not."""
    for way in WAYS:
        raises(ClientError, lambda: way(messages=[user(f"Say {QUOTE} demo:once")]))
        assert QUOTE in text_of(way(messages=[user(f"Say {QUOTE} demo:once")])[0])


@scenario
def signatures():
    ask = {"modelId": CLAUDE, "messages": [user(f"Say {QUOTE}.")]}
    assert QUOTE in text_of(client(token="TOKEN==").converse(**ask)["output"]["message"])
    for wrong, code in (
        ({"secret": "another"}, "InvalidSignatureException"),
        ({"key": "AKIDOTHER"}, "UnrecognizedClientException"),
    ):
        error = raises(ClientError, lambda: client(**wrong).converse(**ask))
        assert error.response["Error"]["Code"] == code, error.response
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 403


main()
