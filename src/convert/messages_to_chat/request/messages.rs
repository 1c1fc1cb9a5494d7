//! The conversation: Anthropic's blocks as the turns of a Chat request.

use std::borrow::Cow;

use super::content::{Piece, Pieces};
use crate::convert::chat_out::{
    Arguments, Assistant, Call, Conversation, Escaped, Part, ToolResult, Turn,
};
use crate::convert::context::RequestContext;
use crate::convert::envelope::PREFIX;
use crate::convert::messages_in::{
    At, Content, SERVER_BLOCKS, Speaker, is_billing, kind_of, messages, misplaced, missing, open,
    text_of, unsupported,
};
use crate::convert::messages_to_chat::names::sent;
use crate::convert::report::Refusal;
use crate::format::messages::request::{Block, Message, Request};
use crate::format::raw::RawStr;
use crate::provider::chat_profile::ChatProfile;

/// What stands before the text of a tool's failure, for which Chat has no flag.
const FAILED: &str = "[tool error] ";

/// The turns of the request.
pub(super) fn read<'a>(
    request: &Request<'a>,
    profile: &'static ChatProfile,
    cx: &mut RequestContext<'_>,
) -> Result<Conversation<'a>, Refusal> {
    let messages = messages(request)?;
    let mut reader = Reader {
        conversation: Conversation::default(),
        pieces: Pieces { profile, cx },
    };
    reader.system(request)?;
    for (index, message) in messages.iter().enumerate() {
        reader.message(message, At::message(index))?;
    }
    if let Some(last) = messages.last()
        && last.role.is_some_and(|role| role.is("assistant"))
    {
        // Whether the model goes on from there is its own business.
        reader.pieces.cx.report.approximate("messages");
    }
    Ok(reader.conversation)
}

struct Reader<'r, 'a, 'c> {
    conversation: Conversation<'a>,
    pieces: Pieces<'r, 'c>,
}

impl<'a> Reader<'_, 'a, '_> {
    /// The system prompt.
    fn system(&mut self, request: &Request<'a>) -> Result<(), Refusal> {
        let Some(system) = request.system else {
            return Ok(());
        };
        let texts = match Content::read(system.get(), || "system".to_owned())? {
            Content::Text(text) => vec![Cow::Borrowed(text.content())],
            Content::Blocks(blocks) => {
                let mut texts = Vec::with_capacity(blocks.len());
                for (index, block) in blocks.iter().enumerate() {
                    self.pieces.report_lost(block, "system[]");
                    let path = || format!("system[{index}]");
                    let Some(text) = text_of(block, path)? else {
                        continue;
                    };
                    if is_billing(text) {
                        self.pieces.cx.report.drop_field("system[]");
                    } else {
                        texts.push(Cow::Borrowed(text.content()));
                    }
                }
                texts
            }
        };
        self.conversation.push(Turn::System { at: 0, texts });
        Ok(())
    }

    fn message(&mut self, message: &Message<'a>, at: At) -> Result<(), Refusal> {
        let (speaker, content) = open(message, at, self.pieces.cx.report)?;
        match speaker {
            Speaker::User => self.user(content, at),
            Speaker::Assistant => self.assistant(content, at),
            Speaker::System => self.mid_system(content, at),
        }
    }

    /// A system message between the others.
    fn mid_system(&mut self, content: Content<'a>, at: At) -> Result<(), Refusal> {
        let texts = match content {
            Content::Text(text) => vec![Cow::Borrowed(text.content())],
            Content::Blocks(blocks) => {
                let mut texts = Vec::with_capacity(blocks.len());
                for (index, block) in blocks.iter().enumerate() {
                    self.pieces.report_lost(block, "messages[].content[]");
                    let text = text_of(block, || at.block(index).path())?;
                    texts.extend(text.map(|text| Cow::Borrowed(text.content())));
                }
                texts
            }
        };
        self.conversation.push(Turn::System {
            at: at.message,
            texts,
        });
        Ok(())
    }

