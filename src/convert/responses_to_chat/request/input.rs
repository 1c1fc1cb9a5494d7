//! The input: messages, calls and their results, reasoning to replay.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::params::Settings;
use super::parts::{self, Content};
use super::path::{self, missing, wrong_type};
use super::tools::{ToolPlan, name_of_call};
use crate::convert::chat_out::{Arguments, Call, Conversation, Part, ToolResult, Turn};
use crate::convert::context::RequestContext;
use crate::convert::envelope;
use crate::convert::report::Refusal;
use crate::convert::responses_request::content::is_incomplete;
use crate::format::raw::RawStr;
use crate::format::responses::request::{Item, Request};
use crate::format::walk;
use crate::provider::chat_profile::ChatProfile;

/// What a call's result is where it holds no text: some providers refuse an empty one.
const NO_TEXT: &str = "(no text output)";

/// The input on its way.
#[derive(Debug)]
pub(super) struct Input<'a> {
    profile: &'static ChatProfile,
    input: Option<&'a str>,
    pub(super) conversation: Conversation<'a>,
}

impl<'a> Input<'a> {
    /// Begins with the instructions.
    pub(super) fn new(
        profile: &'static ChatProfile,
        request: &Request<'a>,
    ) -> Result<Self, Refusal> {
        let mut conversation = Conversation::default();
        if let Some(instructions) = request.instructions {
            let text = RawStr::new(instructions).ok_or_else(|| wrong_type("instructions"))?;
            conversation.push(Turn::System {
                at: 0,
                texts: vec![Cow::Borrowed(text.content())],
            });
        }
        Ok(Self {
            profile,
            input: request.input.map(RawValue::get),
            conversation,
        })
    }

