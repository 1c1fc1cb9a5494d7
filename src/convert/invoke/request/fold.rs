//! System messages between the others, and the cache mark at the end.
//!
//! Bedrock's models take no `system` role in `messages`, so its text becomes the user's, marked as the system's, where it
//! stands: in the user's message before it, or else in the next one, whose tool results must stay in front.

use std::ops::Range;

use super::content::{string, text};
use crate::codec::scan::{elements, members};
use crate::convert::invoke::edits::Edits;
use crate::convert::report::{LossReport, Refusal};
use crate::format::raw::RawStr;

/// Around the text of a system message, inside a JSON string.
const OPEN: &str = "<system>\\n";
const CLOSE: &str = "\\n</system>";

/// The messages of a request.
pub(super) struct Turns<'a> {
    body: &'a [u8],
    list: Vec<Turn>,
}

struct Turn {
    span: Range<usize>,
    role: Role,
    content: Option<Range<usize>>,
    /// The other members, of a system message.
    others: Vec<String>,
    /// The edits inside a message that is folded.
    inside: Edits,
    /// Blocks that are added: behind the tool results, and at the end.
    first: Vec<Vec<u8>>,
    last: Vec<Vec<u8>>,
    fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Assistant,
    /// One that is to be folded.
    System,
    /// The user, and whatever the provider makes of other roles.
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stays,
    Goes,
    /// A message of the user with the blocks in `last` takes its place.
    BecomesUser,
}

impl<'a> Turns<'a> {
    /// The messages of `list`; `folds`: those of the system are to be folded.
    pub(super) fn read(body: &'a [u8], list: Range<usize>, folds: bool) -> Self {
        let turn = |span: Range<usize>| {
            let mut turn = Turn {
                span: span.clone(),
                role: Role::Other,
                content: None,
                others: Vec::new(),
                inside: Edits::default(),
                first: Vec::new(),
                last: Vec::new(),
                fate: Fate::Stays,
            };
            for member in members(body, span) {
                match &*member.key {
                    "role" => {
                        let role = string(body, member.value).map(RawStr::decode);
                        turn.role = match role.as_deref() {
                            Some("assistant") => Role::Assistant,
                            Some("system") if folds => Role::System,
                            _ => Role::Other,
                        };
                    }
                    "content" => turn.content = Some(member.value),
                    _ => turn.others.push(member.key.into_owned()),
                }
            }
            turn
        };
        let mut turns = Self {
            body,
            list: elements(body, list).map(turn).collect(),
        };
        for turn in &mut turns.list {
            if turn.role != Role::System {
                turn.others.clear();
            }
        }
        turns
    }

    /// Shows the content of every message to `look`, with its place, and the edits of those that are folded.
    pub(super) fn visit(
        &mut self,
        mut look: impl FnMut(usize, Range<usize>, Option<&mut Edits>) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        for (index, turn) in self.list.iter_mut().enumerate() {
            if let Some(content) = turn.content.clone() {
                let folded = turn.role == Role::System;
                look(index, content, folded.then_some(&mut turn.inside))?;
            }
        }
        Ok(())
    }

    /// Reports what is lost of the messages that are folded.
    pub(super) fn report(&self, report: &mut LossReport) {
        for turn in self.list.iter().filter(|turn| turn.role == Role::System) {
            report.approximate("messages[].role");
            for name in &turn.others {
                report.drop_field(format!("messages[].{name}"));
            }
        }
    }

