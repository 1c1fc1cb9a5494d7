//! Top-level fields that never reach the output: hints are dropped and reported, the rest is refused.

use serde_json::value::RawValue;

use super::input::Settings;
use super::path;
use crate::convert::context::RequestContext;
use crate::convert::moderation;
use crate::convert::report::Refusal;
use crate::format::raw::RawStr;
use crate::format::responses::request::{Reasoning, Request, TextConfig};
use crate::format::walk;

/// Whom the request goes to, as far as its checks depend on it.
#[derive(Debug, Clone, Copy)]
pub(in crate::convert) struct Target {
    /// What it is called in refusals.
    pub(in crate::convert) name: &'static str,
    /// Whether OpenAI's programs that change what the model may say, and log probabilities in `include`, are taken for hints.
    pub(in crate::convert) lenient: bool,
    /// Whether the answer can say what a search found.
    pub(in crate::convert) sources: bool,
}

impl Target {
    fn unsupported(self, field: impl Into<std::borrow::Cow<'static, str>>, what: &str) -> Refusal {
        Refusal::unsupported(field, format!("{} {what}", self.name))
    }
}

/// What the client wants included in the answer.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::convert) struct Include {
    pub(in crate::convert) sources: bool,
}

/// Goes through the fields that have no counterpart.
pub(in crate::convert) fn refuse_or_drop(
    request: &Request<'_>,
    settings: &Settings<'_>,
    target: Target,
    cx: &mut RequestContext<'_>,
) -> Result<Include, Refusal> {
    refuse_stateful(request)?;
    drop_hints(request, &settings.text, &settings.reasoning, cx);
    let top = request.top_logprobs;
    if top.is_some_and(|value| path::number(value.get()) != Some(0.0)) {
        refuse_unless_lossy("top_logprobs", target, cx)?;
    }
    access_programs(request, target, cx)?;
    moderation::refuse_or_drop(request.moderation, target.name, cx)?;
    include(request, target, cx)
}

/// What needs a server that remembers, or another transport.
fn refuse_stateful(request: &Request<'_>) -> Result<(), Refusal> {
    let set = |value: Option<&RawValue>| value.is_some_and(|value| value.get() != "false");
    for (field, asked, message) in [
        (
            "previous_response_id",
            request.previous_response_id.is_some(),
            "previous_response_id is not supported by this route; send the full input",
        ),
        (
            "conversation",
            request.conversation.is_some(),
            "conversation is not supported by this route; send the full input",
        ),
        (
            "background",
            set(request.background),
            "background is not supported by this route",
        ),
        (
            "background_options",
            request.background_options.is_some(),
            "background_options is not supported by this route",
        ),
        (
            "prompt",
            request.prompt.is_some(),
            "prompt is not supported by this route; send instructions and input",
        ),
        (
            "generate",
            request.generate.is_some(),
            "generate belongs to the WebSocket transport, which this route does not have",
        ),
        (
            "steer",
            request.steer.is_some(),
            "steer belongs to the WebSocket transport, which this route does not have",
        ),
    ] {
        if asked {
            return Err(Refusal::unsupported(field, message));
        }
    }
    Ok(())
}

/// A field, its value, and whether such a value says anything.
type Hint<'h> = (&'static str, Option<&'h RawValue>, &'h dyn Fn(&str) -> bool);

fn drop_hints(
    request: &Request<'_>,
    text: &TextConfig<'_>,
    reasoning: &Reasoning<'_>,
    cx: &mut RequestContext<'_>,
) {
    let anything = |_: &str| true;
    let not_disabled = |value: &str| value != "\"disabled\"";
    let not_empty = |value: &str| walk::elements(value).next().is_some();
    let hints: [Hint<'_>; 10] = [
        ("store", request.store, &anything),
        ("prompt_cache_key", request.prompt_cache_key, &anything),
        (
            "prompt_cache_retention",
            request.prompt_cache_retention,
            &anything,
        ),
        ("truncation", request.truncation, &not_disabled),
        ("context_management", request.context_management, &not_empty),
        ("image", request.image, &anything),
        ("client_metadata", request.client_metadata, &anything),
        ("text.verbosity", text.verbosity, &anything),
        ("reasoning.context", reasoning.context, &anything),
        ("reasoning.mode", reasoning.mode, &anything),
    ];
    for (name, value, counts) in hints {
        if value.is_some_and(|value| counts(value.get())) {
            cx.report.drop_field(name);
        }
    }
    if let Some(options) = &request.stream_options {
        let obfuscation = options.include_obfuscation;
        if obfuscation.is_some_and(|value| value.get() != "false") {
            cx.report.drop_field("stream_options.include_obfuscation");
        }
        report_unknown(&options.unknown, "stream_options.", cx);
    }
    report_unknown(&request.unknown, "", cx);
    report_unknown(&text.unknown, "text.", cx);
    report_unknown(&reasoning.unknown, "reasoning.", cx);
}

/// Reports members that no rule knows.
pub(in crate::convert) fn report_unknown(
    names: &[std::borrow::Cow<'_, str>],
    prefix: &str,
    cx: &mut RequestContext<'_>,
) {
    for name in names {
        cx.report.drop_field(format!("{prefix}{name}"));
    }
}

fn refuse_unless_lossy(
    field: &'static str,
    target: Target,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    if !cx.lossy {
        return Err(target.unsupported(field, "gives no log probabilities"));
    }
    cx.report.drop_field(field);
    Ok(())
}

/// Programs of OpenAI's that change what the model may say; the standard one changes nothing.
fn access_programs(
    request: &Request<'_>,
    target: Target,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let Some(programs) = request.access_programs.map(RawValue::get) else {
        return Ok(());
    };
    for (name, program) in walk::members(programs) {
        let standard = RawStr::from_json(program).is_some_and(|word| word.is("standard"));
        let matters = name.is("cyber") && !standard && program != "null";
        if matters && !target.lenient {
            return Err(target.unsupported("access_programs.cyber", "has no such program"));
        }
        if matters || !name.is("cyber") {
            cx.report
                .drop_field(format!("access_programs.{}", name.decode()));
        }
    }
    Ok(())
}

fn include(
    request: &Request<'_>,
    target: Target,
    cx: &mut RequestContext<'_>,
) -> Result<Include, Refusal> {
    let mut include = Include::default();
    let list = request.include.map(RawValue::get).unwrap_or_default();
    for value in walk::elements(list) {
        match RawStr::from_json(value).map(RawStr::decode).as_deref() {
            // Always sent.
            Some("reasoning.encrypted_content") => {}
            Some("web_search_call.action.sources") if target.sources => include.sources = true,
            Some("message.output_text.logprobs") if !target.lenient => {
                refuse_unless_lossy("include", target, cx)?;
            }
            // Clients send new values before servers know them.
            _ => cx.report.drop_field("include[]"),
        }
    }
    Ok(include)
}
