//! The members of a request beside its input and its tools.

use serde_json::value::RawValue;

use super::path::{self, wrong_type};
use crate::codec::write::Object;
use crate::convert::chat_out::{Asking, write_reasoning};
use crate::convert::context::RequestContext;
use crate::convert::effort::Asked;
use crate::convert::report::Refusal;
use crate::format::raw::RawStr;
use crate::format::responses::request::{Reasoning, Request, TextConfig, TextFormat};
use crate::format::walk;
use crate::provider::chat_profile::{ChatProfile, Visible};

/// The settings that an input item may still change.
#[derive(Debug, Default)]
pub(super) struct Settings<'a> {
    effort: Option<RawStr<'a>>,
    summary: Option<RawStr<'a>>,
    format: Option<TextFormat<'a>>,
    /// The client wants to see the pages behind a search.
    pub(super) include_sources: bool,
}

/// Refuses what no stateless target can do, and reports what is left out.
pub(super) fn check(request: &Request<'_>, cx: &mut RequestContext<'_>) -> Result<(), Refusal> {
    let stateful = [
        ("previous_response_id", request.previous_response_id),
        ("conversation", request.conversation),
        ("prompt", request.prompt),
    ];
    for (name, value) in stateful {
        if value.is_some() {
            let message = format!(
                "`{name}` refers to what is stored at OpenAI; send the whole conversation in `input`"
            );
            return Err(Refusal::unsupported(name, message));
        }
    }
    if is(request.background, "true") {
        return Err(Refusal::unsupported(
            "background",
            "this provider runs nothing in the background",
        ));
    }
    if is(request.generate, "false") {
        return Err(Refusal::unsupported(
            "generate",
            "this provider cannot be asked for no answer",
        ));
    }
    if let Some(programs) = request.access_programs.map(RawValue::get)
        && !walk::members(programs).all(|(key, value)| key.is("cyber") && value == r#""standard""#)
    {
        return Err(Refusal::unsupported(
            "access_programs",
            "this provider knows no access programs",
        ));
    }
    if let Some(moderation) = request.moderation.map(RawValue::get) {
        if moderation.contains(r#""block""#) {
            return Err(Refusal::unsupported(
                "moderation",
                "this provider does not block by moderation",
            ));
        }
        cx.report.drop_field("moderation");
    }
    if let Some(options) = request.prompt_cache_options.map(RawValue::get) {
        if walk::member(options, "prewarm") == Some("true") {
            return Err(Refusal::unsupported(
                "prompt_cache_options.prewarm",
                "this provider cannot be asked to fill its cache only",
            ));
        }
        cx.report.drop_field("prompt_cache_options");
    }
    for (name, value) in [
        ("background_options", request.background_options),
        ("context_management", request.context_management),
        ("image", request.image),
        ("prompt_cache_key", request.prompt_cache_key),
        ("prompt_cache_retention", request.prompt_cache_retention),
        ("steer", request.steer),
        ("store", request.store),
        // The answer gives it back, but nothing is stored by it.
        ("metadata", request.metadata),
        ("client_metadata", request.client_metadata),
    ] {
        if value.is_some() {
            cx.report.drop_field(name);
        }
    }
    if request
        .truncation
        .is_some_and(|value| value.get() != r#""disabled""#)
    {
        cx.report.drop_field("truncation");
    }
    let obfuscation = request
        .stream_options
        .as_ref()
        .and_then(|options| options.include_obfuscation);
    if obfuscation.is_some_and(|value| value.get() != "false") {
        cx.report.drop_field("stream_options.include_obfuscation");
    }
    Ok(())
}

fn is(value: Option<&RawValue>, text: &str) -> bool {
    value.is_some_and(|value| value.get() == text)
}

impl<'a> Settings<'a> {
    pub(super) fn read(
        request: &Request<'a>,
        cx: &mut RequestContext<'_>,
    ) -> Result<Self, Refusal> {
        let mut settings = Self::default();
        if let Some(text) = request.text {
            let text: TextConfig<'a> = path::parse(text.get(), || "text".to_owned())?;
            if text.verbosity.is_some() {
                cx.report.drop_field("text.verbosity");
            }
            for name in &text.unknown {
                cx.report.drop_field(format!("text.{name}"));
            }
            settings.format = text.format;
        }
        if let Some(reasoning) = request.reasoning {
            let reasoning: Reasoning<'a> = path::parse(reasoning.get(), || "reasoning".to_owned())?;
            for (name, value) in [("context", reasoning.context), ("mode", reasoning.mode)] {
                if value.is_some() {
                    cx.report.drop_field(format!("reasoning.{name}"));
                }
            }
            for name in &reasoning.unknown {
                cx.report.drop_field(format!("reasoning.{name}"));
            }
            settings.effort = reasoning.effort;
            settings.summary = reasoning.summary.or(reasoning.generate_summary);
        }
        settings.read_include(request, cx)?;
        Ok(settings)
    }

    fn read_include(
        &mut self,
        request: &Request<'a>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let Some(include) = request.include.map(RawValue::get) else {
            return Ok(());
        };
        if !walk::is_array(include) {
            return Err(wrong_type("include"));
        }
        for value in walk::elements(include) {
            let value = RawStr::from_json(value).ok_or_else(|| wrong_type("include"))?;
            match &*value.decode() {
                // Always sent where there is any.
                "reasoning.encrypted_content" => {}
                "web_search_call.action.sources" => self.include_sources = true,
                _ => cx.report.drop_field("include"),
            }
        }
        Ok(())
    }

    /// A `configuration_update` holds from now on.
    pub(super) fn update(
        &mut self,
        reasoning: Option<Reasoning<'a>>,
        text: Option<TextConfig<'a>>,
    ) {
        if let Some(reasoning) = reasoning {
            self.effort = reasoning.effort.or(self.effort);
            self.summary = reasoning.summary.or(self.summary);
        }
        if let Some(format) = text.and_then(|text| text.format) {
            self.format = Some(format);
        }
    }

    pub(super) fn write(
        &self,
        object: &mut Object<'_>,
        request: &Request<'a>,
        profile: &ChatProfile,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let number = |name: &'static str, value: Option<&'a RawValue>| {
            let Some(text) = value.map(RawValue::get) else {
                return Ok(None);
            };
            let is_number = text
                .bytes()
                .next()
                .is_some_and(|b| b == b'-' || b.is_ascii_digit());
            if is_number {
                Ok(Some(text))
            } else {
                Err(wrong_type(name))
            }
        };
        if let Some(limit) = number("max_output_tokens", request.max_output_tokens)? {
            object.raw(profile.max_tokens, limit);
        }
        for (name, value) in [
            ("temperature", request.temperature),
            ("top_p", request.top_p),
        ] {
            if let Some(value) = number(name, value)? {
                object.raw(name, value);
            }
        }
        if let Some(count) = number("top_logprobs", request.top_logprobs)?.filter(|n| *n != "0") {
            if !profile.logprobs {
                return Err(Refusal::unsupported(
                    "top_logprobs",
                    "this provider gives no log probabilities",
                ));
            }
            object.bool("logprobs", true).raw("top_logprobs", count);
            // They are computed, but the answer's conversion has no place for them.
            cx.report.drop_field("top_logprobs");
        }
        self.write_format(object, profile, cx)?;
        self.write_reasoning(object, profile, cx)?;
        write_user(object, request, profile, cx);
        write_service_tier(object, request, profile, cx)?;
        Ok(())
    }

    fn write_format(
        &self,
        object: &mut Object<'_>,
        profile: &ChatProfile,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let Some(format) = &self.format else {
            return Ok(());
        };
        let kind = path::required(format.kind, || "text.format.type".to_owned())?;
        for name in &format.unknown {
            cx.report.drop_field(format!("text.format.{name}"));
        }
        match &*kind.decode() {
            "text" => {}
            "json_object" if profile.json_object => {
                object.raw("response_format", r#"{"type":"json_object"}"#);
            }
            "json_object" => {
                return Err(Refusal::unsupported(
                    "text.format",
                    "this provider takes a JSON schema only",
                ));
            }
            "json_schema" => {
                let schema = path::required(format.schema, || "text.format.schema".to_owned())?;
                let mut response_format = object.object("response_format");
                response_format.string("type", "json_schema");
                let mut nested = response_format.object("json_schema");
                nested.raw("name", format.name.map_or("\"output\"", RawStr::json));
                if let Some(description) = format.description {
                    nested.raw("description", description.json());
                }
                nested.raw("schema", schema.get());
                if let Some(strict) = format.strict {
                    if profile.strict_schema {
                        nested.bool("strict", strict);
                    } else if strict {
                        cx.report.drop_field("text.format.strict");
                    }
                }
                nested.end();
                response_format.end();
            }
            _ => {
                return Err(Refusal::unsupported(
                    "text.format.type",
                    "there is no such format, or this provider has no word for it",
                ));
            }
        }
        Ok(())
    }

    fn write_reasoning(
        &self,
        object: &mut Object<'_>,
        profile: &ChatProfile,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let word = self.effort.map(RawStr::decode);
        let asked =
            match &word {
                None => None,
                Some(word) => Some(Asked::from_word(word).ok_or_else(|| {
                    Refusal::invalid("reasoning.effort", "there is no such effort")
                })?),
            };
        let Some(reasoning) = profile.reasoning(cx.model) else {
            if asked.is_some() {
                cx.report.drop_field("reasoning.effort");
            }
            if self.summary.is_some() {
                cx.report.drop_field("reasoning.summary");
            }
            return Ok(());
        };
        let off = asked == Some(Asked::Nothing);
        let visible = match reasoning.visible {
            // The model's own words come unless they are declined.
            Visible::Include if asked.is_some() || self.summary.is_some() => Some(!off),
            Visible::Format => Some(true),
            Visible::Level | Visible::Budget { .. } if self.summary.is_some() => Some(true),
            Visible::Include | Visible::Level | Visible::Budget { .. } | Visible::Unasked => None,
        };
        let asking = Asking {
            effort: asked,
            budget: None,
            visible,
        };
        write_reasoning(object, reasoning, asking);
        if let (Some(word), Some(asked)) = (&word, asked) {
            match reasoning.effort(asked) {
                None => cx.report.drop_field("reasoning.effort"),
                Some(sent) if sent == word && reasoning.visible == Visible::Unasked => {}
                Some(_) => cx.report.approximate("reasoning.effort"),
            }
        }
        if self.summary.is_some() {
            if reasoning.visible == Visible::Unasked {
                cx.report.drop_field("reasoning.summary");
            } else {
                cx.report.approximate("reasoning.summary");
            }
        }
        Ok(())
    }
}

fn write_user(
    object: &mut Object<'_>,
    request: &Request<'_>,
    profile: &ChatProfile,
    cx: &mut RequestContext<'_>,
) {
    let mut sent = !profile.user;
    for (name, value) in [
        ("user", request.user),
        ("safety_identifier", request.safety_identifier),
    ] {
        let Some(value) = value else { continue };
        if sent || RawStr::new(value).is_none() {
            cx.report.drop_field(name);
        } else {
            object.raw("user", value.get());
            sent = true;
        }
    }
}

fn write_service_tier(
    object: &mut Object<'_>,
    request: &Request<'_>,
    profile: &ChatProfile,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let Some(tier) = request.service_tier else {
        return Ok(());
    };
    let tier = RawStr::new(tier).ok_or_else(|| wrong_type("service_tier"))?;
    let tier = tier.decode();
    let known = profile.service_tiers.iter().find(|(own, _)| *own == tier);
    match known {
        Some((own, theirs)) => {
            object.string("service_tier", theirs);
            if own != theirs {
                cx.report.approximate("service_tier");
            }
        }
        None if tier == "auto" || tier == "default" => {}
        None => cx.report.drop_field("service_tier"),
    }
    Ok(())
}
