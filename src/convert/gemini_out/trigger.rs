//! Which requests need Google's native API: those that ask for tools that its OpenAI-compatible endpoint does not know.
//!
//! Decided on the bytes that were scanned already: no part of the request is read but its tools.

use std::borrow::Cow;

use super::tools::Builtin;
use crate::codec::scan::{elements, members};
use crate::convert::responses_request::tools::{CODE_INTERPRETER, is_web_search};
use crate::format::raw::RawStr;
use crate::format::walk;

/// A tool of Google's in a Chat request's `tools`, and its configuration as JSON text.
pub(crate) fn chat_tool(tool: &str) -> Option<(Builtin, Cow<'_, str>)> {
    let value = |name: &str| walk::member(tool, name);
    for (key, config) in walk::members(tool) {
        if config != "null"
            && let Some(builtin) = Builtin::from_name(&key.decode())
        {
            return Some((builtin, Cow::Borrowed(config)));
        }
    }
    let kind = value("type").and_then(RawStr::from_json)?.decode();
    if let Some(builtin) = Builtin::from_name(&kind) {
        return Some((builtin, without_type(tool)));
    }
    if kind != "function" {
        return None;
    }
    let function = value("function")?;
    let name = walk::member(function, "name").and_then(RawStr::from_json)?;
    let builtin = Builtin::from_name(&name.decode())?;
    let parameters = walk::member(function, "parameters").unwrap_or_default();
    let properties = walk::member(parameters, "properties").unwrap_or_default();
    if walk::members(properties).next().is_some() {
        // A function of the client's that happens to be called so.
        return None;
    }
    let is_schema = ["type", "properties", "$schema", "additionalProperties"]
        .into_iter()
        .any(|keyword| walk::member(parameters, keyword).is_some());
    let config = if is_schema { "{}" } else { parameters };
    Some((builtin, Cow::Borrowed(config)))
}

/// The object without its `type`, which some clients put beside the configuration's members.
fn without_type(tool: &str) -> Cow<'_, str> {
    let mut rest = String::from("{");
    for (key, value) in walk::members(tool) {
        if key.is("type") {
            continue;
        }
        if rest.len() > 1 {
            rest.push(',');
        }
        rest.push_str(key.json());
        rest.push(':');
        rest.push_str(value);
    }
    rest.push('}');
    Cow::Owned(rest)
}

/// Whether a Chat request needs the native API. `body` was scanned: it is valid JSON.
pub(crate) fn chat(body: &[u8]) -> bool {
    let mut tools = None;
    for member in members(body, 0..body.len()) {
        match &*member.key {
            "web_search_options" if body.get(member.value.clone()) != Some(b"null") => return true,
            "tools" => tools = Some(member.value),
            _ => {}
        }
    }
    let Some(tools) = tools else { return false };
    elements(body, tools).any(|tool| {
        let text = body
            .get(tool)
            .and_then(|tool| std::str::from_utf8(tool).ok());
        text.is_some_and(|tool| chat_tool(tool).is_some())
    })
}

/// A tool in a Responses request's `tools` that Google runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResponsesTool {
    Search,
    Code,
}

/// What Google runs for a tool of this type. Not what is another thing there: a search that must not go to the web, code that
/// works on files stored at OpenAI.
pub(crate) fn responses_tool(
    kind: &str,
    external_web_access: Option<&str>,
    container: Option<&str>,
) -> Option<ResponsesTool> {
    if is_web_search(kind) {
        return (external_web_access != Some("false")).then_some(ResponsesTool::Search);
    }
    if kind != CODE_INTERPRETER {
        return None;
    }
    let container = container.unwrap_or_default();
    let is_stored = RawStr::from_json(container).is_some();
    let files = walk::member(container, "file_ids").unwrap_or_default();
    let own_files = walk::elements(files).next().is_some();
    (!is_stored && !own_files).then_some(ResponsesTool::Code)
}

/// Whether a Responses request needs the native API. `body` was scanned: it is valid JSON.
pub(crate) fn responses(body: &[u8]) -> bool {
    let tools = members(body, 0..body.len()).filter(|member| &*member.key == "tools");
    let Some(tools) = tools.last() else {
        return false;
    };
    elements(body, tools.value).any(|tool| {
        let tool = body
            .get(tool)
            .and_then(|tool| std::str::from_utf8(tool).ok())
            .unwrap_or_default();
        let Some(kind) = walk::member(tool, "type").and_then(RawStr::from_json) else {
            return false;
        };
        let access = walk::member(tool, "external_web_access");
        let container = walk::member(tool, "container");
        responses_tool(&kind.decode(), access, container).is_some()
    })
}

/// The tool of Google's that does what one does that Anthropic runs itself; `kind` is its type.
pub(crate) fn messages_tool(kind: &str) -> Option<Builtin> {
    [
        ("web_search_", Builtin::GoogleSearch),
        ("web_fetch_", Builtin::UrlContext),
        ("code_execution_", Builtin::CodeExecution),
    ]
    .into_iter()
    .find(|(start, _)| kind.starts_with(start))
    .map(|(_, tool)| tool)
}

