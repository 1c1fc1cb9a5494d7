//! Google's own fields, in `extra_body.google` or beside the others.

use std::borrow::Cow;

use bytes::BufMut;

use super::TARGET;
use super::tools::Tools;
use crate::codec::write::Object;
use crate::convert::chat_request::roles::Role;
use crate::convert::context::RequestContext;
use crate::convert::gemini_out::{FunctionMode, Thinking, ToolConfig, camel_case, write_camel};
use crate::convert::path;
use crate::convert::report::Refusal;
use crate::format::chat::request::Request;
use crate::format::raw::RawStr;
use crate::format::walk;

/// A field: the client's path of it, and JSON text.
type Field<'a> = Option<(Cow<'static, str>, &'a str)>;

/// Google's own fields.
#[derive(Debug, Default)]
pub(super) struct Google<'a> {
    pub(super) thinking: Thinking<'a>,
    cached_content: Field<'a>,
    safety_settings: Field<'a>,
    pub(super) media_resolution: Field<'a>,
    pub(super) image_config: Field<'a>,
    pub(super) speech_config: Field<'a>,
    labels: Field<'a>,
    tool_config: Field<'a>,
    retrieval_config: Field<'a>,
}

impl<'a> Google<'a> {
    /// Reads the fields; reports the top-level members that nobody knows.
    pub(super) fn read(
        request: &Request<'a>,
        body: &'a str,
        cx: &mut RequestContext<'_>,
    ) -> Result<Self, Refusal> {
        let mut google = Self::default();
        if request.unknown.is_empty() {
            return Ok(google);
        }
        for (key, value) in walk::members(body).filter(|(_, value)| *value != "null") {
            let name = key.decode();
            match &*name {
                "extra_body" => google.extra_body(value, cx)?,
                _ if is_top_level(&name) => google.field(&name, name.to_string(), value)?,
                _ => {}
            }
        }
        let unknown = request.unknown.iter();
        for name in unknown.filter(|name| *name != "extra_body" && !is_top_level(name)) {
            cx.report.drop_field(name.to_string());
        }
        Ok(google)
    }

    fn extra_body(&mut self, extra: &'a str, cx: &mut RequestContext<'_>) -> Result<(), Refusal> {
        for (key, value) in walk::members(extra).filter(|(_, value)| *value != "null") {
            let name = key.decode();
            if name != "google" {
                cx.report.drop_field(format!("extra_body.{name}"));
                continue;
            }
            for (key, value) in walk::members(value).filter(|(_, value)| *value != "null") {
                let name = key.decode();
                self.field(&name, format!("extra_body.google.{name}"), value)?;
            }
        }
        Ok(())
    }

    fn field(&mut self, name: &str, path: String, value: &'a str) -> Result<(), Refusal> {
        let slot = match &*camel_case(name) {
            "thinkingConfig" => return self.thinking_config(&path, value),
            "cachedContent" => &mut self.cached_content,
            "safetySettings" => &mut self.safety_settings,
            "mediaResolution" => &mut self.media_resolution,
            "imageConfig" => &mut self.image_config,
            "speechConfig" => &mut self.speech_config,
            "labels" => &mut self.labels,
            "toolConfig" => &mut self.tool_config,
            "retrievalConfig" => &mut self.retrieval_config,
            _ => {
                return Err(
                    TARGET.unsupported(path, "has no such field, or the gateway does not know it")
                );
            }
        };
        check(name, &path, value)?;
        *slot = Some((Cow::Owned(path), value));
        Ok(())
    }

