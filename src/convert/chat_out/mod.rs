//! The messages of a Chat request on their way to a provider that has rules of its own for them.
//!
//! A converter adds the client's turns as they come; [`Conversation::finish`] brings them into the order and the shape that
//! the provider's [`ChatProfile`] demands, or says why that cannot be; [`Finished::write`] writes them.
//!
//! Texts are the inside of JSON strings, escapes as they were written, so that they travel without being decoded. Ids and
//! names are decoded, because they are compared.

mod finish;
mod reasoning;
mod write;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::HashMap;

use crate::convert::gemini_envelope::{self, Signature};
use crate::format::raw::RawStr;

pub(crate) use finish::LateSystem;
pub(crate) use reasoning::{Asking, write_reasoning};
pub(crate) use write::{WRAPPED_INPUT_SCHEMA, write_function_tool};

/// The inside of a JSON string, escapes as they were written.
pub(crate) type Escaped<'a> = Cow<'a, str>;

/// `text` as the inside of a JSON string.
pub(crate) fn escaped(text: &str) -> Escaped<'_> {
    if text
        .bytes()
        .all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\')
    {
        return Cow::Borrowed(text);
    }
    let mut out = bytes::BytesMut::with_capacity(text.len() + 16);
    crate::codec::write::string_content(&mut out, text);
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

/// The turns of a conversation, as the client sent them.
#[derive(Debug, Default)]
pub(crate) struct Conversation<'a> {
    turns: Vec<Turn<'a>>,
    /// Thought signatures by the decoded id of their call.
    signatures: HashMap<String, String>,
}

/// One message. `at` is its place in the client's list, for errors.
#[derive(Debug)]
pub(crate) enum Turn<'a> {
    System {
        at: usize,
        texts: Vec<Escaped<'a>>,
    },
    User {
        at: usize,
        parts: Vec<Part<'a>>,
        /// Whether a person spoke: what the model did before is another turn.
        speaks: bool,
    },
    Assistant(Assistant<'a>),
    Result(ToolResult<'a>),
}

impl Turn<'_> {
    /// Its place in the client's list.
    fn at(&self) -> usize {
        match self {
            Self::System { at, .. } | Self::User { at, .. } => *at,
            Self::Assistant(assistant) => assistant.at,
            Self::Result(result) => result.at,
        }
    }
}

/// A message of the model.
#[derive(Debug, Default)]
pub(crate) struct Assistant<'a> {
    pub(crate) at: usize,
    /// Joined by blank lines.
    pub(crate) texts: Vec<Escaped<'a>>,
    /// Joined by blank lines; sent only where the model takes it back.
    pub(crate) reasoning: Vec<Escaped<'a>>,
    pub(crate) calls: Vec<Call<'a>>,
    /// The thought signature of the message itself, as the inside of a JSON string.
    pub(crate) signature: Option<String>,
}

/// A tool call.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    id: Cow<'a, str>,
    name: Cow<'a, str>,
    arguments: Arguments<'a>,
    /// A thought signature, as the inside of a JSON string.
    signature: Option<String>,
}

