"""What botocore sends to the Bedrock runtime: URL, body and signature of calls to many models.

`bedrock_signatures.py FILE` writes a JSON list of calls; nothing is sent."""

import datetime
import json
import sys

import botocore.auth
import botocore.session

TIME = datetime.datetime(2026, 11, 22, 13, 0, 0)
ACCESS_KEY = "AKIDEXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "IQoJb3JpZ2luX2VjE//////////wEaCXVz+LWVhc3QtMSJHMEUCIQ=="
ACCOUNT = "123456789012"

CLAUDE = [
    "anthropic.claude-3-haiku-20240307-v1:0",
    "anthropic.claude-3-5-sonnet-20241022-v2:0",
    "anthropic.claude-3-7-sonnet-20250219-v1:0",
    "anthropic.claude-sonnet-4-20250514-v1:0",
    "anthropic.claude-sonnet-4-5-20250929-v1:0",
    "anthropic.claude-haiku-4-5-20251001-v1:0",
    "anthropic.claude-opus-4-1-20250805-v1:0",
    "anthropic.claude-opus-4-6-v1",
]
OTHERS = [
    "amazon.nova-micro-v1:0",
    "amazon.nova-lite-v1:0:24k",
    "amazon.nova-lite-v1:0:300k",
    "amazon.nova-pro-v1:0",
    "amazon.titan-text-express-v1",
    "ai21.jamba-1-5-large-v1:0",
    "cohere.command-r-plus-v1:0",
    "deepseek.r1-v1:0",
    "meta.llama3-1-70b-instruct-v1:0:128k",
    "meta.llama4-maverick-17b-instruct-v1:0",
    "mistral.mistral-large-2407-v1:0",
    "openai.gpt-oss-120b-1:0",
    "qwen.qwen3-coder-480b-a35b-v1:0",
    "writer.palmyra-x5-v1:0",
]
GEOGRAPHIES = ["us", "eu", "apac", "jp", "au", "ca", "sa", "us-gov", "global"]
# Each form of ARN that the service takes, with what may follow its kind.
ARNS = {
    "foundation-model": CLAUDE[:4] + OTHERS[:4],
    "custom-model": [f"{model}/abcdef123456" for model in ("amazon.nova-lite-v1:0:300k", "meta.llama3-1-70b-instruct-v1:0:128k")],
    "custom-model-deployment": ["abcdef123456", "0123456789ab"],
    "imported-model": ["abcdef123456", "a1b2c3d4e5f6"],
    "provisioned-model": ["abcdef123456", "zyxwv9876543"],
    "inference-profile": [f"{place}.{CLAUDE[4]}" for place in ("us", "eu", "global")],
    "application-inference-profile": ["abc123def456", "x9y8z7w6v5u4"],
    "prompt": ["ABCDEFGHIJ", "ABCDEFGHIJ:1", "ABCDEFGHIJ:DRAFT"],
    "prompt-router": ["abcdef123456"],
    "default-prompt-router": ["anthropic.claude:1", "meta.llama:1"],
}


def models(partition, region):
    found = list(CLAUDE) + list(OTHERS)
    found += [f"{place}.{model}" for place in GEOGRAPHIES for model in CLAUDE]
    found += [f"{place}.{model}" for place in ("us", "eu", "apac") for model in OTHERS]
    for kind, names in ARNS.items():
        account = "" if kind == "foundation-model" else ACCOUNT
        found += [f"arn:{partition}:bedrock:{region}:{account}:{kind}/{name}" for name in names]
    found += [f"arn:{partition}:sagemaker:{region}:{ACCOUNT}:endpoint/{name}" for name in ("llama-3", "my-endpoint-1")]
    # Nothing that exists, but everything that a path can stumble over.
    found += ["a~b_c.d-e", "a b", "a%41", "a/b/c", "a//b", "ä:ö", "a+b&c=d?e#f", "a@b!c$d'e(f)*,;[]"]
    return found


# Region, endpoint, whether there is a session token.
PLACES = [
    ("aws", "us-east-1", None, True),
    ("aws", "eu-central-1", None, False),
    ("aws-us-gov", "us-gov-west-1", None, True),
    ("aws-cn", "cn-north-1", None, False),
    ("aws", "us-west-2", "http://127.0.0.1:8080", True),
    ("aws", "us-west-2", "https://llm.example.com:8443/aws/bedrock", True),
    ("aws", "us-west-2", "https://llm.example.com:443/prefix", False),
    ("aws", "us-west-2", "http://llm.example.com:80/", False),
    ("aws", "us-west-2", "http://[::1]:9000/a%20b", False),
    ("aws", "eu-west-1", "https://vpce-0a1b-2c3d.bedrock-runtime.eu-west-1.vpce.amazonaws.com", True),
]
MESSAGE = {"role": "user", "content": [{"text": 'Grüße, 東京 "quoted" \\ ü'}]}
BODY = json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 5, "messages": []})


class Sent(Exception):
    """Instead of sending."""


def calls(client, model):
    yield "converse", lambda: client.converse(modelId=model, messages=[MESSAGE])
    yield "converse-stream", lambda: client.converse_stream(modelId=model, messages=[MESSAGE])
    plain = dict(modelId=model, body=BODY, contentType="application/json", accept="application/json")
    yield "invoke", lambda: client.invoke_model(**plain)
    guarded = dict(plain, guardrailIdentifier="abc  def", guardrailVersion="1", trace="ENABLED")
    yield "invoke-with-response-stream", lambda: client.invoke_model_with_response_stream(**guarded)


def main():
    botocore.auth.get_current_datetime = lambda *_, **__: TIME
    out = []
    for partition, region, endpoint, token in PLACES:
        client = botocore.session.Session().create_client(
            "bedrock-runtime",
            region_name=region,
            endpoint_url=endpoint,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            aws_session_token=TOKEN if token else None,
        )
        seen = []

        def capture(request, seen=seen, **_):
            seen.append(request)
            raise Sent

        client.meta.events.register("before-send.bedrock-runtime", capture)
        # All models once, and some of every kind at each other place.
        names = models(partition, region)
        for model in names if not out else names[:: 4 if endpoint else 7]:
            for operation, call in calls(client, model):
                try:
                    call()
                except Sent:
                    pass
                request = seen.pop()
                body = request.body
                out.append(
                    {
                        "model": model,
                        "operation": operation,
                        "region": region,
                        "endpoint": endpoint,
                        "token": TOKEN if token else None,
                        "url": request.url,
                        "body": body.decode() if isinstance(body, bytes) else body,
                        "headers": {
                            name.lower(): value.decode() if isinstance(value, bytes) else value
                            for name, value in request.headers.items()
                        },
                    }
                )
    with open(sys.argv[1], "w") as file:
        json.dump(out, file)
    distinct = {call["model"] for call in out}
    print(f"{len(out)} calls to {len(distinct)} models")


main()
