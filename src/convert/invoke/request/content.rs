//! What stands in `system` and `messages`: sources that Bedrock cannot fetch, and cache marks.

use std::ops::Range;

use super::fold;
use crate::codec::contains;
use crate::codec::scan::{elements, members};
use crate::convert::context::RequestContext;
use crate::convert::invoke::edits::Edits;
use crate::convert::passthrough::request::{ENVELOPE, is_foreign_thinking, member};
use crate::convert::report::Refusal;
use crate::format::raw::RawStr;
use crate::options::MidSystem;

/// A cache mark for the whole request.
#[derive(Debug)]
pub(super) struct Mark {
    pub(super) span: Range<usize>,
    /// The client's name for it.
    pub(super) path: &'static str,
}

/// Where a block stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'p> {
    Message {
        message: usize,
        index: usize,
    },
    /// In the `content` of another block.
    Inside {
        outer: &'p Place<'p>,
        index: usize,
    },
}

impl Place<'_> {
    fn path(self) -> String {
        match self {
            Self::Message { message, index } => format!("messages[{message}].content[{index}]"),
            Self::Inside { outer, index } => format!("{}.content[{index}]", outer.path()),
        }
    }
}

/// Looks at the blocks of `system`, which may be a string.
pub(super) fn system(
    body: &[u8],
    system: Range<usize>,
    edits: &mut Edits,
    cx: &mut RequestContext<'_>,
) {
    for block in elements(body, system) {
        if let Some(mark) = member(body, &block, "cache_control") {
            cache_control(body, mark, "system[]", edits, cx);
        }
    }
}

/// Looks at `messages`: at `all` of them, or only for where `mark` goes, the cache mark for the whole request.
pub(super) fn messages(
    body: &[u8],
    list: Range<usize>,
    all: bool,
    mark: Option<Mark>,
    edits: &mut Edits,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    if !all && mark.is_none() {
        return Ok(());
    }
    let mark = mark.map(|Mark { span, path }| {
        let mut inside = Edits::default();
        cache_control(body, span.clone(), "", &mut inside, cx);
        (inside.apply(body, span).unwrap_or_default(), path)
    });
    let folds = all && cx.options.mid_system != Some(MidSystem::Native);
    let mut turns = fold::Turns::read(body, list, folds);
    if all {
        let mut walker = Walker {
            body,
            envelopes: contains(body, ENVELOPE.as_bytes()),
            cx,
        };
        turns.visit(|message, content, inside| {
            walker.blocks(content, message, inside.unwrap_or(&mut *edits))
        })?;
        turns.report(cx.report);
    }
    turns.finish(mark, edits, cx.report);
    Ok(())
}

/// Looks through blocks.
struct Walker<'a, 'c, 'r> {
    body: &'a [u8],
    /// Some block may be thinking that another provider signed.
    envelopes: bool,
    cx: &'c mut RequestContext<'r>,
}

impl Walker<'_, '_, '_> {
    /// The blocks of a message.
    fn blocks(
        &mut self,
        content: Range<usize>,
        message: usize,
        edits: &mut Edits,
    ) -> Result<(), Refusal> {
        let blocks: Vec<_> = elements(self.body, content).collect();
        let mut foreign = Vec::new();
        if self.envelopes {
            let is_foreign = |block| is_foreign_thinking(self.body, block);
            foreign = blocks.iter().map(is_foreign).collect();
            if foreign.contains(&true) {
                self.cx.report.drop_field("messages[].content[].signature");
                edits.cut(&blocks, |at| foreign.get(at) == Some(&true));
            }
        }
        for (index, block) in blocks.into_iter().enumerate() {
            if foreign.get(index) != Some(&true) {
                self.block(block, Place::Message { message, index }, edits)?;
            }
        }
        Ok(())
    }

    fn block(
        &mut self,
        block: Range<usize>,
        place: Place<'_>,
        edits: &mut Edits,
    ) -> Result<(), Refusal> {
        for member in members(self.body, block) {
            match &*member.key {
                "source" => self.source(&member.value, place, edits)?,
                "content" => self.inner(member.value, place, edits)?,
                "cache_control" => {
                    let owner = "messages[].content[]";
                    cache_control(self.body, member.value, owner, edits, self.cx);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Blocks inside a block.
    fn inner(
        &mut self,
        content: Range<usize>,
        outer: Place<'_>,
        edits: &mut Edits,
    ) -> Result<(), Refusal> {
        for (index, block) in elements(self.body, content).enumerate() {
            let outer = &outer;
            self.block(block, Place::Inside { outer, index }, edits)?;
        }
        Ok(())
    }

    fn source(
        &mut self,
        source: &Range<usize>,
        place: Place<'_>,
        edits: &mut Edits,
    ) -> Result<(), Refusal> {
        let refuse = |message: &'static str| {
            Err(Refusal::unsupported(
                format!("{}.source", place.path()),
                message,
            ))
        };
        match text(self.body, source, "type")
            .map(RawStr::decode)
            .as_deref()
        {
            Some("url") => refuse("Bedrock takes base64 only, and nothing by URL"),
            Some("file") => refuse("Bedrock takes base64 only, and knows no uploaded files"),
            Some("content") => match member(self.body, source, "content") {
                Some(content) => self.inner(content, place, edits),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

/// Takes out of a cache mark what Bedrock does not take; `owner` is the client's name for what it marks.
pub(super) fn cache_control(
    body: &[u8],
    mark: Range<usize>,
    owner: &str,
    edits: &mut Edits,
    cx: &mut RequestContext<'_>,
) {
    let goes =
        |name: &str| name == "scope" || (name == "ttl" && cx.options.strip_ttl == Some(true));
    let list: Vec<_> = members(body, mark).collect();
    if !list.iter().any(|member| goes(&member.key)) {
        return;
    }
    let spans: Vec<_> = list.iter().map(|m| m.name.start..m.value.end).collect();
    edits.cut(&spans, |at| list.get(at).is_some_and(|m| goes(&m.key)));
    for member in list.iter().filter(|member| goes(&member.key)) {
        let dot = if owner.is_empty() { "" } else { "." };
        cx.report
            .drop_field(format!("{owner}{dot}cache_control.{}", member.key));
    }
}

/// A string member of an object.
pub(super) fn text<'a>(body: &'a [u8], object: &Range<usize>, name: &str) -> Option<RawStr<'a>> {
    string(body, member(body, object, name)?)
}

/// The string that stands at `span`.
pub(super) fn string(body: &[u8], span: Range<usize>) -> Option<RawStr<'_>> {
    RawStr::from_json(std::str::from_utf8(body.get(span)?).ok()?)
}
