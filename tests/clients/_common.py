"""What the client scripts share: arguments, the list of scenarios, one line of output for each.

A script is run as `python SCRIPT --base URL --key KEY --model MODEL [--only NAME,NAME] [--cut-at TOKENS] [--with JSON]`. It prints `ok NAME` for each scenario that
passed; the others print a traceback, and then the script's exit status is 1.
"""

import argparse
import base64
import faulthandler
import json
import re
import traceback

from pydantic import BaseModel

# A word that no prompt of the tests has by accident: whatever quotes the user quotes it.
QUOTE = "kumquat"
# A pixel, and the smallest thing that calls itself a PDF.
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PDF = base64.b64encode(
    b"%PDF-1.1\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj "
    b"3 0 obj<</Type/Page/MediaBox[0 0 9 9]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
).decode()
# What a provider of the tests says of these when it got them whole, and an image that it is to fetch by itself.
PNG_SEEN = f"image/png of {len(base64.b64decode(PNG))} bytes"
PDF_SEEN = f"application/pdf of {len(base64.b64decode(PDF))} bytes"
IMAGE_URL = "https://example.com/demo.png"
# Scripts, combining marks, an emoji of several scalars, a line separator, what JSON must escape, and the last scalar of the BMP's end.
UNICODE = 'naïve e\u0301 漢字 עברית 👩🏽‍🚀 \u2028 "quoted" \\ back \t tab \ud7ff \U0001f980'
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "Name of a city"}},
    "required": ["city"],
    "additionalProperties": False,
}


class Verdict(BaseModel):
    """A structured answer."""

    city: str
    score: int
    certain: bool


# The exceptions of the Bedrock runtime: the status that a client sees for each (an OpenAI client, an Anthropic client), and whether streams have it.
EXCEPTIONS = {
    "AccessDenied": (403, 403, False),
    "InternalServer": (500, 500, True),
    "ModelError": (502, 502, False),
    "ModelNotReady": (503, 529, False),
    "ModelStreamError": (502, 502, True),
    "ModelTimeout": (504, 504, False),
    "ResourceNotFound": (404, 404, False),
    "ServiceQuotaExceeded": (429, 429, False),
    "ServiceUnavailable": (503, 529, True),
    "Throttling": (429, 429, True),
    "UnrecognizedClient": (403, 403, False),
    "Validation": (400, 400, True),
}
# How a stream of the Bedrock runtime may break in its middle: checksums of a payload and of lengths, a length that nobody sends, an error of no
# name, an exception that calls itself an event, an end inside of a message.
BREAKS = ("payload", "prelude", "length", "unmodelled", "event", "frame")
# The same where the provider behind is scripted.
SCRIPTED_BREAKS = ("checksum", "prelude", "length", "unmodelled")


def breaks():
    """The words that break a stream of the Bedrock runtime."""
    return SCRIPTED_BREAKS if args.trigger == "scripted" else [f"middle-{name}" for name in BREAKS]


# Bounds every single wait of an SDK.
TIMEOUT = 30.0

SCENARIOS = {}
args = argparse.Namespace()


def scenario(function):
    """Makes a function a scenario under its own name."""
    SCENARIOS[function.__name__] = function
    return function


def weather(arguments):
    """The tool that the model calls: gets the arguments as the model wrote them."""
    city = arguments["city"]
    assert isinstance(city, str) and city, arguments
    return json.dumps({"city": city, "sky": f"{QUOTE} clouds over {city}"}, ensure_ascii=False)


def raises(kind, call):
    """Runs `call`, which must raise `kind`, and gives the exception."""
    try:
        result = call()
    except kind as error:
        return error
    raise AssertionError(f"{kind} was not raised; got {result!r}")


def changed(text):
    """The text with one character changed: a letter or digit for another one, well inside."""
    middle = len(text) // 2
    spot = re.compile("[A-Za-z0-9]").search(text, middle) or re.search("[A-Za-z0-9]", text)
    at = spot.start()
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


def altered(carrier):
    """A signature with one character changed; in an envelope of the gateway's, the provider's own signature in it."""
    if not carrier.startswith("tlg1."):
        return changed(carrier)
    head, _, payload = carrier.rpartition(".")
    inner = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    # The longest string of base64 is what the provider signed or encrypted, whatever the members are called.
    opaque = max(re.findall(rb'"([A-Za-z0-9+/=]{12,})"', inner), key=len)
    inner = inner.replace(opaque, changed(opaque.decode()).encode())
    return f"{head}.{base64.urlsafe_b64encode(inner).decode().rstrip('=')}"


def extended(options):
    """The request of an SDK with what every request of this run has besides: lists are longer by it, what else is given stays."""
    if isinstance(options.json_data, dict):
        for name, value in args.extra.items():
            if isinstance(value, list):
                options.json_data[name] = [*(options.json_data.get(name) or []), *value]
            else:
                options.json_data.setdefault(name, value)
    return options


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--only", help="names of scenarios, with commas; default: all")
    # The prefix of the words that make the provider behind misbehave.
    parser.add_argument("--trigger", default="demo")
    # A limit of output tokens at which the provider cuts the answer.
    parser.add_argument("--cut-at", type=int, default=5)
    # JSON that every request has besides: a tool that only the provider's other format knows, say.
    parser.add_argument("--with", dest="extra", type=json.loads, default={})
    parser.parse_args(namespace=args)
    # Whatever hangs in spite of all time limits ends with a traceback of every thread.
    faulthandler.dump_traceback_later(160, exit=True)
    names = args.only.split(",") if args.only else list(SCENARIOS)
    failed = 0
    for name in names:
        try:
            SCENARIOS[name]()
        except Exception:
            failed += 1
            print(f"FAILED {name}", flush=True)
            traceback.print_exc()
        else:
            print(f"ok {name}", flush=True)
    raise SystemExit(1 if failed else 0)
