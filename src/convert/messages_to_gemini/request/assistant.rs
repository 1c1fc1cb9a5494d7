//! Messages of the assistant: texts and calls, or the parts as they came from Google.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::content::{self, Said, Text};
use super::history::{Assistant, BLOCK, Entry, History, Item, report_lost};
use crate::convert::context::RequestContext;
use crate::convert::gemini_envelope::{self, Signature};
use crate::convert::gemini_out::{Call, Contents, NO_SIGNATURE, Section, names};
use crate::convert::messages_in::{
    At, Content, SERVER_BLOCKS, kind_of, misplaced, missing, text_of, unsupported,
};
use crate::convert::path::wrong_type;
use crate::convert::report::Refusal;
use crate::format::messages::request::Block;
use crate::format::raw::RawStr;
use crate::format::walk;
use crate::models::GeminiGeneration;

impl<'a> History<'_, 'a> {
    /// Reads a message.
    pub(super) fn assistant(
        &mut self,
        content: Content<'a>,
        at: At,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let turn = *self.turn.get_or_insert(at.message);
        let mut said = Assistant {
            turn,
            ..Assistant::default()
        };
        let mut dropped = false;
        match content {
            Content::Text(text) => said.items.push(Item::Text(Text::of(text))),
            Content::Blocks(blocks) => {
                // Anthropic splits one text into blocks where it is cited.
                let mut open = false;
                for (index, block) in blocks.iter().enumerate() {
                    let at = at.block(index);
                    report_lost(block, BLOCK, cx);
                    let goes_on = open;
                    open = false;
                    match &*kind_of(block, at)? {
                        "text" => {
                            open = true;
                            let Some(text) = text_of(block, || at.path())? else {
                                continue;
                            };
                            match said.items.last_mut().filter(|_| goes_on) {
                                Some(Item::Text(before)) => before.push(text),
                                _ => said.items.push(Item::Text(Text::of(text))),
                            }
                        }
                        "tool_use" => {
                            let item = self.call(block, turn, at)?;
                            said.items.push(item);
                        }
                        "thinking" => {
                            if !self.carried(block.signature, &mut said) {
                                cx.report.drop_field("messages[].content[].thinking");
                            }
                        }
                        "redacted_thinking" => {
                            if !self.carried(block.data, &mut said) {
                                cx.report.drop_field("messages[].content[].data");
                            }
                        }
                        kind @ "compaction" => {
                            for piece in content::read(kind, block, at, self.profile, cx)? {
                                if let Said::Text(text) = piece {
                                    said.items.push(Item::Text(text));
                                }
                            }
                        }
                        kind if SERVER_BLOCKS.contains(&kind) => {
                            dropped = true;
                            open = goes_on;
                        }
                        "tool_result" => return Err(misplaced(at, "tool_result", "assistant")),
                        kind => {
                            let what = format!("a block of type `{kind}` of the assistant's");
                            return Err(unsupported(at.path(), cx.provider, &what));
                        }
                    }
                }
            }
        }
        if said.parts.is_some() {
            self.restore_ids(&said);
        } else if dropped {
            cx.report.drop_field(BLOCK);
        }
        self.entries.push(Entry::Assistant(said));
        Ok(())
    }

    fn call(&mut self, block: &Block<'a>, turn: usize, at: At) -> Result<Item<'a>, Refusal> {
        let Some(id) = block.id else {
            return Err(missing(at.member("id")));
        };
        let Some(name) = block.name.filter(|name| !name.is_empty()) else {
            return Err(missing(at.member("name")));
        };
        let input = block.input.map_or("{}", RawValue::get);
        if !walk::is_object(input) {
            return Err(wrong_type(at.member("input")));
        }
        let id = id.decode();
        let name = names::sent(self.names, &name.decode()).into_owned();
        self.pairs.call(turn, id.clone(), name.clone());
        Ok(Item::Call { id, name, input })
    }

    /// Takes over what a block carries; false where Google did not make it.
    fn carried(&mut self, opaque: Option<RawStr<'a>>, said: &mut Assistant<'a>) -> bool {
        let Some(opaque) = opaque else { return false };
        let text = opaque.decode();
        if let Some(parts) = gemini_envelope::read_parts(&text) {
            said.parts = Some(parts);
            return true;
        }
        for signature in gemini_envelope::read(&text) {
            match signature {
                Signature::Call { id, value } => {
                    self.signatures.insert(id, value);
                }
                Signature::Message { value } => said.signature = Some(value),
            }
        }
        text.starts_with("tlg1.gemini.")
    }

    /// Calls in parts that go back unchanged keep the ids that Google gave them: so must their results.
    fn restore_ids(&mut self, said: &Assistant<'a>) {
        let called = said.items.iter().filter_map(|item| match item {
            Item::Call { id, .. } => Some(id),
            Item::Text(_) => None,
        });
        for (id, call) in called.zip(said.parts().filter_map(|p| walk::member(p, "functionCall"))) {
            let own = walk::member(call, "id").and_then(RawStr::from_json);
            let own = own.map(|own| own.decode().into_owned());
            self.ids.insert(id.to_string(), own);
        }
    }

    /// Writes a message.
    pub(super) fn write_assistant(
        &self,
        said: &Assistant<'a>,
        is_current: bool,
        contents: &mut Contents<'_>,
        cx: &RequestContext<'_>,
    ) {
        if said.parts.is_some() {
            contents.replay(said.parts());
            return;
        }
        let newest = cx.capabilities.gemini == GeminiGeneration::V3;
        let is_text = |item: &Item<'_>| matches!(item, Item::Text(_));
        let last = said.items.iter().rposition(is_text);
        // Only the first of several calls at once carries a signature.
        let mut demanded = newest && is_current;
        for (place, item) in said.items.iter().enumerate() {
            match item {
                Item::Text(text) => {
                    let signature = said.signature.as_deref();
                    let signature = signature.filter(|_| Some(place) == last);
                    if let Some(text) = text.raw() {
                        contents.text(Section::Model, text, signature);
                    }
                }
                Item::Call { id, name, input } => {
                    let stand_in = std::mem::take(&mut demanded).then_some(NO_SIGNATURE);
                    let signature = self.signatures.get(&**id).map(String::as_str);
                    let call = Call {
                        id: Some(&**id).filter(|id| newest && !id.is_empty()),
                        name,
                        signature: signature.or(stand_in),
                    };
                    contents.call(call, |out| out.extend_from_slice(input.as_bytes()));
                }
            }
        }
    }

    /// The id at Google of the call that the client knows as `id`, for models that know ids.
    pub(super) fn id_of<'s>(
        &'s self,
        id: &'s str,
        cx: &RequestContext<'_>,
    ) -> Option<Cow<'s, str>> {
        let own = match self.ids.get(id) {
            Some(own) => own.as_deref(),
            None => Some(id).filter(|_| cx.capabilities.gemini == GeminiGeneration::V3),
        };
        own.filter(|id| !id.is_empty()).map(Cow::Borrowed)
    }
}

impl Assistant<'_> {
    /// The parts as they came from Google.
    fn parts(&self) -> impl Iterator<Item = &str> {
        walk::elements(self.parts.as_deref().unwrap_or_default())
    }
}