    /// Folds, and puts `mark` onto the last block.
    pub(super) fn finish(
        mut self,
        mark: Option<(Vec<u8>, &'static str)>,
        edits: &mut Edits,
        report: &mut LossReport,
    ) {
        self.fold();
        let (mark, path) = mark.unzip();
        let mut unmarked = mark.is_some();
        if let Some(mark) = &mark
            && let Some(last) = self.list.iter_mut().rfind(|turn| turn.fate != Fate::Goes)
            && let Some(block) = last.last.last_mut()
        {
            add_mark(block, mark);
            unmarked = false;
        }
        let last = self.list.iter().rposition(|turn| turn.fate != Fate::Goes);
        for (at, turn) in self.list.iter().enumerate() {
            let mark = mark.as_deref().filter(|_| unmarked && Some(at) == last);
            let marked = turn.write(self.body, mark, edits);
            if mark.is_some() && !marked {
                report.drop_field(path.unwrap_or_default());
            }
        }
        let spans: Vec<_> = self.list.iter().map(|turn| turn.span.clone()).collect();
        edits.cut(&spans, |at| {
            self.list
                .get(at)
                .is_some_and(|turn| turn.fate == Fate::Goes)
        });
    }

    /// Moves the texts of system messages to where they stay.
    fn fold(&mut self) {
        let body = self.body;
        // The user's message of this turn that was last seen, and what waits for one.
        let mut user: Option<usize> = None;
        let mut waiting: Vec<usize> = Vec::new();
        let mut moves: Vec<(usize, Option<usize>)> = Vec::new();
        for at in 0..=self.list.len() {
            match self.list.get(at).map(|turn| (turn.role, &turn.content)) {
                Some((Role::System, _)) => match user {
                    Some(user) => moves.push((at, Some(user))),
                    None => waiting.push(at),
                },
                Some((Role::Other, Some(content))) if is_text_or_list(body, content) => {
                    if user.is_none() {
                        moves.extend(waiting.drain(..).map(|system| (system, Some(at))));
                    }
                    user = Some(at);
                }
                Some((Role::Other, _)) => {}
                Some((Role::Assistant, _)) | None => {
                    let mut alone = waiting.drain(..);
                    if let Some(first) = alone.next() {
                        moves.push((first, None));
                        moves.extend(alone.map(|system| (system, Some(first))));
                    }
                    user = None;
                }
            }
        }
        for (from, to) in moves {
            let Some(turn) = self.list.get_mut(from) else {
                continue;
            };
            turn.fate = Fate::Goes;
            let blocks = turn.rendered(body);
            match to {
                None => {
                    if !blocks.is_empty() {
                        turn.fate = Fate::BecomesUser;
                    }
                    turn.last = blocks;
                }
                Some(to) => {
                    if let Some(to_turn) = self.list.get_mut(to) {
                        match to_turn.role {
                            // It is the first of those that found no user's message.
                            Role::System => {
                                to_turn.last.extend(blocks);
                                if !to_turn.last.is_empty() {
                                    to_turn.fate = Fate::BecomesUser;
                                }
                            }
                            _ if from < to => to_turn.first.extend(blocks),
                            _ => to_turn.last.extend(blocks),
                        }
                    }
                }
            }
        }
    }
}

impl Turn {
    /// The blocks of a system message, as the user's.
    fn rendered(&mut self, body: &[u8]) -> Vec<Vec<u8>> {
        let Some(content) = self.content.clone() else {
            return Vec::new();
        };
        if let Some(text) = string(body, content.clone()) {
            if text.is_blank() {
                return Vec::new();
            }
            let block = format!(
                "{{\"type\":\"text\",\"text\":\"{OPEN}{}{CLOSE}\"}}",
                text.content()
            );
            return vec![block.into_bytes()];
        }
        let mut inside = std::mem::take(&mut self.inside);
        let mut spans = Vec::new();
        for block in elements(body, content) {
            let is_text = text(body, &block, "type").is_none_or(|kind| kind.is("text"));
            let value = members(body, block.clone())
                .find(|member| member.key == "text")
                .map(|member| member.value);
            if is_text && let Some(value) = value {
                if string(body, value.clone()).is_none_or(RawStr::is_blank) {
                    continue;
                }
                inside.insert(value.start + 1, OPEN.as_bytes());
                inside.insert(value.end - 1, CLOSE.as_bytes());
            }
            spans.push(block);
        }
        let blocks = spans.into_iter();
        blocks
            .filter_map(|block| inside.within(&block).apply(body, block).ok())
            .collect()
    }

