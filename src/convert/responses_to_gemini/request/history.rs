//! The conversation: `contents`, and the texts of `systemInstruction`.

use std::borrow::Cow;
use std::collections::HashMap;

use bytes::BytesMut;
use serde_json::value::RawValue;

use super::parts::{self, Shown};
use super::tools;
use crate::codec::write::Object;
use crate::convert::context::RequestContext;
use crate::convert::gemini_envelope::{self, Signature};
use crate::convert::gemini_out::{
    self, Contents, NO_SIGNATURE, Section, write_arguments, write_result,
};
use crate::convert::report::Refusal;
use crate::convert::responses_request::content::{
    Piece, each_assistant_piece, each_piece, is_incomplete, report_item,
};
use crate::convert::responses_request::heads::{Items, Kind, unanswered};
use crate::convert::responses_request::input::{self, Input, nothing_to_send};
use crate::convert::responses_request::path;
use crate::convert::responses_request::tools::Tools;
use crate::format::raw::RawStr;
use crate::format::responses::request::{Item, Request};
use crate::format::walk;
use crate::models::GeminiGeneration;

/// The texts of the instructions and of all system messages, wherever these stand.
pub(super) fn system<'a>(
    request: &Request<'a>,
    items: &Items<'a>,
    cx: &mut RequestContext<'_>,
) -> Result<Vec<RawStr<'a>>, Refusal> {
    let instructions = input::instructions(request)?.filter(|text| !text.is_blank());
    let mut texts: Vec<RawStr<'a>> = instructions.into_iter().collect();
    let mut leading = true;
    for (index, item) in items.list.iter().enumerate() {
        match item.kind {
            Kind::System => {}
            Kind::AdditionalTools | Kind::ConfigurationUpdate => continue,
            _ => {
                leading = false;
                continue;
            }
        }
        each_piece(item.text, index, cx, |piece| match piece {
            Piece::Text(text) => texts.push(text),
            // Google caches by itself; told where user messages have them.
            Piece::Mark(_) => {}
        })?;
        if !leading {
            cx.report.approximate("input[].role");
        }
    }
    Ok(texts)
}

/// The conversation as the client sent it.
pub(super) struct History<'t, 'a> {
    input: Input<'a>,
    items: Items<'a>,
    known: &'t Tools<'a>,
    /// What the client's carriers hold for calls, by their ids.
    signatures: HashMap<String, String>,
    /// From this item on the model is in its current turn: the user has said nothing since.
    current: usize,
}

/// A call of the turn that is being written.
struct Call<'a> {
    id: Cow<'a, str>,
    name: String,
    custom: bool,
    item: usize,
    view: Item<'a>,
}

/// What the model did before anyone else spoke.
#[derive(Default)]
struct Turn<'a> {
    steps: Vec<Step<'a>>,
    /// The signature of its text, and its parts as they came: a JSON array.
    signature: Option<String>,
    parts: Option<String>,
}

enum Step<'a> {
    Text(RawStr<'a>),
    Call(Box<Call<'a>>),
}

impl<'a> Turn<'a> {
    fn calls(&self) -> impl Iterator<Item = &Call<'a>> {
        self.steps.iter().filter_map(|step| match step {
            Step::Call(call) => Some(&**call),
            Step::Text(_) => None,
        })
    }
}

