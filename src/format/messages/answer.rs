//! A whole Messages answer.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Text;
use crate::format::raw::RawStr;

/// Anthropic's `Message`; also the head of it that opens a stream.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Answer<'a> {
    /// `message`, or `error` where a server sends an error with status 200.
    #[serde(borrow, rename = "type")]
    pub(crate) kind: Text<'a>,
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow)]
    pub(crate) model: Text<'a>,
    #[serde(borrow)]
    pub(crate) content: Option<Vec<Block<'a>>>,
    #[serde(borrow)]
    pub(crate) stop_reason: Text<'a>,
    #[serde(borrow)]
    pub(crate) stop_details: Option<&'a RawValue>,
    /// See [`super::Counts::update`].
    #[serde(borrow)]
    pub(crate) usage: Option<&'a RawValue>,
}

/// A content block of any type: the members that the types known here have.
///
/// One view for all types instead of one each: a block is read in one pass, and an unknown type is merely none of the known.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Block<'a> {
    #[serde(borrow, rename = "type")]
    pub(crate) kind: Text<'a>,
    #[serde(borrow)]
    pub(crate) text: Text<'a>,
    #[serde(borrow)]
    pub(crate) thinking: Text<'a>,
    #[serde(borrow)]
    pub(crate) signature: Text<'a>,
    #[serde(borrow)]
    pub(crate) data: Text<'a>,
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow)]
    pub(crate) name: Text<'a>,
    #[serde(borrow)]
    pub(crate) input: Option<&'a RawValue>,
    /// Read with [`Citation::list`].
    #[serde(borrow)]
    pub(crate) citations: Option<&'a RawValue>,
}

/// A citation that may point to a web page or a file.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Citation<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow)]
    source: Text<'a>,
    #[serde(borrow)]
    title: Text<'a>,
    #[serde(borrow)]
    file_id: Text<'a>,
    #[serde(borrow)]
    document_title: Text<'a>,
}

impl<'a> Citation<'a> {
    /// The citation that `raw` holds; one without a page when it cannot be read.
    pub(crate) fn read(raw: &'a RawValue) -> Self {
        serde_json::from_str(raw.get()).unwrap_or_default()
    }

    /// The citations of a text block.
    pub(crate) fn list(raw: Option<&'a RawValue>) -> Vec<Self> {
        raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or_default()
    }

    /// URL and title of the web page that is cited; `None` for documents and pages without a URL.
    pub(crate) fn page(self) -> Option<(RawStr<'a>, Option<RawStr<'a>>)> {
        let url = match &*self.kind.get()?.decode() {
            "web_search_result_location" => self.url.get()?,
            "search_result_location" => {
                let source = self.source.get()?;
                let text = source.decode();
                if !text.starts_with("https://") && !text.starts_with("http://") {
                    return None;
                }
                source
            }
            _ => return None,
        };
        Some((url, self.title.get()))
    }

    /// Id and title of the uploaded file that is cited; `None` for other documents, and for pages.
    pub(crate) fn file(self) -> Option<(RawStr<'a>, Option<RawStr<'a>>)> {
        match &*self.kind.get()?.decode() {
            "char_location" | "page_location" | "content_block_location" => {
                Some((self.file_id.get()?, self.document_title.get()))
            }
            _ => None,
        }
    }
}

/// Anthropic's `stop_details`, which come with a refusal.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct StopDetails<'a> {
    #[serde(borrow)]
    pub(crate) explanation: Text<'a>,
}

impl<'a> StopDetails<'a> {
    /// The details that `raw` holds; none when they cannot be read.
    pub(crate) fn read(raw: Option<&'a RawValue>) -> Self {
        raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or_default()
    }
}

/// Why the model stopped, in the classes that the other formats tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopReason {
    /// `end_turn`, `stop_sequence`, and reasons not known here.
    Finished,
    /// `tool_use`.
    ToolUse,
    /// `max_tokens`, `model_context_window_exceeded`.
    Length,
    /// `pause_turn`, `compaction`: the turn is not over, and can be continued.
    Paused,
    /// `refusal`.
    Refusal,
}

impl StopReason {
    /// The class of Anthropic's `stop_reason`.
    pub(crate) fn read(reason: RawStr<'_>) -> Self {
        match &*reason.decode() {
            "tool_use" => Self::ToolUse,
            "max_tokens" | "model_context_window_exceeded" => Self::Length,
            "pause_turn" | "compaction" => Self::Paused,
            "refusal" => Self::Refusal,
            _ => Self::Finished,
        }
    }
}
