//! The conversation: what is where, before it is written.

use std::borrow::Cow;

use bytes::BytesMut;
use serde_json::value::RawValue;

use super::TARGET;
use crate::codec::write::Object;
use crate::convert::chat_out::split_id;
use crate::convert::chat_request::content::{Piece, each_piece};
use crate::convert::chat_request::path::{At, message};
use crate::convert::chat_request::roles::Role;
use crate::convert::context::RequestContext;
use crate::convert::gemini_out::{Contents, Pairs, Section, names};
use crate::convert::path;
use crate::convert::report::Refusal;
use crate::convert::tool_names::ToolNames;
use crate::format::chat::request::{Message, ToolCall};
use crate::format::raw::RawStr;
use crate::format::walk;

/// Marks the key of a call by the deprecated `function_call`, which has no id: its name follows. No id begins so.
const LEGACY: &str = "\u{0}";

/// The conversation as the client sent it, and which call each result answers.
pub(super) struct History<'r, 'a> {
    pub(super) messages: &'r [Message<'a>],
    roles: &'r [Role],
    /// The calls, in their order.
    calls: Vec<Call<'a>>,
    pub(super) pairs: Pairs<'a>,
    /// The messages as they were sent: looked for when the first one with an unknown member needs it.
    body: &'a str,
    texts: Option<Vec<&'a str>>,
    /// From this message on the model is in its current turn: the user has said nothing since.
    current: usize,
}

/// A call in the history.
#[derive(Debug)]
pub(super) struct Call<'a> {
    message: usize,
    /// See [`LEGACY`].
    key: Cow<'a, str>,
    /// As it is sent.
    pub(super) name: Cow<'a, str>,
    pub(super) arguments: Arguments<'a>,
    /// The inside of a JSON string.
    pub(super) signature: Option<Cow<'a, str>>,
}

/// What a function was called with.
#[derive(Debug, Clone, Copy)]
pub(super) enum Arguments<'a> {
    /// JSON in a string.
    Json(Option<RawStr<'a>>),
    /// A freeform tool's input.
    Input(Option<RawStr<'a>>),
}

/// The id of a call that is sent, where its key is one.
pub(super) fn id_of(key: &str) -> Option<&str> {
    (!key.starts_with(LEGACY)).then_some(key)
}

impl Call<'_> {
    pub(super) fn id(&self) -> Option<&str> {
        id_of(&self.key)
    }
}

