"""Judges requests that reached a provider, by the vendors' own definitions: botocore's model of the Bedrock runtime, Anthropic's types for
the bodies that InvokeModel carries, Google's types of the Gemini API.

`python upstream_requests.py DIRECTORY` reads every `*.json` below it: a recorded request (`target`, `headers`, `body`), or a golden case
(`upstream_request.json` beside its `case.json`). It prints `ok FAMILY COUNT` for what it judged, and each fault with its file.
"""

import base64
import json
import pathlib
import re
import sys
import urllib.parse

import botocore.loaders
import botocore.model
import botocore.serialize
import botocore.validate
from anthropic.types import message_create_params
from google.genai import models as google
from google.genai import types
from pydantic import TypeAdapter, ValidationError

SERVICE = botocore.model.ServiceModel(botocore.loaders.Loader().load_service_model("bedrock-runtime", "service-2"))
OPERATIONS = {
    "converse": "Converse",
    "converse-stream": "ConverseStream",
    "invoke": "InvokeModel",
    "invoke-with-response-stream": "InvokeModelWithResponseStream",
    "count-tokens": "CountTokens",
}


def refuse(condition, message):
    if condition:
        raise ValueError(message)


def native(shape, value, at):
    """A JSON value as botocore takes it, and what botocore itself does not look at: words, patterns and upper bounds."""
    meta = shape.metadata
    if shape.type_name == "structure":
        if shape.is_document_type:
            return value
        refuse(not isinstance(value, dict), f"{at}: no object")
        for name in value:
            refuse(name not in shape.members, f"{at}.{name}: unknown")
        return {name: native(shape.members[name], member, f"{at}.{name}") for name, member in value.items()}
    if shape.type_name == "list":
        refuse(len(value) > meta.get("max", sys.maxsize), f"{at}: {len(value)} elements")
        return [native(shape.member, member, f"{at}[{index}]") for index, member in enumerate(value)]
    if shape.type_name == "map":
        refuse(len(value) > meta.get("max", sys.maxsize), f"{at}: {len(value)} members")
        return {native(shape.key, key, at): native(shape.value, member, f"{at}.{key}") for key, member in value.items()}
    if shape.type_name == "blob":
        data = base64.b64decode(value, validate=True)
        refuse(len(data) > meta.get("max", sys.maxsize), f"{at}: {len(data)} bytes")
        return data
    if shape.type_name == "string":
        refuse(not isinstance(value, str), f"{at}: {value!r} is no text")
        words = getattr(shape, "enum", None)
        refuse(words and value not in words, f"{at}: {value!r} is none of {words}")
        refuse(len(value) > meta.get("max", sys.maxsize), f"{at}: {len(value)} characters")
        pattern = meta.get("pattern")
        refuse(pattern and not re.fullmatch(pattern, value), f"{at}: {value!r} does not match {pattern}")
    if shape.type_name in ("integer", "long", "float", "double"):
        refuse(isinstance(value, bool) or not isinstance(value, (int, float)), f"{at}: {value!r} is no number")
        refuse(value > meta.get("max", sys.maxsize), f"{at}: {value} is too large")
        # JSON has but one kind of number.
        if shape.type_name in ("integer", "long") and float(value).is_integer():
            return int(value)
    return value


def aws(target, headers, body):
    path = target.split("?")[0]
    match = re.fullmatch(r"(?:/[^/]+)*?/model/([^/]+)/([a-z-]+)", path)
    refuse(not match, f"no path of the Bedrock runtime: {path}")
    operation = OPERATIONS[match[2]]
    model = SERVICE.operation_model(operation)
    identifier = urllib.parse.unquote(match[1])
    refuse(urllib.parse.quote(identifier, safe="-._~") != match[1], f"the id is not encoded as AWS does: {match[1]}")
    document = json.loads(body)
    if operation.startswith("InvokeModel"):
        invoke(document)
        names = {name.lower(): value for name, value in headers}
        params = {"modelId": identifier, "body": body.encode()}
        for name, member in model.input_shape.members.items():
            wire = member.serialization.get("name", "").lower()
            if member.serialization.get("location") == "header" and wire in names:
                params[name] = native(member, names[wire], wire)
        refuse(names.get("content-type") != "application/json", f"content-type: {names.get('content-type')}")
    else:
        members = {"modelId": native(model.input_shape.members["modelId"], identifier, "modelId")}
        shape = model.input_shape
        params = {**native(shape, document, "body"), **members}
    report = botocore.validate.ParamValidator().validate(params, model.input_shape)
    refuse(report.has_errors(), report.generate_report())
    serialized = botocore.serialize.create_serializer("rest-json").serialize_to_request(params, model)
    sent = path[path.index("/model/") :]
    refuse(serialized["url_path"] != sent, f"botocore would send {serialized['url_path']}, not {sent}")
    again = json.loads(serialized["body"])
    refuse(again != document, f"botocore would send another body: {again}")


