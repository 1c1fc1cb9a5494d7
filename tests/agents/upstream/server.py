"""The provider's HTTP side: paths, refusals, troubles, streams, records."""

import json
import os
import re
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from . import answer_bedrock, answer_chat, answer_gemini, answer_messages, answer_responses
from . import read_chat, read_converse, read_gemini, read_messages, read_responses
from .event_stream import chunk, event, exception, signature_error
from .script import plan

SSE = "text/event-stream; charset=utf-8"
LONGEST_SILENCE = 120
# What happens to the first request of a nonce.
TROUBLES = ("overload1", "cut", "errevent")
SECRET_HEADERS = ("authorization", "x-api-key", "x-goog-api-key", "x-amz-security-token")


class Provider(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, settings):
        super().__init__(("127.0.0.1", settings.port), Handler)
        self.settings, self.lock = settings, threading.Lock()
        self.count, self.seen = 0, set()

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def setup(self):
        super().setup()
        self.connection.settimeout(LONGEST_SILENCE)

    def do_GET(self):
        self.send(404, {"error": {"type": "not_found_error", "message": "no such path"}})

    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            body = json.loads(raw)
        except ValueError:
            return self.send(400, {"error": {"type": "invalid_request_error", "message": "not JSON"}})
        try:
            self.dispatch(urllib.parse.unquote(self.path.split("?")[0]), body, raw)
        except ConnectionError:
            self.close_connection = True

    def dispatch(self, path, body, raw):
        found = re.search(r"/model/(.+)/(converse|converse-stream|invoke|invoke-with-response-stream)$", path)
        if found:
            return self.on_bedrock(found[1], found[2], body, raw)
        found = re.search(r"/models/([^/]+):(generateContent|streamGenerateContent)$", path)
        if found:
            return self.on_gemini(found[1], found[2], body)
        if path.endswith("/messages/count_tokens"):
            return self.send(200, {"input_tokens": max(1, len(raw) // 4)})
        if path.endswith("/messages"):
            return self.on_messages(body)
        if path.endswith("/responses"):
            return self.on_responses(body)
        if path.endswith("/chat/completions"):
            dialects = ("groq", "gemini", "perplexity", "compatible")
            return self.on_chat(body, next((name for name in dialects if f"/{name}/" in path), "openai"))
        self.send(404, {"error": {"type": "not_found_error", "message": f"no such path: {path}"}})

    # What is common to all formats.

    def begin(self, body, view, overloaded):
        """Plans and records the answer: the turn, its trouble, and its status."""
        # Only who asks for nothing else: agents that merely offer a search get none.
        view.searches &= all(tool.kind == "server" for tool in view.tools)
        turn = plan(view)
        trouble = self.trouble(turn)
        status = 400 if view.errors else overloaded if trouble == "overload1" else 200
        self.record(body, view, status)
        return turn, trouble, status

    def trouble(self, turn):
        if turn.nonce is None or turn.scenario not in TROUBLES:
            return None
        with self.server.lock:
            first = turn.nonce not in self.server.seen
            self.server.seen.add(turn.nonce)
        return turn.scenario if first else None

    def record(self, body, view, status):
        with self.server.lock:
            self.server.count += 1
            number = self.server.count
        line = {"n": number, "path": self.path, "status": status, "notes": view.notes, "errors": view.errors}
        print(json.dumps(line), file=sys.stderr, flush=True)
        if self.server.settings.record:
            headers = {name: "***" if name.lower() in SECRET_HEADERS else value for name, value in self.headers.items()}
            with open(os.path.join(self.server.settings.record, f"{number:04}.json"), "w") as file:
                json.dump(dict(line, headers=headers, body=body), file, indent=1, ensure_ascii=False)

    def send(self, status, value, headers=()):
        data = json.dumps(value).encode()
        self.send_response(status)
        for name, text in [("content-type", "application/json"), ("content-length", str(len(data))), *headers]:
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)

    def stream(self, kind, parts, trouble, cut_short, headers=()):
        """Sends the parts of a stream. With trouble it ends in the middle, for `errevent` with `cut_short`."""
        parts = list(parts)
        if trouble:
            parts = parts[: len(parts) // 2] + ([cut_short] if trouble == "errevent" else [])
        self.send_response(200)
        for name, text in [("content-type", kind), ("transfer-encoding", "chunked"), *headers]:
            self.send_header(name, text)
        self.end_headers()
        for part in parts + [b""]:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.flush()

    # One for each format.

    def on_messages(self, body):
        view = read_messages.read(body)
        answer = answer_messages
        turn, trouble, status = self.begin(body, view, answer.OVERLOADED)
        if status != 200:
            return self.send(status, answer.refusal(status, said(view)), answer.HEADERS + later(status))
        if not view.stream:
            return self.send(200, answer.message(view, turn), answer.HEADERS)
        parts = [sse(value, name) for name, value in answer.events(view, turn)]
        self.stream(SSE, parts, trouble, sse(*answer.CUT_SHORT[::-1]), answer.HEADERS)

    def on_responses(self, body):
        view = read_responses.read(body)
        answer = answer_responses
        turn, trouble, status = self.begin(body, view, answer.OVERLOADED)
        if status != 200:
            return self.send(status, answer.refusal(status, said(view)), answer.HEADERS + later(status))
        output = answer.items(view, turn)
        if not view.stream:
            return self.send(200, answer.response(body, view, output), answer.HEADERS)
        numbered = enumerate([*answer.events(body, view, output), answer.cut_short(body, view)])
        *parts, cut_short = [sse({"type": name, "sequence_number": at, **value}, name) for at, (name, value) in numbered]
        self.stream(SSE, parts, trouble, cut_short, answer.HEADERS)

    def on_chat(self, body, dialect):
        view = read_chat.read(body, dialect)
        answer = answer_chat
        turn, trouble, status = self.begin(body, view, answer.OVERLOADED)
        if status != 200:
            return self.send(status, answer.refusal(status, said(view), dialect), later(status))
        if not view.stream:
            return self.send(200, answer.completion(view, turn, dialect))
        usage = (body.get("stream_options") or {}).get("include_usage")
        parts = [sse(value) for value in answer.chunks(view, turn, dialect, usage)]
        self.stream(SSE, parts + [sse("[DONE]")], trouble, sse(answer.CUT_SHORT))

    def on_gemini(self, model, operation, body):
        view = read_gemini.read(body, model)
        answer = answer_gemini
        turn, trouble, status = self.begin(body, view, answer.OVERLOADED)
        if status != 200:
            return self.send(status, answer.refusal(status, said(view)), later(status))
        if operation == "generateContent":
            return self.send(200, answer.response(model, answer.parts(turn), True, answer.grounded(view, turn)))
        parts = [sse(value) for value in answer.events(view, turn)]
        self.stream(SSE, parts, trouble, sse(answer.refusal(503, "boom")))

    def on_bedrock(self, model, operation, body, raw):
        invoke = operation.startswith("invoke")
        answer = answer_bedrock
        if invoke:
            view = read_messages.read(dict(body, model=model))
            view.errors += [f"{key}: Extra inputs are not permitted" for key in ("model", "stream", "context_management") if key in body]
            if body.get("anthropic_version") != "bedrock-2023-05-31":
                view.errors.append("anthropic_version: Field required")
        else:
            view = read_converse.read(body)
        unsigned = signature_error("POST", self.path, self.headers, raw, self.server.settings.aws_secret)
        view.errors += [unsigned] if unsigned else []
        turn, trouble, status = self.begin(body, view, answer.OVERLOADED)
        if status != 200:
            return self.send(status, answer.refusal(status, said(view)), answer.refusal_headers(status))
        if "stream" not in operation:
            maker = answer_messages if invoke else answer
            return self.send(200, maker.message(view, turn), answer.HEADERS)
        if invoke:
            events = [value for _, value in answer_messages.events(view, turn)]
            events[-1]["amazon-bedrock-invocationMetrics"] = answer.METRICS
            parts = [chunk(value, padding(at)) for at, value in enumerate(events)]
            cut_short = exception("modelStreamErrorException", "boom")
        else:
            parts = [event(name, dict(value, p=padding(at))) for at, (name, value) in enumerate(answer.events(view, turn))]
            cut_short = exception("throttlingException", "slow down")
        self.stream(answer.TYPE, parts, trouble, cut_short, answer.HEADERS)


def said(view):
    return "; ".join(view.errors) or "overloaded"


def later(status):
    """The header of an answer after which another try is welcome."""
    return [] if status == 400 else [("retry-after", "1")]


def sse(value, name=None):
    text = value if isinstance(value, str) else json.dumps(value)
    return ((f"event: {name}\n" if name else "") + f"data: {text}\n\n").encode()


def padding(at):
    """AWS pads its events to hide their lengths."""
    return "abcdefgh"[: at % 9]


def serve(settings):
    if settings.record:
        os.makedirs(settings.record, exist_ok=True)
    server = Provider(settings)
    print(f"listening on http://127.0.0.1:{server.server_address[1]}", file=sys.stderr, flush=True)
    server.serve_forever()
