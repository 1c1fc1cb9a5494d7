//! What grows inside an item: parts, texts, arguments, and the stages of a web search.

use bytes::{BufMut, BytesMut};

use super::item::{Item, Kind, Part, Reasoning, content, write_typed};
use super::{At, Index, ResponseWriter, number};
use crate::codec::write::Object;

/// The names of the two kinds of text that a reasoning item may have.
struct ReasoningNames {
    key: &'static str,
    part: &'static str,
    added: &'static str,
    delta: &'static str,
}

/// OpenAI's annotation for a page of the web: JSON strings, and the part of the text that it is about in Unicode scalar values.
pub(crate) fn url_citation(url: &str, title: &str, start: u64, end: u64) -> String {
    let mut json = BytesMut::new();
    let mut object = Object::begin(&mut json);
    object
        .string("type", "url_citation")
        .raw("url", url)
        .raw("title", title)
        .uint("start_index", start)
        .uint("end_index", end);
    object.end();
    String::from_utf8_lossy(&json).into_owned()
}

impl ResponseWriter {
    /// What has grown of an item so far, raw JSON text without quotes: a message's last part, a summary, arguments, an input.
    pub(crate) fn grown(&self, index: Index) -> &str {
        match self.items.get(index).map(|item| &item.kind) {
            Some(Kind::Message { parts }) => match parts.last() {
                Some(Part::Text { text, .. } | Part::Refusal { text }) => text,
                None => "",
            },
            Some(Kind::Reasoning(reasoning)) => {
                let text = reasoning.content.as_ref().or(reasoning.summary.as_ref());
                text.map_or("", String::as_str)
            }
            Some(
                Kind::Function {
                    arguments: text, ..
                }
                | Kind::Custom { input: text, .. },
            ) => text,
            Some(Kind::WebSearch { .. }) | None => "",
        }
    }

    pub(super) fn web_search_event(
        &mut self,
        index: Index,
        name: &'static str,
        out: &mut BytesMut,
    ) {
        if let Some(item) = Self::growing(&mut self.items, index)
            && matches!(item.kind, Kind::WebSearch { .. })
        {
            let at = item.at(index);
            self.events.part(out, name, at, |_| {});
        }
    }

    /// The search's question is known.
    pub(crate) fn searching(&mut self, index: Index, out: &mut BytesMut) {
        self.web_search_event(index, "response.web_search_call.searching", out);
    }

    /// The search's results are there.
    pub(crate) fn searched(&mut self, index: Index, out: &mut BytesMut) {
        self.web_search_event(index, "response.web_search_call.completed", out);
    }

    /// Sets what a web search did, as JSON text.
    pub(crate) fn set_action(&mut self, index: Index, json: String) {
        if let Some(Item {
            kind: Kind::WebSearch { action_json },
            ..
        }) = Self::growing(&mut self.items, index)
        {
            self.held = self.held.saturating_add(json.len());
            *action_json = json;
        }
    }

    /// Opens a message's part of text, unless one is open.
    pub(crate) fn text_part(&mut self, index: Index, out: &mut BytesMut) {
        self.open_part(
            index,
            Part::text,
            |part| matches!(part, Part::Text { .. }),
            out,
        );
    }

    fn open_part(
        &mut self,
        index: Index,
        new: impl FnOnce() -> Part,
        is_same: impl FnOnce(&Part) -> bool,
        out: &mut BytesMut,
    ) {
        let Some(item) = Self::growing(&mut self.items, index) else {
            return;
        };
        let Kind::Message { parts } = &item.kind else {
            return;
        };
        if item.part_open && parts.last().is_some_and(is_same) {
            return;
        }
        self.end_part(index, out);
        let Some(item) = Self::growing(&mut self.items, index) else {
            return;
        };
        item.part_open = true;
        let part = new();
        let Kind::Message { parts } = &mut item.kind else {
            return;
        };
        let at = At {
            id: &item.id,
            index,
            part: Some(("content_index", number(parts.len()))),
        };
        self.events
            .part(out, "response.content_part.added", at, |object| {
                part.write(object.key("part"));
            });
        parts.push(part);
    }

