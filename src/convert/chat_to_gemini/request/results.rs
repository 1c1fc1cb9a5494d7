//! The results of calls.

use serde_json::value::RawValue;

use super::history::{History, id_of};
use super::parts::{Piece, Shown, pieces, report_message_marks};
use crate::convert::chat_request::content::report_unknown;
use crate::convert::context::RequestContext;
use crate::convert::gemini_out::{Contents, Section, write_result};
use crate::convert::report::Refusal;
use crate::models::GeminiGeneration;

impl History<'_, '_> {
    /// Writes the results of the turn that begins at `turn`, in the order of its calls; what they show goes with them, or, to
    /// models that see nothing there, into a content of the user's behind them.
    pub(super) fn results(
        &self,
        turn: usize,
        contents: &mut Contents<'_>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let newest = cx.capabilities.gemini == GeminiGeneration::V3;
        let mut behind: Vec<(String, Shown<'_>)> = Vec::new();
        for paired in self.pairs.results(turn) {
            let Some(said) = self.messages.get(paired.result) else {
                continue;
            };
            report_unknown(said, cx.report);
            report_message_marks(said, cx);
            let content = said.content.map(RawValue::get).unwrap_or_default();
            let mut texts = Vec::new();
            let mut shown = Vec::new();
            for piece in pieces(content, paired.result, cx)? {
                match piece {
                    Piece::Text(text) => texts.push(text),
                    Piece::Media(media) => shown.push(media),
                }
            }
            let id = id_of(paired.id).filter(|id| newest && !id.is_empty());
            contents.result(id, paired.name, |function| {
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
                let name = |media| (paired.name.to_owned(), media);
                behind.extend(shown.into_iter().map(name));
            }
        }
        if !behind.is_empty() {
            cx.report.approximate("messages[].content[]");
        }
        for (name, media) in behind {
            contents.plain_text(Section::User, &format!("[image returned by {name}]"));
            let mut part = contents.part(Section::User);
            media.write(&mut part);
            part.end();
        }
        Ok(())
    }
}
