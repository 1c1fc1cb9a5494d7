//! What Converse answers, in Chat's words: the part that whole answers and streams have in common.

use super::state::State;
use crate::convert::chat_answer::annotations::Annotations;
use crate::convert::chat_answer::call::Call;
use crate::convert::chat_answer::cutter::Cutter;
use crate::convert::chat_answer::reasoning::{Fields, SEPARATOR, Signed};
use crate::convert::chat_out::escaped;
use crate::convert::converse_envelope::Redacted;
use crate::convert::converse_in::{Closing, Ending, Head, Opening, Sink};
use crate::convert::scalars::scalars_inside;
use crate::convert::wrapped_input;
use crate::format::converse::Citation;
use crate::format::raw::RawStr;

/// Where the words go. Texts are the inside of JSON strings.
pub(super) trait Page {
    /// The message begins; told once, before all else.
    fn start(&mut self, head: &Head);
    /// More of the content.
    fn text(&mut self, text: &str);
    /// More of the reasoning.
    fn reasoning(&mut self, text: &str);
    /// A block that the client must send back unchanged, the `index`th of its kind.
    fn signed(&mut self, index: u64, block: Signed<'_>);
    /// A call begins, the `ord`th; it has no input yet.
    fn call(&mut self, ord: u64, call: &Call);
    /// More of the open call's input: arguments, or all that a freeform tool is given.
    fn input(&mut self, ord: u64, call: &Call, text: &str);
    /// The open call ends.
    fn end_call(&mut self) {}
    /// The message ends.
    fn stopped(&mut self, annotations: &Annotations, reason: &'static str);
}

/// What was told so far.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) state: State,
    pub(super) fields: Fields,
    open: Open,
    /// The client's tools that were called.
    calls: u64,
    /// Signed blocks that were told.
    signed: u64,
    /// Whether any text of reasoning was told.
    reasoned: bool,
    /// Unicode scalar values of the content so far.
    length: u64,
    annotations: Annotations,
    /// Looks for the stop sequences that the provider does not know, where there are any.
    cutter: Option<Cutter>,
    /// Why the model stopped was told.
    pub(super) has_stopped: bool,
}

/// The open block.
#[derive(Debug)]
enum Open {
    /// None, or one that the client does not see.
    Hidden,
    Text {
        /// Where it begins in the content.
        start: u64,
        /// JSON strings: URL and title of what it cites.
        pages: Vec<(String, String)>,
    },
    Reasoning {
        /// Kept until it is signed.
        text: String,
    },
    Call {
        ord: u64,
        call: Call,
        /// All of a freeform tool's.
        input: String,
        any: bool,
    },
}

impl Told {
    pub(super) fn new(state: State) -> Self {
        Self {
            fields: Fields::of(state.reasoning),
            cutter: Cutter::new(&state.stops),
            state,
            open: Open::Hidden,
            calls: 0,
            signed: 0,
            reasoned: false,
            length: 0,
            annotations: Annotations::default(),
            has_stopped: false,
        }
    }

    /// Bytes that are held back.
    pub(super) fn held(&self) -> usize {
        let open = match &self.open {
            Open::Hidden => 0,
            Open::Text { pages, .. } => pages.iter().map(|(u, t)| u.len() + t.len()).sum(),
            Open::Reasoning { text } => text.len(),
            Open::Call { input, .. } => input.len(),
        };
        self.annotations.size() + open
    }

    /// Whether a stop sequence was met.
    pub(super) fn is_cut(&self) -> bool {
        self.cutter.as_ref().is_some_and(Cutter::is_cut)
    }

    /// Ends the message at a stop sequence that the gateway met.
    pub(super) fn cut(&mut self, page: &mut impl Page) {
        let reason = if self.calls > 0 { "tool_calls" } else { "stop" };
        self.stop(reason, page);
    }

    fn stop(&mut self, reason: &'static str, page: &mut impl Page) {
        if let Some(size) = self.cutter.as_ref().and_then(Cutter::citations) {
            self.annotations.truncate(size);
        }
        let reason = match reason {
            "tool_calls" if self.state.legacy_functions => "function_call",
            reason => reason,
        };
        page.stopped(&self.annotations, reason);
        self.has_stopped = true;
    }

    /// What follows is no text: no stop sequence goes on behind it.
    fn end_of_text(&mut self, page: &mut impl Page) {
        if let Some(cutter) = &mut self.cutter {
            write_plain(page, &cutter.flush());
        }
    }