    /// A message of the user: the results of tools go before what is said.
    fn user(&mut self, content: Content<'a>, at: At) -> Result<(), Refusal> {
        let mut parts = Vec::new();
        let mut speaks = true;
        match content {
            Content::Text(text) => parts.push(Part::Text(Cow::Borrowed(text.content()))),
            Content::Blocks(blocks) => {
                for (index, block) in blocks.iter().enumerate() {
                    let at = at.block(index);
                    self.pieces.report_lost(block, "messages[].content[]");
                    match &*kind_of(block, at)? {
                        "tool_result" => {
                            // What stands beside a result does not end the model's turn.
                            speaks = false;
                            let result = self.result(block, at)?;
                            self.conversation.push(Turn::Result(result));
                        }
                        kind if SERVER_BLOCKS.contains(&kind) => self.pieces.drop_server_block(),
                        kind @ ("tool_use" | "thinking" | "redacted_thinking") => {
                            return Err(misplaced(at, kind, "user"));
                        }
                        kind => {
                            for piece in self.pieces.read(kind, block, at)? {
                                parts.push(match piece {
                                    Piece::Text(text) => Part::Text(text),
                                    Piece::Media(media) => Part::Media(media),
                                });
                            }
                        }
                    }
                }
            }
        }
        if !parts.is_empty() {
            self.conversation.push(Turn::User {
                at: at.message,
                parts,
                speaks,
            });
        }
        Ok(())
    }

    /// The result of a call.
    fn result(&mut self, block: &Block<'a>, at: At) -> Result<ToolResult<'a>, Refusal> {
        let Some(id) = block.tool_use_id else {
            return Err(missing(at.member("tool_use_id")));
        };
        let mut texts: Vec<Escaped<'a>> = Vec::new();
        let mut media = Vec::new();
        if let Some(content) = block.content {
            match Content::read(content.get(), || at.member("content"))? {
                Content::Text(text) => texts.push(Cow::Borrowed(text.content())),
                Content::Blocks(blocks) => {
                    for (index, inner) in blocks.iter().enumerate() {
                        let at = at.inner(index);
                        self.pieces
                            .report_lost(inner, "messages[].content[].content[]");
                        for piece in self.pieces.read(&kind_of(inner, at)?, inner, at)? {
                            match piece {
                                Piece::Text(text) => texts.push(text),
                                Piece::Media(item) => media.push(item),
                            }
                        }
                    }
                }
            }
        }
        if !media.is_empty() {
            let path = "messages[].content[].content";
            self.pieces.cx.report.approximate(path);
        }
        texts.retain(|text| !text.is_empty());
        if texts.is_empty() {
            texts.push(Cow::Borrowed(if media.is_empty() {
                "(empty)"
            } else {
                "(no text output)"
            }));
        }
        if block.is_error == Some(true) {
            let path = "messages[].content[].is_error";
            self.pieces.cx.report.approximate(path);
            if let Some(first) = texts.first_mut() {
                *first = Cow::Owned(format!("{FAILED}{first}"));
            }
        }
        Ok(ToolResult::new(at.message, id.decode(), texts, media))
    }

    /// A message of the assistant.
    fn assistant(&mut self, content: Content<'a>, at: At) -> Result<(), Refusal> {
        let mut said = Assistant::default();
        match content {
            Content::Text(text) => said.texts.push(Cow::Borrowed(text.content())),
            Content::Blocks(blocks) => {
                // Anthropic splits one text into blocks where it is cited.
                let mut run = Run::default();
                for (index, block) in blocks.iter().enumerate() {
                    let at = at.block(index);
                    self.pieces.report_lost(block, "messages[].content[]");
                    match &*kind_of(block, at)? {
                        "text" => run.push(text_of(block, || at.path())?),
                        "tool_use" => {
                            run.end(&mut said.texts);
                            said.calls.push(call(block, at)?);
                        }
                        "thinking" => self.thinking(block, &mut said),
                        "redacted_thinking" => self.redacted(block, &mut said),
                        "compaction" => {
                            for piece in self.pieces.read("compaction", block, at)? {
                                if let Piece::Text(text) = piece {
                                    run.end(&mut said.texts);
                                    said.texts.push(text);
                                }
                            }
                        }
                        kind if SERVER_BLOCKS.contains(&kind) => self.pieces.drop_server_block(),
                        "tool_result" => return Err(misplaced(at, "tool_result", "assistant")),
                        kind => {
                            let what = format!("a block of type `{kind}` of the assistant's");
                            return Err(unsupported(at.path(), self.pieces.cx.provider, &what));
                        }
                    }
                }
                run.end(&mut said.texts);
            }
        }
        self.conversation.extend_assistant(at.message, |last| {
            last.texts.append(&mut said.texts);
            last.reasoning.append(&mut said.reasoning);
            last.calls.append(&mut said.calls);
            last.signature = said.signature.take().or(last.signature.take());
        });
        Ok(())
    }

    /// Thinking that the client replays: its text, and the signatures that it carries.
    fn thinking(&mut self, block: &Block<'a>, said: &mut Assistant<'a>) {
        let carried = self.signatures(block.signature, said);
        let text = block.thinking.filter(|text| !text.is_empty());
        let replayed = self.pieces.replays_reasoning();
        if let (Some(text), true) = (text, replayed) {
            said.reasoning.push(Cow::Borrowed(text.content()));
            let foreign = |signature: RawStr<'_>| {
                !signature.is_empty() && !signature.content().starts_with(PREFIX)
            };
            if !carried && block.signature.is_some_and(foreign) {
                let path = "messages[].content[].signature";
                self.pieces.cx.report.drop_field(path);
            }
        } else if !carried {
            let path = "messages[].content[].thinking";
            self.pieces.cx.report.drop_field(path);
        }
    }