MESSAGES = TypeAdapter(message_create_params.MessageCreateParamsNonStreaming)


def invoke(document):
    refuse("model" in document or "stream" in document, "model and stream stand elsewhere")
    refuse(document.get("anthropic_version") != "bedrock-2023-05-31", "anthropic_version")
    known = set(message_create_params.MessageCreateParamsBase.__annotations__) | {"anthropic_version", "anthropic_beta"}
    unknown = set(document) - known - {"context_management"}
    refuse(unknown, f"unknown members: {sorted(unknown)}")
    exhaust(MESSAGES.validate_python({**document, "model": "-"}))


def exhaust(value):
    """What is only judged when it is read is read."""
    if isinstance(value, dict):
        value = value.values()
    if not isinstance(value, (str, bytes)) and hasattr(value, "__iter__"):
        for member in value:
            exhaust(member)


def plain(value):
    """A converted value as the JSON that Google's SDK would send."""
    if hasattr(value, "model_dump"):
        return plain(value.model_dump(mode="json", by_alias=True, exclude_none=True))
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items() if member is not None}
    if isinstance(value, (list, tuple)):
        return [plain(member) for member in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return getattr(value, "value", value)


def numbers(value):
    """The same with every number a float and base64 in one alphabet, to compare by value."""
    if isinstance(value, dict):
        return {name: numbers(member) for name, member in value.items()}
    if isinstance(value, list):
        return [numbers(member) for member in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9+/_-]+=*", value):
        return value.replace("-", "+").replace("_", "/")
    return value


GOOGLE = {
    "contents": lambda value: [google._Content_to_mldev(types.Content.model_validate(one)) for one in value],
    "systemInstruction": lambda value: google._Content_to_mldev(types.Content.model_validate(value)),
    "tools": lambda value: [google._Tool_to_mldev(types.Tool.model_validate(one)) for one in value],
    "toolConfig": lambda value: google._ToolConfig_to_mldev(types.ToolConfig.model_validate(value)),
    "safetySettings": lambda value: [google._SafetySetting_to_mldev(types.SafetySetting.model_validate(one)) for one in value],
    "cachedContent": TypeAdapter(str).validate_python,
    "labels": TypeAdapter(dict[str, str]).validate_python,
    "serviceTier": TypeAdapter(types.ServiceTier).validate_python,
}


def generation_config(value):
    """The SDK's flat configuration: what it knows and the Gemini API takes."""
    parent, own = {}, google._GenerateContentConfig_to_mldev
    names = {types.GenerateContentConfig.model_fields[name].alias or name: name for name in types.GenerateContentConfig.model_fields}
    unknown = set(value) - set(names)
    refuse(unknown, f"generationConfig: unknown members {sorted(unknown)}")
    return own(None, types.GenerateContentConfig.model_validate(value), parent)


def gemini(target, headers, body):
    names = {name.lower() for name, _ in headers}
    refuse(headers and ("x-goog-api-key" not in names or "authorization" in names), "the key stands in another header")
    match = re.search(r"/(?:models|tunedModels)/[^/:]+:(generateContent|streamGenerateContent\?alt=sse)$", target)
    refuse(not match, f"no path of the Gemini API: {target}")
    document = json.loads(body)
    unknown = set(document) - set(GOOGLE) - {"generationConfig"}
    refuse(unknown, f"unknown members: {sorted(unknown)}")
    for name, value in document.items():
        convert = generation_config if name == "generationConfig" else GOOGLE[name]
        again, wire = numbers(plain(convert(value))), numbers(value)
        refuse(again != wire, f"{name}: Google would send {again}, not {wire}")


def requests(root):
    for file in sorted(pathlib.Path(root).rglob("*.json")):
        if file.name == "upstream_request.json":
            path = json.loads((file.parent / "case.json").read_text()).get("upstream_path")
            yield file, path or "", [("content-type", "application/json")], file.read_text()
        elif file.parent == pathlib.Path(root):
            recorded = json.loads(file.read_text())
            yield file, recorded["target"], recorded["headers"], recorded["body"]


def main():
    counts, failed = {}, 0
    for file, target, headers, body in requests(sys.argv[1]):
        if "/model/" in target:
            family, judge = "bedrock", aws
        elif "enerateContent" in target:
            family, judge = "gemini", lambda target, headers, body: gemini(target, [] if file.name == "upstream_request.json" else headers, body)
        else:
            continue
        try:
            judge(target, headers, body)
        except (ValueError, ValidationError) as error:
            failed += 1
            print(f"FAILED {file} {target}\n{error}\n{body}")
        counts[family] = counts.get(family, 0) + 1
    for family, count in counts.items():
        print(f"ok {family} {count}")
    raise SystemExit(1 if failed else 0)


main()
