//! Tools, and which of them the model may, must or may not call.
//!
//! Functions become `toolSpec`s; Anthropic's own client tools have none and travel in its own words. Converse knows no choice
//! `none`, no switch for parallel calls, and no calls in the conversation without tools: [`Tools::write`] says how each is said.

use std::borrow::Cow;
use std::collections::HashSet;

use bytes::BufMut;

use super::fields::Fields;
use super::schema::{self, BadSchema};
use super::turns::Facts;
use super::{Out, Rules, ids};
use crate::codec::write::{self, Object};
use crate::convert::anthropic_out::cache::{Section, Ttl};
use crate::convert::report::LossReport;
use crate::convert::tool_names::ToolNames;
use crate::format::raw::RawStr;

/// The schema of a freeform tool that became a function.
const INPUT_SCHEMA: &str = r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false}"#;

/// What the types of Anthropic's own client tools begin with, and the beta feature that the newer ones are.
const ANTHROPIC_TOOLS: [(&str, Option<&str>); 6] = [
    ("bash_", None),
    ("text_editor_", None),
    ("memory_", None),
    ("computer_20250124", Some("computer-use-2025-01-24")),
    ("computer_20251124", Some("computer-use-2025-11-24")),
    ("computer_2", None),
];

/// Whether a tool of this type is one of Anthropic's that the client runs.
pub(in crate::convert) fn is_anthropic(kind: &str) -> bool {
    ANTHROPIC_TOOLS
        .iter()
        .any(|(start, _)| kind.starts_with(start))
}

/// A tool with a schema.
#[derive(Debug, Clone, Default)]
pub(in crate::convert) struct ToolSpec<'a> {
    /// The client's name of it.
    pub(in crate::convert) name: Cow<'a, str>,
    /// The inside of a JSON string; empty where there is none.
    pub(in crate::convert) description: Cow<'a, str>,
    /// JSON text.
    pub(in crate::convert) schema: Option<&'a str>,
    /// A freeform tool: its input is one string.
    pub(in crate::convert) custom: bool,
    /// The client's field that asks for strict inputs, where it does.
    pub(in crate::convert) strict: Option<&'static str>,
    pub(in crate::convert) mark: Option<Ttl>,
}

/// The choice that the client made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::convert) enum Choice<'a> {
    #[default]
    Unsaid,
    Auto,
    None,
    Any,
    /// This one, by the client's name.
    Tool(Cow<'a, str>),
}

/// The client's fields for what [`Tools::write`] may have to report.
#[derive(Debug, Clone, Copy)]
pub(in crate::convert) struct ChoicePaths {
    pub(in crate::convert) choice: &'static str,
    pub(in crate::convert) parallel: &'static str,
}

/// The tools of a request.
#[derive(Debug, Default)]
pub(in crate::convert) struct Tools<'a> {
    specs: Vec<(ToolSpec<'a>, Cow<'a, str>)>,
    anthropic: Vec<(Cow<'a, str>, &'a str)>,
    /// Whether Nova searches the web.
    pub(in crate::convert) grounding: bool,
    pub(in crate::convert) choice: Choice<'a>,
    /// Whether the client wants one call at a time.
    pub(in crate::convert) one_at_a_time: bool,
}

impl<'a> Tools<'a> {
    /// Adds a tool with a schema.
    ///
    /// # Errors
    /// The schema is not one of an object.
    pub(in crate::convert) fn push(&mut self, spec: ToolSpec<'a>) -> Result<(), BadSchema> {
        let schema = if spec.custom {
            Cow::Borrowed(INPUT_SCHEMA)
        } else {
            schema::input(spec.schema)?
        };
        self.specs.push((spec, schema));
        Ok(())
    }

    /// Adds one of Anthropic's own client tools as it was sent; false where the model does not take it.
    pub(in crate::convert) fn push_anthropic(
        &mut self,
        kind: &str,
        name: Option<RawStr<'a>>,
        json: &'a str,
        rules: Rules,
        fields: &mut Fields<'a>,
    ) -> bool {
        if !rules.anthropic || !is_anthropic(kind) {
            return false;
        }
        let beta = ANTHROPIC_TOOLS
            .iter()
            .find(|(start, _)| kind.starts_with(start))
            .and_then(|(_, beta)| *beta);
        if let Some(beta) = beta {
            fields.add_beta(beta);
        }
        let name = name.map(RawStr::decode).unwrap_or_default();
        self.anthropic.push((name, json));
        true
    }