    fn redacted(&mut self, block: &Block<'a>, said: &mut Assistant<'a>) {
        if !self.signatures(block.data, said) {
            self.pieces
                .cx
                .report
                .drop_field("messages[].content[].data");
        }
    }

    /// Takes over the signatures in what the client replays. Returns whether the target made it.
    fn signatures(&mut self, opaque: Option<RawStr<'a>>, said: &mut Assistant<'a>) -> bool {
        let Some(opaque) = opaque.filter(|_| self.pieces.profile.thought_signatures) else {
            return false;
        };
        let signature = self.conversation.read_envelope(opaque);
        said.signature = signature.or(said.signature.take());
        opaque
            .decode()
            .strip_prefix(PREFIX)
            .is_some_and(|rest| rest.starts_with("gemini."))
    }
}

/// The texts of neighbouring blocks, which are one text.
#[derive(Default)]
struct Run<'a>(Option<Escaped<'a>>);

impl<'a> Run<'a> {
    fn push(&mut self, text: Option<RawStr<'a>>) {
        let Some(text) = text.map(RawStr::content) else {
            return;
        };
        match &mut self.0 {
            Some(run) => run.to_mut().push_str(text),
            None => self.0 = Some(Cow::Borrowed(text)),
        }
    }

    fn end(&mut self, texts: &mut Vec<Escaped<'a>>) {
        texts.extend(self.0.take());
    }
}

/// A call of a client's tool.
fn call<'a>(block: &Block<'a>, at: At) -> Result<Call<'a>, Refusal> {
    let Some(id) = block.id else {
        return Err(missing(at.member("id")));
    };
    let Some(name) = block.name else {
        return Err(missing(at.member("name")));
    };
    let input = block.input.map_or("{}", |input| input.get());
    let name = name.decode();
    let name = match sent(&name) {
        Cow::Borrowed(_) => name,
        Cow::Owned(sent) => Cow::Owned(sent),
    };
    Ok(Call::new(id.decode(), name, Arguments::Json(input)))
}
