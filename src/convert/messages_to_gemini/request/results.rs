//! The results of calls.

use std::borrow::Cow;

use super::content::{self, Said, Text};
use super::history::{Entry, History, report_lost};
use crate::convert::context::RequestContext;
use crate::convert::gemini_out::{Contents, Media, Section, write_result};
use crate::convert::messages_in::{At, Content, kind_of, missing};
use crate::convert::report::Refusal;
use crate::format::messages::request::Block;
use crate::format::raw::RawStr;
use crate::models::GeminiGeneration;
use crate::provider::chat_profile::ChatProfile;

const INNER: &str = "messages[].content[].content[]";

/// What a tool gave.
#[derive(Debug)]
pub(super) struct ToolResult<'a> {
    pub(super) id: Cow<'a, str>,
    texts: Vec<Text<'a>>,
    shown: Vec<Media<'a>>,
    failed: bool,
}

impl<'a> ToolResult<'a> {
    /// Reads a `tool_result` block.
    pub(super) fn read(
        block: &Block<'a>,
        at: At,
        profile: &'static ChatProfile,
        cx: &mut RequestContext<'_>,
    ) -> Result<Self, Refusal> {
        let Some(id) = block.tool_use_id else {
            return Err(missing(at.member("tool_use_id")));
        };
        let mut result = Self {
            id: id.decode(),
            texts: Vec::new(),
            shown: Vec::new(),
            failed: block.is_error == Some(true),
        };
        let Some(content) = block.content else {
            return Ok(result);
        };
        match Content::read(content.get(), || at.member("content"))? {
            Content::Text(text) => result.texts.push(Text::of(text)),
            Content::Blocks(blocks) => {
                for (index, inner) in blocks.iter().enumerate() {
                    let at = at.inner(index);
                    report_lost(inner, INNER, cx);
                    for said in content::read(&kind_of(inner, at)?, inner, at, profile, cx)? {
                        match said {
                            Said::Text(text) => result.texts.push(text),
                            Said::Media(media) => result.shown.push(media),
                        }
                    }
                }
            }
        }
        Ok(result)
    }
}

impl History<'_, '_> {
    /// Writes the results of the turn that begins with the message `turn`, in the order of its calls; what they show goes with them,
    /// or, to models that see nothing there, into a content of the user's behind them.
    pub(super) fn write_results(
        &self,
        turn: usize,
        contents: &mut Contents<'_>,
        cx: &mut RequestContext<'_>,
    ) {
        let newest = cx.capabilities.gemini == GeminiGeneration::V3;
        let mut behind = Vec::new();
        for paired in self.pairs.results(turn) {
            let Some(Entry::Result(result)) = self.entries.get(paired.result) else {
                continue;
            };
            let texts: Vec<RawStr<'_>> = result.texts.iter().filter_map(Text::raw).collect();
            let id = self.id_of(paired.id, cx);
            contents.result(id.as_deref(), paired.name, |function| {
                if result.failed {
                    // Google's word for a failure.
                    let mut response = function.object("response");
                    let lines: Vec<&str> = texts.iter().map(|text| text.content()).collect();
                    response.raw("error", &format!("\"{}\"", lines.join("\\n")));
                    response.end();
                } else {
                    write_result(function.key("response"), &texts);
                }
                if newest && !result.shown.is_empty() {
                    let mut list = function.array("parts");
                    for media in &result.shown {
                        let mut part = list.object();
                        media.write(&mut part);
                        part.end();
                    }
                    list.end();
                }
            });
            if !newest {
                behind.extend(result.shown.iter().map(|media| (paired.name, media)));
            }
        }
        if !behind.is_empty() {
            cx.report.approximate(INNER);
        }
        for (name, media) in behind {
            contents.plain_text(Section::User, &format!("[image returned by {name}]"));
            let mut part = contents.part(Section::User);
            media.write(&mut part);
            part.end();
        }
    }
}