impl<'t, 'a: 't> History<'t, 'a> {
    pub(super) fn plan(input: Input<'a>, items: Items<'a>, known: &'t Tools<'a>) -> Self {
        let last_user = items.list.iter().rposition(|item| item.kind == Kind::User);
        let mut signatures = HashMap::new();
        for item in items.list.iter().filter(|i| i.kind == Kind::Reasoning) {
            let carrier = walk::member(item.text, "encrypted_content").and_then(RawStr::from_json);
            let carried = carrier.map(|carrier| gemini_envelope::read(&carrier.decode()));
            for signature in carried.into_iter().flatten() {
                if let Signature::Call { id, value } = signature {
                    signatures.insert(id, value);
                }
            }
        }
        Self {
            input,
            items,
            known,
            signatures,
            current: last_user.map_or(0, |last| last + 1),
        }
    }

    /// Writes the list of contents; tells whether anyone said anything, else the `system` texts are the user's.
    ///
    /// # Errors
    /// There is nothing to send, the model would speak first, or an item is malformed.
    pub(super) fn write(
        mut self,
        out: &mut BytesMut,
        system: &[RawStr<'a>],
        cx: &mut RequestContext<'_>,
    ) -> Result<bool, Refusal> {
        let start = out.len();
        let mut contents = Contents::begin(out);
        if let Input::Text(text) = self.input {
            contents.text(Section::User, text, None);
        }
        let mut turn = Turn::default();
        for index in 0..self.items.list.len() {
            let Some((kind, text)) = self.items.list.get(index).map(|i| (i.kind, i.text)) else {
                break;
            };
            match kind {
                Kind::Assistant => each_assistant_piece(text, index, cx, |piece| match piece {
                    Piece::Text(text) if text.is_empty() => {}
                    Piece::Text(text) => turn.steps.push(Step::Text(text)),
                    Piece::Mark(_) => {}
                })?,
                Kind::Reasoning => read_reasoning(text, index, &mut turn, cx)?,
                Kind::FunctionCall | Kind::CustomCall => {
                    let call = self.read_call(text, index, kind == Kind::CustomCall, cx)?;
                    turn.steps.push(Step::Call(Box::new(call)));
                }
                Kind::User => {
                    self.end_turn(&std::mem::take(&mut turn), &mut contents, cx)?;
                    user(text, index, &mut contents, cx)?;
                }
                // Written with the calls that it answers.
                Kind::Output { .. } => {
                    self.end_turn(&std::mem::take(&mut turn), &mut contents, cx)?;
                }
                Kind::System | Kind::AdditionalTools | Kind::ConfigurationUpdate => {}
                Kind::Left | Kind::Compaction | Kind::McpCall => {
                    cx.report.drop_field("input[].type");
                }
            }
        }
        self.end_turn(&turn, &mut contents, cx)?;
        if self.items.repeated_outputs {
            cx.report.approximate("input[].call_id");
        }
        match contents.end() {
            Some(Section::User) => Ok(true),
            Some(Section::Model | Section::Results) => {
                let is_model = |kind| !matches!(kind, Kind::System | Kind::Left);
                let first = self.items.list.iter().position(|item| is_model(item.kind));
                Err(Refusal::unsupported(
                    format!("input[{}]", first.unwrap_or(0)),
                    "Gemini takes no message of the assistant before one of the user",
                ))
            }
            None if system.is_empty() => Err(nothing_to_send()),
            None => {
                cx.report.approximate("instructions");
                out.truncate(start);
                let mut contents = Contents::begin(out);
                for text in system {
                    contents.text(Section::User, *text, None);
                }
                contents.end();
                Ok(false)
            }
        }
    }

    fn read_call(
        &self,
        text: &'a str,
        index: usize,
        custom: bool,
        cx: &mut RequestContext<'_>,
    ) -> Result<Call<'a>, Refusal> {
        let view: Item<'a> = path::parse(text, || format!("input[{index}]"))?;
        report_item(&view, cx);
        let caller = view.caller.as_ref().and_then(|caller| caller.kind);
        if caller.is_some_and(|kind| kind.is("program")) {
            return Err(Refusal::unsupported(
                path::item(index, "caller"),
                "Gemini knows no calls that a program made",
            ));
        }
        let Some(name) = view.name.filter(|name| !name.is_empty()) else {
            return Err(path::missing(path::item(index, "name")));
        };
        let namespace = view.namespace.filter(|name| !name.is_empty());
        Ok(Call {
            id: view.call_id.map(RawStr::decode).unwrap_or_default(),
            name: tools::name_of(self.known, namespace, name),
            custom,
            item: index,
            view,
        })
    }

    /// Writes what the model did, and then the results of its calls, in the order of the calls.
    fn end_turn(
        &mut self,
        turn: &Turn<'a>,
        contents: &mut Contents<'_>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let parts = turn.parts.as_deref().unwrap_or_default();
        let called = |part: &&str| walk::member(part, "functionCall").is_some();
        // A client that changed its history means what it says.
        let is_whole = walk::elements(parts).filter(called).count() == turn.calls().count();
        if walk::is_array(parts) && is_whole {
            contents.replay(walk::elements(parts));
        } else {
            self.model(turn, contents, cx)?;
        }
        let mut behind: Vec<(String, Shown<'a>)> = Vec::new();
        for call in turn.calls() {
            let found = self.items.first_answer(&call.id);
            let Some((index, text)) =
                found.and_then(|at| Some((at, self.items.list.get(at)?.text)))
            else {
                return Err(unanswered(call.custom, &call.id, call.item));
            };
            result(call, text, index, contents, &mut behind, cx)?;
        }
        if !behind.is_empty() {
            cx.report.approximate("input[].output[]");
        }
        for (name, media) in behind {
            contents.plain_text(Section::User, &format!("[image returned by {name}]"));
            let mut part = contents.part(Section::User);
            media.write(&mut part);
            part.end();
        }
        Ok(())
    }

    fn model(
        &self,
        turn: &Turn<'a>,
        contents: &mut Contents<'_>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let is_text = |step: &Step<'_>| matches!(step, Step::Text(_));
        let last_text = turn.steps.iter().rposition(is_text);
        let newest = cx.capabilities.gemini == GeminiGeneration::V3;
        let mut first = true;
        for (at, step) in turn.steps.iter().enumerate() {
            let call = match step {
                Step::Text(text) => {
                    let signature = turn.signature.as_deref();
                    let signature = signature.filter(|_| Some(at) == last_text);
                    contents.text(Section::Model, *text, signature);
                    continue;
                }
                Step::Call(call) => call,
            };
            // Only the first of several calls at once carries one.
            let demanded = newest && first && call.item >= self.current;
            first = false;
            let signature = self.signatures.get(&*call.id).map(String::as_str);
            let written = gemini_out::Call {
                id: Some(&*call.id).filter(|id| newest && !id.is_empty()),
                name: &call.name,
                signature: signature.or(demanded.then_some(NO_SIGNATURE)),
            };
            let arguments = arguments(call)?;
            contents.call(written, |out| match arguments {
                Arguments::Input(input) => {
                    let mut object = Object::begin(out);
                    object.raw("input", input.map_or("\"\"", RawStr::json));
                    object.end();
                }
                Arguments::Object(json) => out.extend_from_slice(json.as_bytes()),
                Arguments::Text(text) => {
                    if !write_arguments(out, text) {
                        cx.report.approximate("input[].arguments");
                    }
                }
            });
        }
        Ok(())
    }
}