    fn thinking_config(&mut self, path: &str, config: &'a str) -> Result<(), Refusal> {
        if !walk::is_object(config) {
            return Err(path::wrong_type(path));
        }
        for (key, value) in walk::members(config).filter(|(_, value)| *value != "null") {
            let name = key.decode();
            let at = || format!("{path}.{name}");
            match &*camel_case(&name) {
                "includeThoughts" => {
                    self.thinking.include = Some(match value {
                        "true" => true,
                        "false" => false,
                        _ => return Err(path::wrong_type(at())),
                    });
                }
                "thinkingBudget" => {
                    value.parse::<i64>().map_err(|_| path::wrong_type(at()))?;
                    self.thinking.budget = Some(Cow::Borrowed(value));
                }
                "thinkingLevel" => {
                    let word = RawStr::from_json(value).ok_or_else(|| path::wrong_type(at()))?;
                    let word = word.decode().to_ascii_uppercase();
                    self.thinking.level = Some(Cow::Owned(word));
                }
                _ => return Err(TARGET.unsupported(at(), "has no such field")),
            }
        }
        if self.thinking.budget.is_some() && self.thinking.level.is_some() {
            return Err(Refusal::invalid(
                path.to_owned(),
                "Gemini takes a budget or a level, not both",
            ));
        }
        Ok(())
    }

    /// With cached content Google takes neither a system text nor tools: they are part of what was cached.
    pub(super) fn check_cache(&self, roles: &[Role], tools: &Tools<'_>) -> Result<(), Refusal> {
        if self.cached_content.is_none() {
            return Ok(());
        }
        let refuse = |field: Cow<'static, str>| {
            let message = format!("Gemini takes no `{field}` beside cached content");
            Err(Refusal::unsupported(field, message))
        };
        if !tools.is_empty() {
            return refuse(Cow::Borrowed(tools.field()));
        }
        if let Some(index) = roles.iter().position(|role| *role == Role::System) {
            return refuse(Cow::Owned(format!("messages[{index}]")));
        }
        let config = [&self.tool_config, &self.retrieval_config];
        match config.into_iter().flatten().next() {
            Some((path, _)) => refuse(path.clone()),
            None => Ok(()),
        }
    }

    /// How functions are chosen, with what the client said in Google's words.
    pub(super) fn tool_config<'t>(
        &self,
        mode: Option<(FunctionMode, Vec<Cow<'t, str>>)>,
        tools: &Tools<'_>,
    ) -> ToolConfig<'t>
    where
        'a: 't,
    {
        ToolConfig {
            mode,
            server_steps: tools.mixes(),
            retrieval: self.retrieval_config.as_ref().map(|(_, json)| *json),
            own: self.tool_config.as_ref().map(|(_, json)| *json),
        }
    }

    /// Writes the members of the request that are Google's alone.
    pub(super) fn write(&self, request: &mut Object<'_>) {
        if let Some((_, settings)) = &self.safety_settings {
            write_camel(request.key("safetySettings"), settings);
        }
        if let Some((_, name)) = &self.cached_content {
            request.raw("cachedContent", name);
        }
        if let Some((_, labels)) = &self.labels {
            // Their names are the client's own.
            request.key("labels").put_slice(labels.as_bytes());
        }
    }
}

/// Whether a field may stand beside OpenAI's.
fn is_top_level(name: &str) -> bool {
    matches!(
        &*camel_case(name),
        "thinkingConfig" | "cachedContent" | "safetySettings"
    )
}

/// Whether a field's value is of the type that it takes.
fn check(name: &str, path: &str, value: &str) -> Result<(), Refusal> {
    let is_right = match &*camel_case(name) {
        "cachedContent" | "mediaResolution" => RawStr::from_json(value).is_some(),
        "safetySettings" => walk::is_array(value),
        _ => walk::is_object(value),
    };
    if !is_right {
        return Err(path::wrong_type(path));
    }
    if camel_case(name) == "safetySettings" {
        for (index, setting) in walk::elements(value).enumerate() {
            if walk::member(setting, "method").is_some() {
                return Err(Refusal::unsupported(
                    format!("{path}[{index}].method"),
                    "only Vertex AI takes this",
                ));
            }
        }
    }
    Ok(())
}