    /// Whether there is nothing to call.
    pub(in crate::convert) fn is_empty(&self) -> bool {
        self.specs.is_empty() && self.anthropic.is_empty() && !self.grounding
    }

    /// The client's names of the tools.
    pub(in crate::convert) fn names(&self) -> impl Iterator<Item = &str> {
        let specs = self.specs.iter().map(|(spec, _)| &*spec.name);
        specs.chain(self.anthropic.iter().map(|(name, _)| &**name))
    }

    /// Whether there is a tool that the client calls `name`.
    pub(in crate::convert) fn has(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// Keeps only the tools with these names.
    pub(in crate::convert) fn keep_only(&mut self, names: &HashSet<&str>) {
        self.specs.retain(|(spec, _)| names.contains(&*spec.name));
        self.anthropic.retain(|(name, _)| names.contains(&**name));
    }

    /// Whether the model must call a tool.
    pub(in crate::convert) fn is_forced(&self) -> bool {
        matches!(self.choice, Choice::Any | Choice::Tool(_))
    }

    /// Whether the calls of the conversation must be written as texts, because the model may call no tool and cannot be told
    /// so.
    pub(in crate::convert) fn wants_calls_as_text(&self, rules: Rules) -> bool {
        self.choice == Choice::None && !rules.anthropic && !rules.plain_stubs
    }

    /// Writes `toolConfig`, and adds to `fields` what Anthropic's models are told there. Returns the way back of the names.
    pub(in crate::convert) fn write(
        &self,
        out: &mut Out,
        fields: &mut Fields<'a>,
        facts: &Facts,
        paths: ChoicePaths,
        report: &mut LossReport,
    ) -> ToolNames {
        let mut names = ToolNames::default();
        if self.choice == Choice::None {
            if facts.has_written_calls {
                report.approximate(paths.choice);
            }
            if !facts.has_calls {
                return names;
            }
        }
        let stubs: &[String] = if self.specs.is_empty() && facts.has_calls {
            &facts.called
        } else {
            &[]
        };
        let has_config = self.grounding || !self.specs.is_empty() || !stubs.is_empty();
        if has_config {
            out.member("toolConfig").extend_from_slice(b"{\"tools\":[");
            self.write_list(out, stubs, &mut names, report);
            out.buf.put_u8(b']');
        }
        self.write_anthropic(fields);
        self.write_choice(out, has_config, fields, paths, report);
        if has_config {
            out.buf.put_u8(b'}');
        }
        names
    }

    fn write_list(
        &self,
        out: &mut Out,
        stubs: &[String],
        names: &mut ToolNames,
        report: &mut LossReport,
    ) {
        let mut first = true;
        let mut separate = |out: &mut Out| {
            if !std::mem::take(&mut first) {
                out.buf.put_u8(b',');
            }
        };
        for (spec, schema) in &self.specs {
            separate(out);
            write_spec(out, spec, schema, names, report);
        }
        if self.grounding {
            separate(out);
            out.buf
                .extend_from_slice(b"{\"systemTool\":{\"name\":\"nova_grounding\"}}");
        }
        for name in stubs {
            separate(out);
            let stub = ToolSpec {
                name: Cow::Borrowed(name),
                description: Cow::Borrowed("Unavailable in this turn; do not call."),
                ..ToolSpec::default()
            };
            write_spec(out, &stub, "{\"type\":\"object\"}", names, report);
        }
    }

    fn write_anthropic(&self, fields: &mut Fields<'a>) {
        let mut list = String::new();
        for (_, json) in &self.anthropic {
            list.push(if list.is_empty() { '[' } else { ',' });
            list.push_str(json);
        }
        if !list.is_empty() {
            list.push(']');
            fields.set("tools", list);
        }
    }

    /// Writes `toolChoice`, or what Anthropic's models are told in its place: Converse refuses a choice in both.
    fn write_choice(
        &self,
        out: &mut Out,
        has_config: bool,
        fields: &mut Fields<'a>,
        paths: ChoicePaths,
        report: &mut LossReport,
    ) {
        if self.is_empty() {
            // Stubs for calls in the conversation, at most: none is to be called.
            return;
        }
        if self.choice == Choice::None {
            if out.rules.anthropic {
                fields.set("tool_choice", r#"{"type":"none"}"#);
            } else {
                report.approximate(paths.choice);
            }
            return;
        }
        let one_at_a_time = self.one_at_a_time && out.rules.parallel_switch;
        if self.one_at_a_time && !one_at_a_time {
            report.drop_field(paths.parallel);
        }
        // Tools that are not in `toolConfig` are chosen where they are.
        let is_anthropic = match &self.choice {
            Choice::Tool(name) => self.anthropic.iter().any(|(known, _)| known == name),
            Choice::Any => !has_config,
            _ => false,
        };
        let mut own = bytes::BytesMut::new();
        let mut choice = Object::begin(&mut own);
        let mut is_said = one_at_a_time;
        match &self.choice {
            Choice::Unsaid | Choice::Auto if one_at_a_time => {
                choice.string("type", "auto");
            }
            Choice::Unsaid | Choice::None => {}
            Choice::Auto => {
                if has_config {
                    write_tool_choice(out, "auto", None);
                }
            }
            Choice::Any if is_anthropic => {
                choice.string("type", "any");
                is_said = true;
            }
            Choice::Any => write_tool_choice(out, "any", None),
            Choice::Tool(name) if is_anthropic => {
                choice.string("type", "tool").string("name", name);
                is_said = true;
            }
            Choice::Tool(name) => write_tool_choice(out, "tool", Some(&ids::name(name))),
        }
        if one_at_a_time {
            choice.bool("disable_parallel_tool_use", true);
        }
        choice.end();
        if is_said {
            fields.set("tool_choice", String::from_utf8_lossy(&own).into_owned());
        }
    }
}

fn write_tool_choice(out: &mut Out, kind: &str, name: Option<&str>) {
    let buf = &mut out.buf;
    buf.extend_from_slice(b",\"toolChoice\":");
    let mut choice = Object::begin(buf);
    let mut inner = choice.object(kind);
    if let Some(name) = name {
        inner.string("name", name);
    }
    inner.end();
    choice.end();
}

fn write_spec(
    out: &mut Out,
    spec: &ToolSpec<'_>,
    schema: &str,
    names: &mut ToolNames,
    report: &mut LossReport,
) {
    let sent = ids::name(&spec.name);
    if sent != spec.name || spec.custom {
        names.insert(&sent, &spec.name, spec.custom);
    }
    let buf = &mut out.buf;
    buf.extend_from_slice(b"{\"toolSpec\":{\"name\":");
    write::string(buf, &sent);
    if !spec.description.is_empty() {
        buf.extend_from_slice(b",\"description\":\"");
        buf.extend_from_slice(spec.description.as_bytes());
        buf.put_u8(b'"');
    }
    buf.extend_from_slice(b",\"inputSchema\":{\"json\":");
    buf.extend_from_slice(schema.as_bytes());
    buf.put_u8(b'}');
    if let Some(field) = spec.strict {
        if out.rules.strict_tools {
            out.buf.extend_from_slice(b",\"strict\":true");
        } else {
            report.approximate(field);
        }
    }
    out.buf.extend_from_slice(b"}}");
    if let Some(ttl) = spec.mark
        && let Some(ttl) = out.permitted(Section::Tools, ttl, report)
    {
        out.point(Section::Tools, ttl);
    }
}

/// A description, where it says anything: Converse takes no empty one.
pub(in crate::convert) fn description(text: Option<RawStr<'_>>) -> Cow<'_, str> {
    Cow::Borrowed(
        text.filter(|text| !text.is_blank())
            .map_or("", RawStr::content),
    )
}

/// The description of a freeform tool whose input must match a grammar, which Converse has no member for.
pub(in crate::convert) fn with_grammar<'a>(
    description: &str,
    syntax: Option<RawStr<'_>>,
    definition: Option<RawStr<'_>>,
) -> Cow<'a, str> {
    let syntax = syntax.map_or("", RawStr::content);
    let definition = definition.map_or("", RawStr::content);
    let gap = if description.is_empty() { "" } else { r"\n\n" };
    Cow::Owned(format!(
        r"{description}{gap}The value of `input` must match this {syntax} grammar:\n{definition}"
    ))
}

#[cfg(test)]
mod tests;