/// What a tool was called with.
enum Arguments<'a> {
    /// JSON in a string.
    Text(Option<RawStr<'a>>),
    Object(&'a str),
    /// A freeform tool's input.
    Input(Option<RawStr<'a>>),
}

fn arguments<'a>(call: &Call<'a>) -> Result<Arguments<'a>, Refusal> {
    if call.custom {
        return Ok(Arguments::Input(call.view.input));
    }
    let Some(json) = call.view.arguments.map(RawValue::get) else {
        return Ok(Arguments::Text(None));
    };
    match RawStr::from_json(json) {
        Some(text) => Ok(Arguments::Text(Some(text))),
        None if walk::is_object(json) => Ok(Arguments::Object(json)),
        None => Err(path::wrong_type(path::item(call.item, "arguments"))),
    }
}

/// Takes what a reasoning item carries. Thoughts themselves are never sent back, and others' carriers mean nothing to Google.
fn read_reasoning<'a>(
    text: &'a str,
    index: usize,
    turn: &mut Turn<'a>,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let item: Item<'a> = path::parse(text, || format!("input[{index}]"))?;
    for name in &item.unknown {
        cx.report.drop_field(format!("input[].{name}"));
    }
    let Some(carrier) = item.encrypted_content.map(RawStr::decode) else {
        cx.report.drop_field("input[].summary");
        return Ok(());
    };
    let parts = gemini_envelope::read_parts(&carrier);
    let signatures = gemini_envelope::read(&carrier);
    if parts.is_none() && signatures.is_empty() {
        cx.report.drop_field("input[].encrypted_content");
    }
    turn.parts = parts.or(turn.parts.take());
    for signature in signatures {
        if let Signature::Message { value } = signature {
            turn.signature = Some(value);
        }
    }
    Ok(())
}

fn user(
    text: &str,
    index: usize,
    contents: &mut Contents<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let item: Item<'_> = path::parse(text, || format!("input[{index}]"))?;
    report_item(&item, cx);
    let content = item.content.map(RawValue::get);
    for piece in parts::read(content, index, "content", cx)? {
        match piece {
            parts::Piece::Text(text) => contents.text(Section::User, text, None),
            parts::Piece::Media(media) => {
                let mut part = contents.part(Section::User);
                media.write(&mut part);
                part.end();
            }
        }
    }
    Ok(())
}

/// Writes a call's result; what it shows goes with it, or, to models that see nothing there, `behind` it.
fn result<'a>(
    call: &Call<'a>,
    text: &'a str,
    index: usize,
    contents: &mut Contents<'_>,
    behind: &mut Vec<(String, Shown<'a>)>,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let item: Item<'a> = path::parse(text, || format!("input[{index}]"))?;
    report_item(&item, cx);
    if is_incomplete(&item) {
        cx.report.drop_field("input[].status");
    }
    let newest = cx.capabilities.gemini == GeminiGeneration::V3;
    let mut texts = Vec::new();
    let mut shown = Vec::new();
    for piece in parts::read(item.output.map(RawValue::get), index, "output", cx)? {
        match piece {
            parts::Piece::Text(text) => texts.push(text),
            parts::Piece::Media(media) => shown.push(media),
        }
    }
    let id = Some(&*call.id).filter(|id| newest && !id.is_empty());
    contents.result(id, &call.name, |function| {
        write_result(function.key("response"), &texts);
        if newest && !shown.is_empty() {
            let mut list = function.array("parts");
            for media in &shown {
                let mut part = list.object();
                media.write(&mut part);
                part.end();
            }
            list.end();
        }
    });
    if !newest {
        behind.extend(shown.into_iter().map(|media| (call.name.clone(), media)));
    }
    Ok(())
}
