//! The conversation: `messages` and `system`.

use super::items::Writer;
use crate::convert::context::RequestContext;
use crate::convert::converse_out::Out;
use crate::convert::converse_out::system::System;
use crate::convert::converse_out::turns::{Facts, Turns};
use crate::convert::report::Refusal;
use crate::convert::responses_request::content::{Piece, each_piece, leading};
use crate::convert::responses_request::heads::{Items, Kind};
use crate::convert::responses_request::input::{Input, nothing_to_send};
use crate::convert::responses_request::tools::Tools;
use crate::format::raw::RawStr;

/// What the client's input comes to.
#[derive(Debug)]
pub(super) struct Conversation<'t, 'a> {
    pub(super) input: Input<'a>,
    pub(super) instructions: Option<RawStr<'a>>,
    /// Calls and results are written as texts: the model may call nothing, and cannot be told so.
    pub(super) calls_as_text: bool,
    pub(super) json_mode: bool,
    pub(super) known: &'t Tools<'a>,
}

impl<'t, 'a: 't> Conversation<'t, 'a> {
    /// Writes `messages`, then `system`.
    pub(super) fn write(
        &self,
        out: &mut Out,
        items: &mut Items<'a>,
        cx: &mut RequestContext<'_>,
    ) -> Result<Facts, Refusal> {
        let leading = leading(items);
        let system = self.system(items, leading, cx)?;
        let mut facts = self.messages(out, items, leading, cx)?;
        if facts.is_empty {
            // Converse wants a message: the system text becomes the user's.
            let texts: Vec<RawStr<'a>> = system.iter().filter_map(text_of).collect();
            if texts.is_empty() {
                return Err(nothing_to_send());
            }
            cx.report.approximate("instructions");
            out.clear();
            let turns = Turns::begin_list(out, self.calls_as_text);
            facts = Writer::new(turns, self.known, items, cx).write_texts(&texts)?;
            self.write_system(out, &[], cx);
        } else {
            self.write_system(out, &system, cx);
        }
        report(&facts, items, cx);
        Ok(facts)
    }

    fn messages(
        &self,
        out: &mut Out,
        items: &mut Items<'a>,
        leading: usize,
        cx: &mut RequestContext<'_>,
    ) -> Result<Facts, Refusal> {
        let turns = Turns::begin_list(out, self.calls_as_text);
        let writer = Writer::new(turns, self.known, items, cx);
        match self.input {
            Input::Text(text) => writer.write_texts(&[text]),
            Input::Items => writer.write(leading),
        }
    }

    /// The instructions, and the texts and marks of the first `leading` items.
    fn system(
        &self,
        items: &Items<'a>,
        leading: usize,
        cx: &mut RequestContext<'_>,
    ) -> Result<Vec<Piece<'a>>, Refusal> {
        let instructions = self.instructions.filter(|text| !text.is_blank());
        let mut pieces: Vec<Piece<'a>> = instructions.map(Piece::Text).into_iter().collect();
        for (index, item) in items.list.iter().enumerate().take(leading) {
            if item.kind == Kind::System {
                each_piece(item.text, index, cx, |piece| pieces.push(piece))?;
            }
        }
        Ok(pieces)
    }

    fn write_system(&self, out: &mut Out, pieces: &[Piece<'a>], cx: &mut RequestContext<'_>) {
        let mut system = System::new(out);
        for piece in pieces {
            match piece {
                Piece::Text(text) => system.text(*text),
                Piece::Mark(ttl) => system.mark(*ttl, cx.report),
            }
        }
        if self.json_mode {
            system.json_mode();
        }
        system.finish();
    }
}

fn text_of<'a>(piece: &Piece<'a>) -> Option<RawStr<'a>> {
    match piece {
        Piece::Text(text) => Some(*text),
        Piece::Mark(_) => None,
    }
}

/// Reports what was changed so that Converse takes it.
fn report(facts: &Facts, items: &Items<'_>, cx: &mut RequestContext<'_>) {
    for (field, changed) in [
        ("input", facts.is_continued),
        ("input[].role", facts.has_folded_system),
        ("input[].content", facts.is_trimmed),
        (
            "input[].call_id",
            facts.has_changed_ids || facts.has_repeated_results || items.repeated_outputs,
        ),
    ] {
        if changed {
            cx.report.approximate(field);
        }
    }
}
