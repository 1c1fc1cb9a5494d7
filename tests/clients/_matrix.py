"""What the matrix scripts share: scenarios that are run in many cells, plain and streaming, each with an outcome in words.

A cell is a provider as one client format reaches it. An outcome is `pass`, `pass: NOTE` where providers differ in what is right, or what the
SDK raised. What must come out where is said by the table of the Rust test that runs this.
"""

import json
import re
import sys
import time
import traceback

from _common import QUOTE, UNICODE, args

SCENARIOS = {}
# What the runner cuts into the smallest pieces on its way from the provider.
IN_PIECES = f"Say {UNICODE} in-pieces please."
LONG_TEXT = "Repeat all of this, kumquat by kumquat: " + "kumquat " * 40
# One call and no waiting.
ONCE = {"x-gateway-max-retries": "0"}
# What the gateway of the matrix takes at most, and one byte more.
TOO_LONG = "x" * (2 << 20)

# What a client gets that offers a search where there is none, as agents always do.
UNSEARCHED = "answered without a search; `x-gateway-dropped` names the tool"


class Cell:
    """The provider that is asked now."""

    name = ""
    # Tokens of output that are the fewest that it takes.
    cut_at = 5
    # Whether prompt-cache marks are its own way to say what to cache.
    marks = False
    # The model that can think, and the one that can see, where it is another one.
    thinks = ""
    sees = ""


cell = Cell()


def matrix(plain=True, stream=True):
    """Makes a function a scenario; it is given whether to stream."""

    def register(function):
        SCENARIOS[function.__name__] = (function, [mode for mode, on in ((False, plain), (True, stream)) if on])
        return function

    return register


def fault(name):
    """A text that makes the provider behind misbehave."""
    return f"Say {QUOTE} scripted:{name} please"


# The words that make the provider behind fail, and what both SDKs call the exception.
FAILURES = {
    "status-400": "BadRequestError",
    "refuse-key": "AuthenticationError",
    "status-403": "PermissionDeniedError",
    "status-404": "NotFoundError",
    "status-413": "APIStatusError",
    "ratelimit": "RateLimitError",
    "status-500": "InternalServerError",
    "overloaded": "InternalServerError",
}


def failures(sdk, refused, create):
    """Makes scenarios of the errors with which a provider answers; `create(text, ...)` asks, `refused(exception, call)` looks at the answer."""
    for name, kind in FAILURES.items():

        def scenario(stream, name=name, kind=kind):
            # AWS says 403 to a key that it does not know.
            kind = "PermissionDeniedError" if name == "refuse-key" and cell.name.startswith("aws-") else kind
            return refused(getattr(sdk, kind), lambda: create(fault(name), stream=stream, extra_headers=ONCE))

        scenario.__name__ = name.replace("-", "_").replace("status_", "error_")
        matrix()(scenario)

    @matrix(plain=False)
    def first_error(stream):
        """An error as a stream's first event is an answer that failed."""
        return refused(sdk.APIStatusError, lambda: create(fault("first-error"), stream=stream, extra_headers=ONCE))

    @matrix()
    def unknown_model(stream):
        return refused(sdk.NotFoundError, lambda: create(model="nobody/no-such-model", stream=stream))

    @matrix()
    def too_large(stream):
        """More than the gateway takes."""
        return refused(sdk.APIStatusError, lambda: create(TOO_LONG, stream=stream))


def breaks(broken):
    """Makes scenarios of answers that break; `broken(words, stream)` asks for one and says what was raised."""
    for name, plain in {"cut-clean": False, "cut-fin": True, "cut-reset": True, "error-event": False}.items():

        def scenario(stream, name=name):
            return broken(fault(name), stream)

        scenario.__name__ = name.replace("-", "_")
        matrix(plain=plain)(scenario)


def enter(wanted):
    """Makes this cell the one that is asked."""
    cell.name, args.model, args.extra = wanted["name"], wanted["model"], wanted.get("with", {})
    cell.cut_at, cell.marks = wanted.get("cut_at", 5), wanted.get("marks", False)
    cell.thinks, cell.sees = wanted.get("thinks", args.model), wanted.get("sees", args.model)


def said(message):
    """An error's words without what differs from run to run."""
    message = re.sub(r"\b(toolu|call|msg|req|resp|fc|rs|chatcmpl)_?-?[A-Za-z0-9_-]{6,}", r"\1_…", message)
    return " ".join(message.split())[:400]


def inner(error):
    """The error object in the body of an exception."""
    body = getattr(error, "body", None)
    found = body.get("error", body) if isinstance(body, dict) else {}
    return found if isinstance(found, dict) else {}


def raised(error):
    """What a user sees of an exception: its kind, the message, and the field where an OpenAI client finds it beside the message."""
    message = said(inner(error).get("message") or str(error))
    param = inner(error).get("param")
    return f"{kind_of(error)}: {message}" + (f" (`param` {param})" if param and param not in message else "")


def kind_of(error):
    """The class of an exception, its status, and the provider's or the gateway's word for it."""
    word = inner(error).get("code") or inner(error).get("type")
    return " ".join(str(part) for part in (type(error).__name__, getattr(error, "status_code", None), word) if part)


def outcome(function, stream):
    try:
        note = function(stream)
    except AssertionError:
        return "FAILED: " + traceback.format_exc()
    except Exception as error:
        if not type(error).__module__.startswith(("openai", "anthropic")):
            traceback.print_exc()
        return raised(error)
    return f"pass: {note}" if note else "pass"


def run():
    """Runs every scenario in every cell that is named in the file, and writes a line of JSON for each outcome."""
    wanted = json.load(open(args.cells, encoding="utf-8"))
    only = set(args.only.split(",")) if args.only else set(SCENARIOS)
    for each in wanted:
        enter(each)
        started = time.monotonic()
        for name, (function, modes) in SCENARIOS.items():
            if name not in only:
                continue
            for stream in modes:
                line = {"cell": cell.name, "scenario": name, "stream": stream, "outcome": outcome(function, stream)}
                print(json.dumps(line, ensure_ascii=False), flush=True)
        print(f"{cell.name}: {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)