/// A call's arguments.
#[derive(Debug)]
pub(crate) enum Arguments<'a> {
    /// The inside of a JSON string that holds JSON.
    Text(Escaped<'a>),
    /// JSON text.
    Json(&'a str),
    /// A JSON string: what a freeform tool was given.
    Input(RawStr<'a>),
}

/// The result of a tool call.
#[derive(Debug)]
pub(crate) struct ToolResult<'a> {
    pub(crate) at: usize,
    id: Cow<'a, str>,
    /// Joined by line breaks.
    pub(crate) texts: Vec<Escaped<'a>>,
    /// Goes to the model in a message of the user.
    pub(crate) media: Vec<Media<'a>>,
}

/// A part of a user's message.
#[derive(Debug)]
pub(crate) enum Part<'a> {
    Text(Escaped<'a>),
    Media(Media<'a>),
}

/// What a message holds beside text, in the provider's form.
#[derive(Debug)]
pub(crate) enum Media<'a> {
    /// An `image_url` part.
    Image {
        url: Url<'a>,
        detail: Option<&'static str>,
    },
    /// An `image_url` part that holds a PDF.
    ImageFile(Url<'a>),
    /// Perplexity's `file_url` part: a URL or bare base64.
    FileUrl {
        url: Escaped<'a>,
        name: Option<Escaped<'a>>,
    },
    /// OpenAI's `file` part.
    File {
        data: Url<'a>,
        name: Option<Escaped<'a>>,
    },
    /// An `input_audio` part.
    Audio {
        data: Escaped<'a>,
        format: Escaped<'a>,
    },
}

/// A URL, in pieces so that base64 is never copied for the sake of what stands before it.
#[derive(Debug)]
pub(crate) struct Url<'a> {
    pub(crate) head: Escaped<'a>,
    pub(crate) tail: Escaped<'a>,
}

impl<'a> Url<'a> {
    /// A URL that the client wrote.
    pub(crate) fn whole(url: impl Into<Escaped<'a>>) -> Self {
        Self {
            head: Cow::Borrowed(""),
            tail: url.into(),
        }
    }

    /// A `data:` URL.
    pub(crate) fn data(media_type: &str, base64: impl Into<Escaped<'a>>) -> Self {
        Self {
            head: Cow::Owned(format!("data:{};base64,", escaped(media_type))),
            tail: base64.into(),
        }
    }
}

/// LiteLLM and agentgateway carry Gemini's signatures inside ids, after this; histories that they made come to us, too.
const SUFFIX: &str = "__thought__";

/// The id itself, and the signature that another gateway put into it.
pub(in crate::convert) fn split_id(id: Cow<'_, str>) -> (Cow<'_, str>, Option<String>) {
    match id.find(SUFFIX) {
        Some(at) if at > 0 => {
            let signature = id.get(at + SUFFIX.len()..).unwrap_or_default();
            let signature = (!signature.is_empty()).then(|| escaped(signature).into_owned());
            let id = match id {
                Cow::Borrowed(id) => Cow::Borrowed(id.get(..at).unwrap_or_default()),
                Cow::Owned(mut id) => {
                    id.truncate(at);
                    Cow::Owned(id)
                }
            };
            (id, signature)
        }
        _ => (id, None),
    }
}

impl<'a> Call<'a> {
    /// A call with the id and the name that the provider shall see.
    pub(crate) fn new(
        id: impl Into<Cow<'a, str>>,
        name: impl Into<Cow<'a, str>>,
        arguments: Arguments<'a>,
    ) -> Self {
        let (id, signature) = split_id(id.into());
        Self {
            id,
            name: name.into(),
            arguments,
            signature,
        }
    }
}

impl<'a> ToolResult<'a> {
    /// The result of the call `id`.
    pub(crate) fn new(
        at: usize,
        id: impl Into<Cow<'a, str>>,
        texts: Vec<Escaped<'a>>,
        media: Vec<Media<'a>>,
    ) -> Self {
        Self {
            at,
            id: split_id(id.into()).0,
            texts,
            media,
        }
    }
}

impl<'a> Conversation<'a> {
    /// Adds a turn at the end.
    pub(crate) fn push(&mut self, turn: Turn<'a>) {
        self.turns.push(turn);
    }

    /// Adds to the model's message at the end; to a new one where something else stands there.
    pub(crate) fn extend_assistant(&mut self, at: usize, extend: impl FnOnce(&mut Assistant<'a>)) {
        if let Some(Turn::Assistant(last)) = self.turns.last_mut() {
            extend(last);
            return;
        }
        let mut assistant = Assistant {
            at,
            ..Assistant::default()
        };
        extend(&mut assistant);
        self.turns.push(Turn::Assistant(assistant));
    }

    /// Takes the signatures out of what a client replays as encrypted reasoning; what is not a carrier of Gemini's
    /// signatures is ignored. Returns the signature of the message itself.
    pub(crate) fn read_envelope(&mut self, opaque: RawStr<'_>) -> Option<String> {
        let mut of_message = None;
        for signature in gemini_envelope::read(&opaque.decode()) {
            match signature {
                Signature::Call { id, value } => {
                    self.signatures
                        .insert(split_id(Cow::Owned(id)).0.into_owned(), value);
                }
                Signature::Message { value } => of_message = Some(value),
            }
        }
        of_message
    }
}