    /// More text of a message.
    pub(crate) fn text(&mut self, index: Index, more: &str, out: &mut BytesMut) {
        self.text_part(index, out);
        let Some(item) = Self::growing(&mut self.items, index) else {
            return;
        };
        let Kind::Message { parts } = &mut item.kind else {
            return;
        };
        let part = number(parts.len().saturating_sub(1));
        if let Some(Part::Text { text, .. }) = parts.last_mut()
            && !more.is_empty()
        {
            text.push_str(more);
            self.held = self.held.saturating_add(more.len());
            let at = At {
                id: &item.id,
                index,
                part: Some(("content_index", part)),
            };
            self.events
                .part(out, "response.output_text.delta", at, |object| {
                    content(object, "delta", more);
                    object.raw("logprobs", "[]");
                });
        }
    }

    /// An annotation (JSON text) of the message's open text.
    pub(crate) fn annotation(&mut self, index: Index, json: &str, out: &mut BytesMut) {
        let Some(item) = Self::growing(&mut self.items, index).filter(|item| item.part_open) else {
            return;
        };
        let Kind::Message { parts } = &mut item.kind else {
            return;
        };
        let part = number(parts.len().saturating_sub(1));
        if let Some(Part::Text {
            annotations, count, ..
        }) = parts.last_mut()
        {
            if *count > 0 {
                annotations.put_u8(b',');
            }
            annotations.extend_from_slice(json.as_bytes());
            self.held = self.held.saturating_add(json.len());
            let at = At {
                id: &item.id,
                index,
                part: Some(("content_index", part)),
            };
            self.events
                .part(out, "response.output_text.annotation.added", at, |object| {
                    object
                        .uint("annotation_index", *count)
                        .raw("annotation", json);
                });
            *count += 1;
        }
    }

    /// More of a message's refusal, which is a part of its own.
    pub(crate) fn refusal(&mut self, index: Index, more: &str, out: &mut BytesMut) {
        let is_refusal = |part: &Part| matches!(part, Part::Refusal { .. });
        self.open_part(index, Part::refusal, is_refusal, out);
        let Some(item) = Self::growing(&mut self.items, index) else {
            return;
        };
        let Kind::Message { parts } = &mut item.kind else {
            return;
        };
        let part = number(parts.len().saturating_sub(1));
        if let Some(Part::Refusal { text }) = parts.last_mut()
            && !more.is_empty()
        {
            text.push_str(more);
            self.held = self.held.saturating_add(more.len());
            let at = At {
                id: &item.id,
                index,
                part: Some(("content_index", part)),
            };
            self.events
                .part(out, "response.refusal.delta", at, |object| {
                    content(object, "delta", more);
                });
        }
    }

    /// Closes the open part of an item, if there is one.
    pub(crate) fn end_part(&mut self, index: Index, out: &mut BytesMut) {
        let Some(item) = Self::growing(&mut self.items, index).filter(|item| item.part_open) else {
            return;
        };
        item.part_open = false;
        match &item.kind {
            Kind::Message { parts } => {
                let at = At {
                    id: &item.id,
                    index,
                    part: Some(("content_index", number(parts.len().saturating_sub(1)))),
                };
                let Some(part) = parts.last() else { return };
                match part {
                    Part::Text { text, .. } => {
                        self.events
                            .part(out, "response.output_text.done", at, |object| {
                                content(object, "text", text);
                                object.raw("logprobs", "[]");
                            });
                    }
                    Part::Refusal { text } => {
                        self.events
                            .part(out, "response.refusal.done", at, |object| {
                                content(object, "refusal", text);
                            });
                    }
                }
                self.events
                    .part(out, "response.content_part.done", at, |object| {
                        part.write(object.key("part"));
                    });
            }
            Kind::Reasoning(reasoning) => {
                if let Some(text) = &reasoning.content {
                    let at = item.at_part(index, "content_index");
                    self.events
                        .part(out, "response.reasoning_text.done", at, |object| {
                            content(object, "text", text);
                        });
                    self.events
                        .part(out, "response.content_part.done", at, |object| {
                            write_typed(object.key("part"), "reasoning_text", text);
                        });
                } else if let Some(text) = &reasoning.summary {
                    let at = item.at_part(index, "summary_index");
                    self.events
                        .part(out, "response.reasoning_summary_text.done", at, |object| {
                            content(object, "text", text);
                        });
                    self.events
                        .part(out, "response.reasoning_summary_part.done", at, |object| {
                            write_typed(object.key("part"), "summary_text", text);
                        });
                }
            }
            Kind::Function { .. } | Kind::Custom { .. } | Kind::WebSearch { .. } => {}
        }
    }