/// Writes `systemInstruction`: one text for each system message, wherever it stands.
pub(super) fn write_system(
    request: &mut Object<'_>,
    messages: &[Message<'_>],
    roles: &[Role],
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let mut parts = BytesMut::new();
    for (index, (system, role)) in messages.iter().zip(roles).enumerate() {
        if *role != Role::System {
            continue;
        }
        let mut texts: Vec<RawStr<'_>> = Vec::new();
        each_piece(system, index, cx.report, |piece, report| {
            match piece {
                Piece::Text(text) => texts.push(text),
                Piece::Mark(_) => report.drop_field("messages[].content[].cache_control"),
            }
            Ok(())
        })?;
        if texts.is_empty() {
            continue;
        }
        if !parts.is_empty() {
            parts.extend_from_slice(b",");
        }
        parts.extend_from_slice(b"{\"text\":\"");
        for (at, text) in texts.iter().enumerate() {
            if at > 0 {
                parts.extend_from_slice(br"\n\n");
            }
            parts.extend_from_slice(text.content().as_bytes());
        }
        parts.extend_from_slice(b"\"}");
        let is_leading = roles.iter().take(index).all(|role| *role == Role::System);
        if !is_leading {
            cx.report.approximate("messages[].role");
        }
    }
    if !parts.is_empty() {
        let mut system = request.object("systemInstruction");
        let list = system.key("parts");
        list.extend_from_slice(b"[");
        list.extend_from_slice(&parts);
        list.extend_from_slice(b"]");
        system.end();
    }
    Ok(())
}

impl<'r, 'a> History<'r, 'a> {
    /// Finds the calls and their results.
    ///
    /// # Errors
    /// A call or a result has no counterpart, or is malformed.
    pub(super) fn plan(
        messages: &'r [Message<'a>],
        roles: &'r [Role],
        body: &'a str,
        names: &ToolNames,
        cx: &mut RequestContext<'_>,
    ) -> Result<Self, Refusal> {
        let last_user = roles.iter().rposition(|role| *role == Role::User);
        let mut history = Self {
            messages,
            roles,
            calls: Vec::new(),
            pairs: Pairs::default(),
            body,
            texts: None,
            current: last_user.map_or(0, |last| last + 1),
        };
        let mut turn = None;
        for (index, (said, role)) in messages.iter().zip(roles).enumerate() {
            match role {
                // It is said elsewhere.
                Role::System => {}
                Role::Assistant => {
                    let turn = *turn.get_or_insert(index);
                    history.find_calls(said, index, turn, names, cx)?;
                }
                Role::User => turn = None,
                Role::Tool => {
                    turn = None;
                    let Some(id) = said.tool_call_id else {
                        return Err(path::missing(message(index, "tool_call_id")));
                    };
                    let (id, _) = split_id(id.decode());
                    history.pairs.result("messages", index, &id)?;
                }
                Role::Function => {
                    turn = None;
                    let Some(name) = said.name.and_then(RawStr::new) else {
                        return Err(path::missing(message(index, "name")));
                    };
                    let key = format!("{LEGACY}{}", name.decode());
                    history.pairs.result("messages", index, &key)?;
                }
            }
        }
        history.pairs.check("messages", turn)?;
        Ok(history)
    }

    fn find_calls(
        &mut self,
        said: &Message<'a>,
        index: usize,
        turn: usize,
        names: &ToolNames,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let calls = said.tool_calls.map(RawValue::get).unwrap_or_default();
        if !calls.is_empty() && !walk::is_array(calls) {
            return Err(path::wrong_type(message(index, "tool_calls")));
        }
        for (number, element) in walk::elements(calls).enumerate() {
            let at = At {
                message: index,
                list: "tool_calls",
                index: number,
            };
            let call = read_call(element, at, cx)?;
            self.add(call, index, turn, names);
        }
        if let Some(call) = &said.function_call {
            let Some(name) = call.name.filter(|name| !name.is_empty()) else {
                return Err(path::missing(message(index, "function_call.name")));
            };
            let call = Found {
                key: Cow::Owned(format!("{LEGACY}{}", name.decode())),
                name,
                arguments: Arguments::Json(call.arguments),
                signature: None,
            };
            self.add(call, index, turn, names);
        }
        Ok(())
    }

    fn add(&mut self, found: Found<'a>, index: usize, turn: usize, names: &ToolNames) {
        let original = found.name.decode();
        let sent = names::sent(names, &original);
        let name = if sent == original {
            original
        } else {
            Cow::Owned(sent.into_owned())
        };
        self.pairs.call(turn, found.key.clone(), name.clone());
        self.calls.push(Call {
            message: index,
            key: found.key,
            name,
            arguments: found.arguments,
            signature: found.signature,
        });
    }

    /// The calls of a message.
    pub(super) fn calls_of(&self, index: usize) -> &[Call<'a>] {
        let first = self.calls.partition_point(|call| call.message < index);
        let end = self.calls.partition_point(|call| call.message <= index);
        self.calls.get(first..end).unwrap_or_default()
    }

    /// A message as it was sent.
    pub(super) fn text_of(&mut self, index: usize) -> &'a str {
        let body = self.body;
        let texts = self.texts.get_or_insert_with(|| {
            walk::elements(walk::member(body, "messages").unwrap_or_default()).collect()
        });
        texts.get(index).copied().unwrap_or_default()
    }

    /// Whether a message belongs to the model's current turn.
    pub(super) fn is_current(&self, index: usize) -> bool {
        index >= self.current
    }

    /// Writes the list of contents.
    ///
    /// # Errors
    /// There is none, or the model would speak first.
    pub(super) fn write(
        mut self,
        out: &mut BytesMut,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let mut contents = Contents::begin(out);
        let mut turn = None;
        for (index, role) in self.roles.iter().enumerate() {
            match role {
                Role::System => {}
                Role::User => {
                    self.end_turn(&mut turn, &mut contents, cx)?;
                    self.user(index, &mut contents, cx)?;
                }
                Role::Assistant => {
                    turn.get_or_insert(index);
                    self.assistant(index, &mut contents, cx)?;
                }
                // Written with the turn that they answer.
                Role::Tool | Role::Function => self.end_turn(&mut turn, &mut contents, cx)?,
            }
        }
        self.end_turn(&mut turn, &mut contents, cx)?;
        match contents.end() {
            Some(Section::User) => Ok(()),
            None => Err(Refusal::invalid(
                "messages",
                "`messages` holds no message of the user",
            )),
            Some(Section::Model | Section::Results) => {
                let first = self.roles.iter().position(|role| *role == Role::Assistant);
                Err(TARGET.unsupported(
                    format!("messages[{}]", first.unwrap_or(0)),
                    "takes no message of the assistant before one of the user",
                ))
            }
        }
    }

    /// Writes the results of the model's turn that is at its end.
    fn end_turn(
        &self,
        turn: &mut Option<usize>,
        contents: &mut Contents<'_>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        match turn.take() {
            Some(turn) => self.results(turn, contents, cx),
            None => Ok(()),
        }
    }
}

