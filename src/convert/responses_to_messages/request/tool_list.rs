//! Writing `tools`.

use bytes::{BufMut, BytesMut};
use serde_json::value::RawValue;

use crate::codec::write::{self, Object};
use crate::convert::anthropic_out::cache::{Out, Section};
use crate::convert::context::RequestContext;
use crate::convert::json_schema;
use crate::convert::report::Refusal;
use crate::convert::responses_request::checks::report_unknown;
use crate::convert::responses_request::path;
use crate::convert::responses_request::tools::{Entry, Kind, Tools};
use crate::format::raw::RawStr;
use crate::format::walk;

const EMPTY_SCHEMA: &[u8] = b"{\"type\":\"object\",\"properties\":{}}";
/// The parameters that stand for a freeform tool's input.
const INPUT_SCHEMA: &[u8] =
    b"{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\"}},\
\"required\":[\"input\"],\"additionalProperties\":false}";

/// Writes `tools`, where there are any. `max_uses`: how many times the provider may run its own.
pub(super) fn write(
    out: &mut Out,
    tools: &Tools<'_>,
    max_uses: Option<u64>,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    if tools.list.is_empty() && tools.stubs.is_empty() {
        return Ok(());
    }
    out.member("tools");
    let mut separator = b'[';
    // Anthropic's own code execution is never asked for here.
    let asked = tools.list.iter().filter(|entry| entry.kind != Kind::Code);
    for entry in asked {
        out.buf.put_u8(separator);
        separator = b',';
        match entry.kind {
            Kind::Function => function(out, entry, cx)?,
            Kind::Custom => custom(out, entry, cx),
            Kind::WebSearch => web_search(out, entry, max_uses, cx),
            Kind::Mcp => mcp_toolset(out, entry),
            Kind::Code => {}
        }
        out.end_block();
        if let Some(ttl) = entry.mark {
            out.mark(Section::Tools, ttl);
        }
    }
    for name in &tools.stubs {
        out.buf.put_u8(separator);
        separator = b',';
        out.buf.extend_from_slice(b"{\"name\":");
        write::string(&mut out.buf, name);
        out.buf.extend_from_slice(
            b",\"description\":\"unavailable\",\"input_schema\":{\"type\":\"object\"}}",
        );
    }
    out.buf.put_u8(b']');
    Ok(())
}

/// Writes `mcp_servers`, where there are any; whether there are.
pub(super) fn write_mcp_servers(out: &mut Out, tools: &Tools<'_>) -> bool {
    let mut any = false;
    for entry in tools.list.iter().filter(|entry| entry.kind == Kind::Mcp) {
        if any {
            out.buf.put_u8(b',');
        } else {
            out.member("mcp_servers");
            out.buf.put_u8(b'[');
            any = true;
        }
        let mut server = Object::begin(&mut out.buf);
        server.string("type", "url").string("name", &entry.name);
        for (member, value) in [
            ("url", entry.tool.server_url),
            ("authorization_token", entry.tool.authorization),
        ] {
            if let Some(value) = value {
                server.raw(member, value.json());
            }
        }
        server.end();
    }
    if any {
        out.buf.put_u8(b']');
    }
    any
}

/// The tools of an MCP server; only the allowed ones, where the client names any.
fn mcp_toolset(out: &mut Out, entry: &Entry<'_>) {
    let buf = &mut out.buf;
    buf.extend_from_slice(b"{\"type\":\"mcp_toolset\",\"mcp_server_name\":");
    write::string(buf, &entry.name);
    let Some(allowed) = entry.tool.allowed_tools.map(RawValue::get) else {
        return;
    };
    // A list, or a filter that holds one.
    let names = walk::member(allowed, "tool_names").unwrap_or(allowed);
    buf.extend_from_slice(b",\"default_config\":{\"enabled\":false},\"configs\":{");
    let mut first = true;
    for name in walk::elements(names).filter_map(RawStr::from_json) {
        buf.extend_from_slice(if first { b"" } else { b"," });
        first = false;
        buf.extend_from_slice(name.json().as_bytes());
        buf.extend_from_slice(b":{\"enabled\":true}");
    }
    buf.put_u8(b'}');
}

/// Writes name and description; `more` is appended to the latter, as raw JSON text without quotes.
fn head(out: &mut Out, entry: &Entry<'_>, more: &[&str]) {
    out.buf.extend_from_slice(b"{\"name\":");
    write::string(&mut out.buf, &entry.sent);
    let paragraphs = [entry.introduction, entry.tool.description];
    let paragraphs = paragraphs.into_iter().flatten().map(RawStr::content);
    let mut separator = ",\"description\":\"";
    for paragraph in paragraphs.filter(|text| !text.is_empty()) {
        out.buf.extend_from_slice(separator.as_bytes());
        out.buf.extend_from_slice(paragraph.as_bytes());
        separator = "\\n\\n";
    }
    if !more.is_empty() {
        out.buf.extend_from_slice(separator.as_bytes());
        separator = "\\n\\n";
        for piece in more {
            out.buf.extend_from_slice(piece.as_bytes());
        }
    }
    if separator == "\\n\\n" {
        out.buf.put_u8(b'"');
    }
}