    /// More of the summary of a reasoning item.
    pub(crate) fn summary(&mut self, index: Index, more: &str, out: &mut BytesMut) {
        const NAMES: ReasoningNames = ReasoningNames {
            key: "summary_index",
            part: "summary_text",
            added: "response.reasoning_summary_part.added",
            delta: "response.reasoning_summary_text.delta",
        };
        self.reason(index, more, &NAMES, |r| &mut r.summary, out);
    }

    /// More of the model's own words in a reasoning item. An item has either these or a summary.
    pub(crate) fn reasoning_text(&mut self, index: Index, more: &str, out: &mut BytesMut) {
        const NAMES: ReasoningNames = ReasoningNames {
            key: "content_index",
            part: "reasoning_text",
            added: "response.content_part.added",
            delta: "response.reasoning_text.delta",
        };
        self.reason(index, more, &NAMES, |r| &mut r.content, out);
    }

    fn reason(
        &mut self,
        index: Index,
        more: &str,
        names: &ReasoningNames,
        slot: impl FnOnce(&mut Reasoning) -> &mut Option<String>,
        out: &mut BytesMut,
    ) {
        let Some(item) = Self::growing(&mut self.items, index) else {
            return;
        };
        let at = At {
            id: &item.id,
            index,
            part: Some((names.key, 0)),
        };
        let Kind::Reasoning(reasoning) = &mut item.kind else {
            return;
        };
        let other = reasoning.summary.is_some() || reasoning.content.is_some();
        let text = slot(reasoning);
        if more.is_empty() || (text.is_none() && other) || (text.is_some() && !item.part_open) {
            return;
        }
        if text.is_none() {
            item.part_open = true;
            self.events.part(out, names.added, at, |object| {
                write_typed(object.key("part"), names.part, "");
            });
        }
        text.get_or_insert_default().push_str(more);
        self.held = self.held.saturating_add(more.len());
        self.events.part(out, names.delta, at, |object| {
            content(object, "delta", more);
        });
    }

    /// Sets the opaque state of a reasoning item; it goes to the client when the item ends.
    pub(crate) fn set_encrypted_content(&mut self, index: Index, encrypted: String) {
        if let Some(Item {
            kind: Kind::Reasoning(reasoning),
            ..
        }) = Self::growing(&mut self.items, index)
        {
            self.held = self.held.saturating_add(encrypted.len());
            reasoning.encrypted_content = Some(encrypted);
        }
    }

    /// More of a function's arguments.
    pub(crate) fn arguments(&mut self, index: Index, more: &str, out: &mut BytesMut) {
        let Some(item) = Self::growing(&mut self.items, index) else {
            return;
        };
        let at = At {
            id: &item.id,
            index,
            part: None,
        };
        if let Kind::Function { arguments, .. } = &mut item.kind
            && !more.is_empty()
        {
            arguments.push_str(more);
            self.held = self.held.saturating_add(more.len());
            self.events.part(
                out,
                "response.function_call_arguments.delta",
                at,
                |object| {
                    content(object, "delta", more);
                },
            );
        }
    }

    /// More of a freeform tool's input.
    pub(crate) fn input(&mut self, index: Index, more: &str, out: &mut BytesMut) {
        let Some(item) = Self::growing(&mut self.items, index) else {
            return;
        };
        let at = At {
            id: &item.id,
            index,
            part: None,
        };
        if let Kind::Custom { input, .. } = &mut item.kind
            && !more.is_empty()
        {
            input.push_str(more);
            self.held = self.held.saturating_add(more.len());
            self.events
                .part(out, "response.custom_tool_call_input.delta", at, |object| {
                    content(object, "delta", more);
                });
        }
    }
}
