"""AWS's event streams and signatures, as far as the provider's side of them goes."""

import base64
import hashlib
import hmac
import json
import re
import struct
import urllib.parse
import zlib

SCHEME = "AWS4-HMAC-SHA256"


def frame(headers, payload):
    """One message: lengths, their checksum, headers of strings, payload, checksum."""
    head = b""
    for name, value in headers.items():
        name, value = name.encode(), value.encode()
        head += bytes([len(name)]) + name + b"\x07" + struct.pack(">H", len(value)) + value
    lengths = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    message = lengths + struct.pack(">I", zlib.crc32(lengths)) + head + payload
    return message + struct.pack(">I", zlib.crc32(message))


def event(kind, value):
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, json.dumps(value, separators=(",", ":")).encode())


def exception(kind, message):
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return frame(headers, json.dumps({"message": message}).encode())


def chunk(value, padding):
    """What InvokeModel wraps an event of the model's own stream in."""
    return event("chunk", {"bytes": base64.b64encode(json.dumps(value).encode()).decode(), "p": padding})


def signature_error(method, path, headers, body, secret):
    """What AWS would say of the request's signature; None when it is right."""
    stated = headers.get("authorization", "")
    if not stated.startswith(SCHEME + " "):
        return "Missing Authentication Token"
    fields = dict(re.findall(r"(Credential|SignedHeaders|Signature)=([^,\s]+)", stated))
    scope = fields.get("Credential", "").split("/")[1:]
    path, _, query = path.partition("?")
    # What was sent is encoded already, and is encoded once more.
    path = "/".join(urllib.parse.quote(segment, safe="-_.~") for segment in path.split("/"))
    query = "&".join(sorted(query.split("&"))) if query else ""
    names = fields.get("SignedHeaders", "").split(";")
    signed = "".join(f"{name}:{' '.join((headers.get(name) or '').split())}\n" for name in names)
    digest = hashlib.sha256(body).hexdigest()
    canonical = "\n".join([method, path, query, signed, ";".join(names), digest])
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = "\n".join([SCHEME, headers.get("x-amz-date", ""), "/".join(scope), hashed])
    key = ("AWS4" + secret).encode()
    for part in scope:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    right = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    if right != fields.get("Signature") or scope[2:] != ["bedrock", "aws4_request"]:
        return "The request signature we calculated does not match the signature you provided."
    return None