    fn begin_call(&mut self, id: &str, name: &str, page: &mut impl Page) -> Open {
        let ord = self.calls;
        self.calls += 1;
        if self.state.legacy_functions && ord > 0 {
            // `function_call` holds one call.
            return Open::Hidden;
        }
        let call = Call {
            id: format!("\"{}\"", escaped(id)),
            name: self.state.tools.original(name).to_owned(),
            // The deprecated fields know no freeform tools.
            custom: self.state.tools.is_custom(name) && !self.state.legacy_functions,
        };
        page.call(ord, &call);
        Open::Call {
            ord,
            call,
            input: String::new(),
            any: false,
        }
    }

    fn end_text(&mut self, start: u64, pages: &[(String, String)]) {
        if pages.is_empty() {
            return;
        }
        if let Some(cutter) = &mut self.cutter {
            cutter.cite(self.length, self.annotations.size());
        }
        for (url, title) in pages {
            self.annotations.push_page(url, title, start, self.length);
        }
    }
}

/// Writes a text that is not escaped yet.
fn write_plain(page: &mut impl Page, text: &str) {
    if !text.is_empty() {
        page.text(&escaped(text));
    }
}

/// Tells a page what comes.
#[derive(Debug)]
pub(super) struct Telling<'t, P> {
    pub(super) told: &'t mut Told,
    pub(super) page: P,
}

impl<P: Page> Sink for Telling<'_, P> {
    fn start(&mut self, head: &Head) {
        self.page.start(head);
    }

    fn open(&mut self, block: Opening<'_>) {
        let (told, page) = (&mut *self.told, &mut self.page);
        if told.is_cut() {
            return;
        }
        if block != Opening::Text {
            told.end_of_text(page);
        }
        told.open = match block {
            Opening::Text => Open::Text {
                start: told.length,
                pages: Vec::new(),
            },
            Opening::Reasoning if told.fields.any() => Open::Reasoning {
                text: String::new(),
            },
            Opening::Reasoning => Open::Hidden,
            Opening::Call { id, name } => told.begin_call(id, name, page),
        };
    }

    fn delta(&mut self, text: &str) {
        let (told, page) = (&mut *self.told, &mut self.page);
        if text.is_empty() || told.is_cut() {
            return;
        }
        match &mut told.open {
            Open::Hidden => {}
            Open::Text { .. } => {
                told.length = told.length.saturating_add(scalars_inside(text));
                match &mut told.cutter {
                    None => page.text(text),
                    Some(cutter) => {
                        let json = format!("\"{text}\"");
                        let decoded = RawStr::from_json(&json).map(RawStr::decode);
                        write_plain(page, &cutter.push(&decoded.unwrap_or_default()));
                    }
                }
            }
            Open::Reasoning { text: all } => {
                if all.is_empty() && std::mem::replace(&mut told.reasoned, true) {
                    page.reasoning(SEPARATOR);
                }
                all.push_str(text);
                page.reasoning(text);
            }
            Open::Call {
                ord,
                call,
                input,
                any,
            } => {
                *any = true;
                if call.custom {
                    input.push_str(text);
                } else {
                    page.input(*ord, call, text);
                }
            }
        }
    }

    fn citation(&mut self, citation: &Citation<'_>) {
        // What cites no page of the web has no form in Chat.
        if let (Open::Text { pages, .. }, Some(url)) = (&mut self.told.open, citation.url()) {
            let title = citation.title.get().map_or("\"\"", RawStr::json);
            pages.push((url.json().to_owned(), title.to_owned()));
        }
    }

    fn close(&mut self, closing: Closing<'_>) {
        let (told, page) = (&mut *self.told, &mut self.page);
        if told.is_cut() {
            return;
        }
        match std::mem::replace(&mut told.open, Open::Hidden) {
            Open::Hidden => {}
            Open::Text { start, pages } => told.end_text(start, &pages),
            Open::Reasoning { text } => {
                if let Some(signature) = closing.signature {
                    let block = Signed::Thinking {
                        text: &text,
                        signature,
                    };
                    page.signed(told.signed, block);
                    told.signed += 1;
                }
            }
            Open::Call {
                ord,
                call,
                input,
                any,
            } => {
                if call.custom {
                    let input = wrapped_input::unwrap(&input).input;
                    if !input.is_empty() {
                        page.input(ord, &call, &input);
                    }
                } else if !any {
                    // Clients parse the arguments of tools without any, too.
                    page.input(ord, &call, "{}");
                }
                page.end_call();
            }
        }
    }

    fn redacted(&mut self, redacted: &Redacted) {
        let (told, page) = (&mut *self.told, &mut self.page);
        if told.fields.any() && !told.is_cut() {
            told.end_of_text(page);
            let data = redacted.data();
            page.signed(told.signed, Signed::Redacted { data: &data });
            told.signed += 1;
        }
    }

    fn stopped(&mut self, ending: &Ending) {
        let (told, page) = (&mut *self.told, &mut self.page);
        if !told.is_cut() {
            told.end_of_text(page);
            told.stop(ending.reason.chat(), page);
        }
    }
}