    /// Writes what is added to a message; whether `mark` found a place in it.
    fn write(&self, body: &[u8], mark: Option<&[u8]>, edits: &mut Edits) -> bool {
        let first = self.first.join(&b","[..]);
        let last = self.last.join(&b","[..]);
        if self.fate == Fate::BecomesUser {
            let mut message = b"{\"role\":\"user\",\"content\":[".to_vec();
            message.extend_from_slice(&last);
            message.extend_from_slice(b"]}");
            edits.replace(self.span.clone(), message);
            return false;
        }
        let Some(content) = self.content.clone().filter(|_| self.fate == Fate::Stays) else {
            return false;
        };
        if let Some(text) = string(body, content.clone()) {
            return write_text(text, content, &first, &last, mark, edits);
        }
        let blocks: Vec<_> = elements(body, content.clone()).collect();
        let results = blocks
            .iter()
            .rposition(|block| text(body, block, "type").is_some_and(|k| k.is("tool_result")));
        if !first.is_empty() {
            match results.and_then(|at| blocks.get(at)) {
                Some(result) => edits.insert(result.end, comma_before(&first)),
                None if blocks.is_empty() => edits.insert(content.start + 1, first.clone()),
                None => {
                    let mut front = first.clone();
                    front.push(b',');
                    edits.insert(content.start + 1, front);
                }
            }
        }
        if !last.is_empty() {
            let alone = blocks.is_empty() && first.is_empty();
            let what = if alone { last } else { comma_before(&last) };
            edits.insert(content.end - 1, what);
        }
        let Some(mark) = mark else { return false };
        let Some(block) = blocks.iter().rfind(|block| is_cacheable(body, block)) else {
            return false;
        };
        if members(body, block.clone()).all(|member| member.key != "cache_control") {
            edits.insert(block.end - 1, mark_member(mark));
        }
        true
    }
}

/// A text as content: a list where something is added.
fn write_text(
    text: RawStr<'_>,
    content: Range<usize>,
    first: &[u8],
    last: &[u8],
    mark: Option<&[u8]>,
    edits: &mut Edits,
) -> bool {
    if first.is_empty() && last.is_empty() && (mark.is_none() || text.is_blank()) {
        return false;
    }
    if text.is_blank() {
        let blocks = [first, last]
            .into_iter()
            .filter(|blocks| !blocks.is_empty());
        let mut list = b"[".to_vec();
        list.extend_from_slice(&blocks.collect::<Vec<_>>().join(&b","[..]));
        list.push(b']');
        edits.replace(content, list);
        return false;
    }
    let mut before = b"[".to_vec();
    if !first.is_empty() {
        before.extend_from_slice(first);
        before.push(b',');
    }
    before.extend_from_slice(b"{\"type\":\"text\",\"text\":");
    edits.insert(content.start, before);
    let mut after = mark.map(mark_member).unwrap_or_default();
    after.push(b'}');
    if !last.is_empty() {
        after.extend_from_slice(&comma_before(last));
    }
    after.push(b']');
    edits.insert(content.end, after);
    mark.is_some()
}

fn comma_before(blocks: &[u8]) -> Vec<u8> {
    let mut out = vec![b','];
    out.extend_from_slice(blocks);
    out
}

fn mark_member(mark: &[u8]) -> Vec<u8> {
    let mut out = b",\"cache_control\":".to_vec();
    out.extend_from_slice(mark);
    out
}

/// Marks a block that is no part of the body any more.
fn add_mark(block: &mut Vec<u8>, mark: &[u8]) {
    let whole = 0..block.len();
    if members(block, whole).any(|member| member.key == "cache_control") {
        return;
    }
    let end = block.len().saturating_sub(1);
    block.truncate(end);
    block.extend_from_slice(&mark_member(mark));
    block.push(b'}');
}

/// Whether a block may carry a cache mark.
pub(crate) fn is_cacheable(body: &[u8], block: &Range<usize>) -> bool {
    let Some(kind) = text(body, block, "type").map(RawStr::decode) else {
        return false;
    };
    match &*kind {
        "thinking" | "redacted_thinking" => false,
        "text" => text(body, block, "text").is_some_and(|text| !text.is_blank()),
        _ => true,
    }
}

fn is_text_or_list(body: &[u8], content: &Range<usize>) -> bool {
    matches!(body.get(content.start), Some(b'"' | b'['))
}