    /// Reads the input; its items may bring further tools and other settings.
    pub(super) fn read(
        &mut self,
        tools: &mut ToolPlan<'a>,
        settings: &mut Settings<'a>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let Some(input) = self.input else {
            return Err(missing("input"));
        };
        if let Some(text) = RawStr::from_json(input) {
            self.conversation.push(Turn::User {
                at: 0,
                parts: vec![Part::Text(Cow::Borrowed(text.content()))],
                speaks: true,
            });
            return Ok(());
        }
        if !walk::is_array(input) {
            return Err(wrong_type("input"));
        }
        for (at, text) in walk::elements(input).enumerate() {
            let item: Item<'a> = path::parse(text, || format!("input[{at}]"))?;
            self.item(at, item, tools, settings, cx)?;
        }
        Ok(())
    }

    fn item(
        &mut self,
        at: usize,
        item: Item<'a>,
        tools: &mut ToolPlan<'a>,
        settings: &mut Settings<'a>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let kind = match (item.kind, item.role) {
            (Some(kind), _) => kind.decode(),
            (None, Some(_)) => Cow::Borrowed("message"),
            (None, None) => return Err(missing(format!("input[{at}].type"))),
        };
        if item.phase.is_some() {
            cx.report.drop_field("input[].phase");
        }
        if item.is_async.is_some_and(|value| value.get() == "true") {
            cx.report.drop_field("input[].async");
        }
        for name in &item.unknown {
            cx.report.drop_field(format!("input[].{name}"));
        }
        match &*kind {
            "message" => self.message(at, &item, cx),
            "function_call" | "custom_tool_call" => self.call(at, &item, &kind, cx),
            "function_call_output" | "custom_tool_call_output" => self.result(at, &item, cx),
            "reasoning" => {
                self.reasoning(at, &item, cx);
                Ok(())
            }
            "additional_tools" | "tool_search_output" => {
                cx.report.approximate("input[].tools");
                for (index, tool) in item.tools.iter().flat_map(|list| &list.0).enumerate() {
                    let at = || format!("input[{at}].tools[{index}]");
                    tools.add(tool.get(), at, "input[].tools[]", self.profile, cx)?;
                }
                Ok(())
            }
            "configuration_update" => {
                cx.report.approximate("input[]");
                settings.update(item.reasoning, item.text);
                Ok(())
            }
            // Their effect is in the texts that follow.
            "tool_search_call"
            | "web_search_call"
            | "file_search_call"
            | "code_interpreter_call"
            | "mcp_list_tools"
            | "image_generation_call" => {
                cx.report.drop_field("input[]");
                Ok(())
            }
            "item_reference" => Err(Refusal::unsupported(
                format!("input[{at}]"),
                "nothing is stored here, so an item must be sent whole",
            )),
            _ => Err(Refusal::unsupported(
                format!("input[{at}].type"),
                format!(
                    "items of the type `{kind}` cannot be sent to {}",
                    cx.provider
                ),
            )),
        }
    }

    fn message(
        &mut self,
        at: usize,
        item: &Item<'a>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let role = path::required(item.role, || format!("input[{at}].role"))?;
        let content = path::required(item.content, || format!("input[{at}].content"))?;
        let content = content.get();
        match &*role.decode() {
            "user" => {
                let content =
                    parts::read(content, || format!("input[{at}].content"), self.profile, cx)?;
                let parts = content.into_parts();
                self.conversation.push(Turn::User {
                    at,
                    parts,
                    speaks: true,
                });
            }
            "system" | "developer" => {
                let texts = parts::texts(content, || format!("input[{at}].content"), cx)?;
                self.conversation.push(Turn::System { at, texts });
            }
            "assistant" => {
                let texts = parts::texts(content, || format!("input[{at}].content"), cx)?;
                let text = match <[Cow<'a, str>; 1]>::try_from(texts) {
                    Ok([text]) => text,
                    Err(texts) => Cow::Owned(texts.concat()),
                };
                self.conversation
                    .extend_assistant(at, |assistant| assistant.texts.push(text));
            }
            _ => {
                return Err(Refusal::invalid(
                    format!("input[{at}].role"),
                    "there is no such role",
                ));
            }
        }
        Ok(())
    }

    fn call(
        &mut self,
        at: usize,
        item: &Item<'a>,
        kind: &str,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let id = path::required(item.call_id, || format!("input[{at}].call_id"))?;
        let name = path::required(item.name, || format!("input[{at}].name"))?;
        if item
            .caller
            .as_ref()
            .and_then(|caller| caller.kind)
            .is_some_and(|kind| !kind.is("direct"))
        {
            return Err(Refusal::unsupported(
                format!("input[{at}].caller"),
                "the model itself is the only caller of tools here",
            ));
        }
        let arguments = if kind == "custom_tool_call" {
            cx.report.approximate("input[].input");
            let input = path::required(item.input, || format!("input[{at}].input"))?;
            Arguments::Input(input)
        } else {
            match item.arguments.map(RawValue::get) {
                None => Arguments::Text(Cow::Borrowed("")),
                Some(text) => match RawStr::from_json(text) {
                    Some(text) => Arguments::Text(Cow::Borrowed(text.content())),
                    None if walk::is_object(text) => Arguments::Json(text),
                    None => return Err(wrong_type(format!("input[{at}].arguments"))),
                },
            }
        };
        let call = Call::new(id.decode(), name_of_call(item.namespace, name), arguments);
        self.conversation
            .extend_assistant(at, |assistant| assistant.calls.push(call));
        Ok(())
    }

    fn result(
        &mut self,
        at: usize,
        item: &Item<'a>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let id = path::required(item.call_id, || format!("input[{at}].call_id"))?;
        let output = path::required(item.output, || format!("input[{at}].output"))?;
        if is_incomplete(item) {
            cx.report.drop_field("input[].status");
        }
        let Content { mut texts, media } = parts::read(
            output.get(),
            || format!("input[{at}].output"),
            self.profile,
            cx,
        )?
        .split();
        texts.retain(|text| !text.is_empty());
        if texts.is_empty() {
            texts.push(Cow::Borrowed(NO_TEXT));
        }
        if !media.is_empty() {
            cx.report.approximate("input[].output");
        }
        self.conversation
            .push(Turn::Result(ToolResult::new(at, id.decode(), texts, media)));
        Ok(())
    }

    fn reasoning(&mut self, at: usize, item: &Item<'a>, cx: &mut RequestContext<'_>) {
        let signature = item
            .encrypted_content
            .filter(|_| self.profile.thought_signatures)
            .and_then(|opaque| self.conversation.read_envelope(opaque));
        let replays = self
            .profile
            .reasoning(cx.model)
            .is_some_and(|reasoning| reasoning.replay);
        let texts = |list: Option<&'a RawValue>| -> Vec<Cow<'a, str>> {
            walk::elements(list.map_or("[]", RawValue::get))
                .filter_map(|part| walk::member(part, "text"))
                .filter_map(RawStr::from_json)
                .map(|text| Cow::Borrowed(text.content()))
                .collect()
        };
        let mut reasoning = texts(item.content);
        if reasoning.is_empty() {
            reasoning = texts(item.summary);
        }
        let carries = |opaque: RawStr<'_>| {
            let opaque = opaque.decode();
            opaque
                .strip_prefix(envelope::PREFIX)
                .is_some_and(|rest| rest.starts_with("gemini."))
        };
        if self.profile.thought_signatures {
            if item
                .encrypted_content
                .is_some_and(|opaque| !carries(opaque))
            {
                cx.report.drop_field("input[].encrypted_content");
            }
        } else {
            if item
                .encrypted_content
                .is_some_and(|opaque| !envelope::is_envelope(opaque))
            {
                cx.report.drop_field("input[].encrypted_content");
            }
            if !replays && !reasoning.is_empty() {
                cx.report.drop_field("input[].summary");
            }
        }
        // Even where none of it is sent: what follows belongs to the same message of the model.
        self.conversation.extend_assistant(at, |assistant| {
            assistant.reasoning.append(&mut reasoning);
            if signature.is_some() {
                assistant.signature = signature;
            }
        });
    }
}