/// A call as it was read.
struct Found<'a> {
    key: Cow<'a, str>,
    name: RawStr<'a>,
    arguments: Arguments<'a>,
    signature: Option<Cow<'a, str>>,
}

fn read_call<'a>(
    element: &'a str,
    at: At,
    cx: &mut RequestContext<'_>,
) -> Result<Found<'a>, Refusal> {
    let call: ToolCall<'a> = path::parse(element, || at.path())?;
    let (key, suffix) = split_id(call.id.map_or(Cow::Borrowed(""), RawStr::decode));
    let named = |name: Option<RawStr<'a>>, member: &str| {
        name.filter(|name| !name.is_empty())
            .ok_or_else(|| path::missing(at.member(member)))
    };
    let kind = call.kind.map(RawStr::decode);
    let (name, arguments) = match kind.as_deref() {
        None | Some("function") => {
            let Some(function) = &call.function else {
                return Err(path::missing(at.member("function")));
            };
            let name = named(function.name, "function.name")?;
            (name, Arguments::Json(function.arguments))
        }
        Some("custom") => {
            let Some(custom) = &call.custom else {
                return Err(path::missing(at.member("custom")));
            };
            let name = named(custom.name, "custom.name")?;
            (name, Arguments::Input(custom.input))
        }
        Some(_) => {
            return Err(TARGET.unsupported(at.member("type"), "knows no call of this type"));
        }
    };
    if call.cache_control.is_some() {
        cx.report
            .drop_field("messages[].tool_calls[].cache_control");
    }
    let mut signature = None;
    if !(call.unknown.is_empty() && call.function.iter().all(|f| f.unknown.is_empty())) {
        signature = signature_in(element);
        for name in call.unknown.iter().filter(|name| !carries_signature(name)) {
            cx.report
                .drop_field(format!("messages[].tool_calls[].{name}"));
        }
    }
    Ok(Found {
        key,
        name,
        arguments,
        signature: signature.or(suffix.map(Cow::Owned)),
    })
}

/// Members in which gateways carry Google's signatures.
fn carries_signature(name: &str) -> bool {
    matches!(
        name,
        "extra_content" | "thought_signature" | "thoughtSignature" | "provider_specific_fields"
    )
}

/// The signature of a call, wherever the gateway that the client had it from put it: the inside of a JSON string.
fn signature_in(call: &str) -> Option<Cow<'_, str>> {
    const PLACES: [&[&str]; 7] = [
        &["extra_content", "google", "thought_signature"],
        &["function", "thought_signature"],
        &["function", "thoughtSignature"],
        &["thought_signature"],
        &["thoughtSignature"],
        &["provider_specific_fields", "thought_signature"],
        &["function", "provider_specific_fields", "thought_signature"],
    ];
    let signature = |steps: &[&str]| {
        let value = steps
            .iter()
            .try_fold(call, |value, step| walk::member(value, step))?;
        let signature = RawStr::from_json(value)?;
        (!signature.is_empty()).then(|| Cow::Borrowed(signature.content()))
    };
    PLACES.into_iter().find_map(signature)
}