fn function(out: &mut Out, entry: &Entry<'_>, cx: &mut RequestContext<'_>) -> Result<(), Refusal> {
    head(out, entry, &[]);
    let mut strict = entry.tool.strict == Some(true);
    if strict && !cx.capabilities.structured_outputs {
        strict = false;
        cx.report.drop_field("tools[].strict");
    }
    out.buf.extend_from_slice(b",\"input_schema\":");
    let parameters = entry.tool.parameters.map(RawValue::get);
    let at = || format!("{}.parameters", entry.at);
    if write_parameters(&mut out.buf, parameters, strict, cx.lossy, at)? {
        cx.report.approximate("tools[].parameters");
    }
    if strict {
        out.buf.extend_from_slice(b",\"strict\":true");
    }
    Ok(())
}

/// Writes a function's parameters as a schema that Anthropic takes; whether that changed them.
fn write_parameters(
    out: &mut BytesMut,
    parameters: Option<&str>,
    strict: bool,
    lossy: bool,
    at: impl Fn() -> String,
) -> Result<bool, Refusal> {
    let parameters = parameters.unwrap_or("{}");
    if !walk::is_object(parameters) {
        return Err(path::wrong_type(at()));
    }
    if walk::members(parameters).next().is_none() {
        out.extend_from_slice(EMPTY_SCHEMA);
        return Ok(false);
    }
    let typed;
    let schema = match walk::member(parameters, "type") {
        Some(kind) if RawStr::from_json(kind).is_some_and(|kind| kind.is("object")) => parameters,
        Some(_) => {
            return Err(Refusal::unsupported(
                format!("{}.type", at()),
                "Anthropic takes parameters of type `object` only",
            ));
        }
        None => {
            let combined = ["anyOf", "oneOf", "allOf"];
            if combined
                .iter()
                .any(|word| walk::member(parameters, word).is_some())
            {
                return Err(Refusal::unsupported(
                    at(),
                    "Anthropic takes no `anyOf`, `oneOf` or `allOf` in place of an object",
                ));
            }
            let mut text = String::with_capacity(parameters.len() + 20);
            text.push_str("{\"type\":\"object\"");
            for (key, value) in walk::members(parameters).filter(|(key, _)| !key.is("type")) {
                text.push(',');
                text.push_str(key.json());
                text.push(':');
                text.push_str(value);
            }
            text.push('}');
            typed = text;
            &typed
        }
    };
    if !strict {
        out.extend_from_slice(schema.as_bytes());
        return Ok(false);
    }
    json_schema::write_sanitised(schema, lossy, out)
        .map_err(|error| Refusal::unsupported(format!("{}{}", at(), error.path), error.message))
}

fn custom(out: &mut Out, entry: &Entry<'_>, cx: &mut RequestContext<'_>) {
    cx.report.approximate("tools[].type");
    let format = entry.tool.format.as_ref();
    let grammar = format.filter(|format| format.kind.is_some_and(|kind| kind.is("grammar")));
    match grammar {
        Some(grammar) => {
            cx.report.approximate("tools[].format");
            let syntax = grammar.syntax.map(RawStr::content).unwrap_or_default();
            let definition = grammar.definition.map(RawStr::content).unwrap_or_default();
            let pieces = [
                "The value of `input` must match this ",
                syntax,
                " grammar:\\n",
                definition,
            ];
            head(out, entry, &pieces);
        }
        None => head(out, entry, &[]),
    }
    out.buf.extend_from_slice(b",\"input_schema\":");
    out.buf.extend_from_slice(INPUT_SCHEMA);
}

/// Anthropic's basic web search: later versions run code, which not every host does.
fn web_search(
    out: &mut Out,
    entry: &Entry<'_>,
    max_uses: Option<u64>,
    cx: &mut RequestContext<'_>,
) {
    let buf = &mut out.buf;
    buf.extend_from_slice(b"{\"type\":\"web_search_20250305\",\"name\":\"web_search\"");
    if let Some(filters) = &entry.tool.filters {
        for (name, list) in [
            ("allowed_domains", filters.allowed_domains),
            ("blocked_domains", filters.blocked_domains),
        ] {
            let list = list.map(RawValue::get).unwrap_or_default();
            if walk::elements(list).next().is_some() {
                buf.extend_from_slice(b",\"");
                buf.extend_from_slice(name.as_bytes());
                buf.extend_from_slice(b"\":");
                buf.extend_from_slice(list.as_bytes());
            }
        }
        report_unknown(&filters.unknown, "tools[].filters.", cx);
    }
    if let Some(place) = &entry.tool.user_location {
        buf.extend_from_slice(b",\"user_location\":{\"type\":\"approximate\"");
        for (name, value) in [
            ("country", place.country),
            ("city", place.city),
            ("region", place.region),
            ("timezone", place.timezone),
        ] {
            let Some(value) = value else { continue };
            buf.extend_from_slice(b",\"");
            buf.extend_from_slice(name.as_bytes());
            buf.extend_from_slice(b"\":");
            buf.extend_from_slice(value.json().as_bytes());
        }
        buf.put_u8(b'}');
        report_unknown(&place.unknown, "tools[].user_location.", cx);
    }
    if let Some(max) = max_uses {
        cx.report.approximate("max_tool_calls");
        buf.extend_from_slice(b",\"max_uses\":");
        write::uint(buf, max);
    }
}