/// Whether a Messages request needs the native API. `body` was scanned: it is valid JSON.
pub(crate) fn messages(body: &[u8]) -> bool {
    let tools = members(body, 0..body.len()).filter(|member| member.key == "tools");
    // As everywhere, the last of members that stand twice counts.
    let Some(tools) = tools.last() else {
        return false;
    };
    elements(body, tools.value).any(|tool| {
        let text = body
            .get(tool)
            .and_then(|tool| std::str::from_utf8(tool).ok());
        text.and_then(|tool| RawStr::from_json(walk::member(tool, "type")?))
            .is_some_and(|kind| messages_tool(&kind.decode()).is_some())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_compatible_endpoint_does_not_know() {
        for (body, native) in [
            (r#"{"web_search_options":{}}"#, true),
            (
                r#"{"web_search_options":{"search_context_size":"low"}}"#,
                true,
            ),
            (r#"{"web_search_options":null}"#, false),
            (r#"{"tools":[{"googleSearch":{}}]}"#, true),
            (r#"{"tools":[{"google_search":{}}]}"#, true),
            (r#"{"tools":[{"google_search":null}]}"#, false),
            (r#"{"\u0074ools":[{"url\u0043ontext":{}}]}"#, true),
            (r#"{"tools":[{"type":"codeExecution"}]}"#, true),
            (
                r#"{"tools":[{"type":"file_search","vector_store_ids":[]}]}"#,
                true,
            ),
            (r#"{"tools":[{"googleSearchRetrieval":{}}]}"#, true),
            (r#"{"tools":[{"googleMaps":{}}]}"#, true),
            (
                r#"{"tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"url_context","parameters":{}}}]}"#,
                true,
            ),
            (
                r#"{"tools":[{"type":"function","function":{"name":"googleSearch","parameters":{"type":"object","properties":{"q":{}}}}}]}"#,
                false,
            ),
            (
                r#"{"tools":[{"type":"function","function":{"name":"f"}}]}"#,
                false,
            ),
            (
                r#"{"tools":[{"type":"custom","custom":{"name":"googleSearch"}}]}"#,
                false,
            ),
            (r#"{"tools":[7,"googleSearch",null,[]]}"#, false),
            (r#"{"tools":{"googleSearch":{}}}"#, false),
            (
                r#"{"messages":[{"tools":[{"googleSearch":{}}],"web_search_options":{}}]}"#,
                false,
            ),
            (r#"{"model":"googleSearch"}"#, false),
            ("{}", false),
        ] {
            assert_eq!(chat(body.as_bytes()), native, "{body}");
        }
    }

    #[test]
    fn responses_requests_with_tools_that_google_runs() {
        for (body, native) in [
            (r#"{"tools":[{"type":"web_search"}]}"#, true),
            (r#"{"tools":[{"type":"web_search_preview"}]}"#, true),
            (
                r#"{"tools":[{"type":"web_search_preview_2025_03_11"}]}"#,
                true,
            ),
            (r#"{"tools":[{"type":"web_search_2025_08_26"}]}"#, true),
            (
                r#"{"tools":[{"type":"function"},{"type":"web_search"}]}"#,
                true,
            ),
            (
                r#"{"tools":[{"type":"web_search","external_web_access":false}]}"#,
                false,
            ),
            (
                r#"{"tools":[{"type":"web_search","external_web_access":true}]}"#,
                true,
            ),
            (r#"{"tools":[{"type":"code_interpreter"}]}"#, true),
            (
                r#"{"tools":[{"type":"code_interpreter","container":{"type":"auto"}}]}"#,
                true,
            ),
            (
                r#"{"tools":[{"type":"code_interpreter","container":{"type":"auto","file_ids":["f"]}}]}"#,
                false,
            ),
            (
                r#"{"tools":[{"type":"code_interpreter","container":"cntr_1"}]}"#,
                false,
            ),
            (r#"{"tools":[{"type":"file_search"}]}"#, false),
            (
                r#"{"tools":[{"type":"function","name":"web_search"}]}"#,
                false,
            ),
            (r#"{"tools":[7,{}]}"#, false),
            (r#"{"input":[{"tools":[{"type":"web_search"}]}]}"#, false),
            ("{}", false),
        ] {
            assert_eq!(responses(body.as_bytes()), native, "{body}");
        }
    }

    #[test]
    fn messages_need_it_for_what_anthropic_runs_itself() {
        for (body, native) in [
            (
                r#"{"tools":[{"type":"web_search_20250305","name":"web_search"}]}"#,
                true,
            ),
            (
                r#"{"tools":[{"name":"f","input_schema":{}},{"type":"web_fetch_20250910","name":"web_fetch"}]}"#,
                true,
            ),
            (
                r#"{"tools":[{"\u0074ype":"code\u005fexecution_20250825"}]}"#,
                true,
            ),
            (
                r#"{"tools":[{"name":"web_search","input_schema":{}}]}"#,
                false,
            ),
            (
                r#"{"tools":[{"type":"custom","name":"web_search_x"}]}"#,
                false,
            ),
            (
                r#"{"tools":[{"type":"bash_20250124","name":"bash"},7,null,[]]}"#,
                false,
            ),
            (r#"{"tools":{"type":"web_search_20250305"}}"#, false),
            (
                r#"{"messages":[{"tools":[{"type":"web_search_20250305"}]}]}"#,
                false,
            ),
            ("{}", false),
        ] {
            assert_eq!(messages(body.as_bytes()), native, "{body}");
        }
    }
}
