//! What an answer says of itself: its id, its model, why it ended, and which of the client's tools it calls.
//!
//! Read from what the client gets, so that converted answers tell as much as those that pass through, in the client's own words.

use memchr::memmem::Finder;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::record::ToolCall;
use crate::codec::has_value;
use crate::endpoint::Format;
use crate::format::chat::answer::object;
use crate::format::messages::Text;
use crate::format::raw::RawStr;
use crate::format::walk;

/// The most tool calls that are remembered.
const MAX_CALLS: usize = 128;
/// The longest id or name that is remembered, in bytes.
const MAX_TEXT: usize = 256;

/// What is known of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) id: Option<String>,
    pub(crate) model: Option<String>,
    /// In the words of the client's format; for Responses the reason why it is incomplete, else its status.
    pub(crate) finish_reason: Option<String>,
    pub(crate) tool_calls: Vec<ToolCall>,
}

/// An answer or an event of any of the three formats: the members that tell something. All of it is read in one pass; what is of
/// quite another shape tells nothing.
#[derive(Default, Deserialize)]
#[serde(default)]
struct View<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    model: Text<'a>,
    /// Chat.
    #[serde(borrow)]
    choices: Option<Vec<Choice<'a>>>,
    /// Responses.
    #[serde(borrow)]
    status: Text<'a>,
    /// Responses.
    #[serde(borrow)]
    incomplete_details: Option<Details<'a>>,
    /// Responses: items of all kinds.
    #[serde(borrow)]
    output: Option<Vec<Call<'a>>>,
    /// Responses, events: the answer.
    #[serde(borrow)]
    response: Option<Box<View<'a>>>,
    /// Responses, events.
    #[serde(borrow)]
    item: Option<Call<'a>>,
    /// Messages.
    #[serde(borrow)]
    stop_reason: Text<'a>,
    /// Messages: blocks of all kinds.
    #[serde(borrow)]
    content: Option<Vec<Call<'a>>>,
    /// Messages, events: the answer.
    #[serde(borrow)]
    message: Option<Box<View<'a>>>,
    /// Messages, events.
    #[serde(borrow)]
    content_block: Option<Call<'a>>,
    /// Messages, events: of Responses' it is a text.
    #[serde(borrow)]
    delta: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Choice<'a> {
    #[serde(borrow)]
    finish_reason: Text<'a>,
    /// Of a chunk.
    #[serde(borrow)]
    delta: Option<Message<'a>>,
    /// Of a whole answer.
    #[serde(borrow)]
    message: Option<Message<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Message<'a> {
    #[serde(borrow)]
    tool_calls: Option<Vec<Call<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details<'a> {
    #[serde(borrow)]
    reason: Text<'a>,
}

/// What may be a tool call, in any of the three formats.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Call<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    id: Text<'a>,
    /// Responses.
    #[serde(borrow)]
    call_id: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    /// Chat.
    #[serde(borrow)]
    function: Option<Named<'a>>,
    /// Chat: a freeform tool.
    #[serde(borrow)]
    custom: Option<Named<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named<'a> {
    #[serde(borrow)]
    name: Text<'a>,
}

/// The part of a message's last event that tells something.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Delta<'a> {
    #[serde(borrow)]
    stop_reason: Text<'a>,
}

/// Watches the events of a stream for facts.
#[derive(Debug)]
pub(crate) struct Watch {
    format: Format,
    facts: Facts,
    /// The first chunk of a Chat stream came, which has the id and the model.
    begun: bool,
    finish_key: Finder<'static>,
    /// Of a tool call's first piece.
    name_key: Finder<'static>,
}

impl Watch {
    /// Watches a stream in `format`.
    pub(crate) fn new(format: Format) -> Self {
        Self {
            format,
            facts: Facts::default(),
            begun: false,
            finish_key: Finder::new("\"finish_reason\""),
            name_key: Finder::new("\"name\""),
        }
    }

    /// What was seen so far.
    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Looks at whole events as the gateway itself writes them: each has a line of data that is one JSON text.
    pub(crate) fn events(&mut self, events: &[u8]) {
        let mut name: &[u8] = b"";
        let mut rest = events;
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let (line, after) = rest.split_at(end);
            rest = after.get(1..).unwrap_or_default();
            if let Some(data) = line.strip_prefix(b"data: ") {
                self.look(name, data);
            } else {
                name = line.strip_prefix(b"event: ").unwrap_or_default();
            }
        }
    }

    /// Looks at one event.
    pub(crate) fn event(&mut self, name: &str, data: &[u8]) {
        self.look(name.as_bytes(), data);
    }

    /// Nearly no event says anything new, and a look at few of its bytes must tell.
    fn look(&mut self, name: &[u8], data: &[u8]) {
        let tells = match self.format {
            Format::Chat => {
                !self.begun || has_value(&self.name_key, data) || has_value(&self.finish_key, data)
            }
            Format::Responses | Format::Messages if !name.is_empty() => {
                matches!(
                    name,
                    b"response.created"
                        | b"response.completed"
                        | b"response.incomplete"
                        | b"response.failed"
                        | b"response.output_item.done"
                        | b"message_start"
                        | b"message_delta"
                        | b"content_block_start"
                )
            }
            // The type is then to be read from the data.
            Format::Responses | Format::Messages => true,
        };
        if tells {
            self.begun = true;
            self.facts.read(self.format, data);
        }
    }
}

impl Facts {
    /// What a whole answer says.
    pub(crate) fn of(format: Format, body: &[u8]) -> Self {
        let mut facts = Self::default();
        if let Ok(text) = std::str::from_utf8(body) {
            facts.whole(format, text);
        }
        facts
    }

    /// Walks through a whole answer: most of it is long texts, which are passed over, and what tells something is a member of few.
    fn whole(&mut self, format: Format, text: &str) {
        let string = |value: &str, slot: &mut Option<String>| {
            let value = RawStr::from_json(value).filter(|value| !value.is_empty());
            if let Some(value) = value {
                *slot = Some(self::text(value));
            }
        };
        let mut incomplete = "";
        for (key, value) in walk::members(text) {
            match (&*key.decode(), format) {
                ("id", _) => string(value, &mut self.id),
                ("model", _) => string(value, &mut self.model),
                ("choices", Format::Chat) => {
                    for choice in walk::elements(value) {
                        for (key, value) in walk::members(choice) {
                            match &*key.decode() {
                                "finish_reason" => string(value, &mut self.finish_reason),
                                "message" => {
                                    let calls = walk::member(value, "tool_calls");
                                    self.calls_in(format, calls.unwrap_or_default());
                                }
                                _ => {}
                            }
                        }
                    }
                }
                ("status", Format::Responses) if value != "\"in_progress\"" => {
                    string(value, &mut self.finish_reason);
                }
                ("incomplete_details", Format::Responses) => incomplete = value,
                ("stop_reason", Format::Messages) => string(value, &mut self.finish_reason),
                ("output", Format::Responses) | ("content", Format::Messages) => {
                    self.calls_in(format, value);
                }
                _ => {}
            }
        }
        if let Some(reason) = walk::member(incomplete, "reason") {
            string(reason, &mut self.finish_reason);
        }
    }

    /// Remembers the calls in a list.
    fn calls_in(&mut self, format: Format, list: &str) {
        for item in walk::elements(list) {
            let call = serde_json::from_str::<Call<'_>>(item);
            self.calls(format, call.iter());
        }
    }

    fn read(&mut self, format: Format, data: &[u8]) {
        let Ok(event) = serde_json::from_slice::<View<'_>>(data) else {
            return;
        };
        match format {
            Format::Chat => self.answer(format, &event),
            Format::Responses => {
                if let Some(answer) = &event.response {
                    self.answer(format, answer);
                }
                self.calls(format, event.item.iter());
            }
            Format::Messages => {
                if let Some(answer) = &event.message {
                    self.answer(format, answer);
                }
                self.calls(format, event.content_block.iter());
                let delta: Delta<'_> = object(event.delta).unwrap_or_default();
                note(&mut self.finish_reason, delta.stop_reason);
            }
        }
    }

    /// A whole answer, a chunk of one, or its beginning.
    fn answer(&mut self, format: Format, view: &View<'_>) {
        if self.id.is_none() {
            note(&mut self.id, view.id);
        }
        if self.model.is_none() {
            note(&mut self.model, view.model);
        }
        match format {
            Format::Chat => {
                for choice in view.choices.iter().flatten() {
                    note(&mut self.finish_reason, choice.finish_reason);
                    let messages = choice.delta.iter().chain(&choice.message);
                    let calls = messages.flat_map(|message| &message.tool_calls);
                    self.calls(format, calls.flatten());
                }
            }
            Format::Responses => {
                let status = view.status.get();
                if status.is_some_and(|status| !status.is("in_progress")) {
                    note(&mut self.finish_reason, view.status);
                }
                if let Some(details) = &view.incomplete_details {
                    note(&mut self.finish_reason, details.reason);
                }
                self.calls(format, view.output.iter().flatten());
            }
            Format::Messages => {
                note(&mut self.finish_reason, view.stop_reason);
                self.calls(format, view.content.iter().flatten());
            }
        }
    }

    /// Remembers the calls of the client's tools among these, each once; pieces of calls have no name, and other items another
    /// type.
    fn calls<'c, 'a: 'c>(&mut self, format: Format, calls: impl Iterator<Item = &'c Call<'a>>) {
        for call in calls {
            let is = |kinds: &[&str]| {
                let kind = call.kind.get();
                kind.is_some_and(|kind| kinds.iter().any(|name| kind.is(name)))
            };
            let (id, name) = match format {
                Format::Chat => {
                    let named = call.function.as_ref().or(call.custom.as_ref());
                    (call.id, named.map(|named| named.name).unwrap_or_default())
                }
                Format::Responses if is(&["function_call", "custom_tool_call"]) => {
                    (call.call_id, call.name)
                }
                Format::Messages if is(&["tool_use"]) => (call.id, call.name),
                Format::Responses | Format::Messages => continue,
            };
            let Some(name) = name.non_empty() else {
                continue;
            };
            let call = ToolCall {
                id: id.get().map(text).unwrap_or_default(),
                name: text(name),
            };
            let is_known = || self.tool_calls.iter().any(|known| known.id == call.id);
            if self.tool_calls.len() < MAX_CALLS && (call.id.is_empty() || !is_known()) {
                self.tool_calls.push(call);
            }
        }
    }
}

/// Puts a string that is there into `slot`.
fn note(slot: &mut Option<String>, value: Text<'_>) {
    if let Some(value) = value.non_empty() {
        *slot = Some(text(value));
    }
}

/// The text, as far as it is remembered.
fn text(raw: RawStr<'_>) -> String {
    let text = raw.decode();
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(facts: &Facts) -> Vec<(&str, &str)> {
        facts
            .tool_calls
            .iter()
            .map(|call| (&*call.id, &*call.name))
            .collect()
    }

    fn watched(format: Format, events: &[u8]) -> Facts {
        let mut watch = Watch::new(format);
        watch.events(events);
        // The same without the names.
        let mut nameless = Watch::new(format);
        for line in events.split(|byte| *byte == b'\n') {
            if let Some(data) = line.strip_prefix(b"data: ") {
                nameless.event("", data);
            }
        }
        assert_eq!(watch.facts(), nameless.facts());
        watch.facts().clone()
    }

    fn told(facts: &Facts) -> [Option<&str>; 3] {
        [&facts.id, &facts.model, &facts.finish_reason].map(Option::as_deref)
    }

    #[test]
    fn whole_answers() {
        let chat = Facts::of(
            Format::Chat,
            br#" {"id":"c1","model":"m","choices":[{"finish_reason":"tool_calls","message":{"content":"\"tool_calls\":","tool_calls":[
                {"id":"a","type":"function","function":{"name":"f\u0061","arguments":"{}"}},{"id":"b","type":"custom","custom":{"name":"g"}}]}}]}"#,
        );
        assert_eq!(told(&chat), [Some("c1"), Some("m"), Some("tool_calls")]);
        assert_eq!(calls(&chat), [("a", "fa"), ("b", "g")]);
        let responses = Facts::of(
            Format::Responses,
            br#"{"id":"r1","model":"m","status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[
                {"type":"message","id":"x"},{"type":"web_search_call","id":"w","name":"no"},
                {"type":"function_call","id":"fc","call_id":"a","name":"f"},{"type":"custom_tool_call","id":"ct","call_id":"b","name":"g"}]}"#,
        );
        assert_eq!(
            told(&responses),
            [Some("r1"), Some("m"), Some("max_output_tokens")]
        );
        assert_eq!(calls(&responses), [("a", "f"), ("b", "g")]);
        let messages = Facts::of(
            Format::Messages,
            br#"{"id":"m1","model":"m","stop_reason":"tool_use","content":[{"type":"text","text":"x"},
                {"type":"server_tool_use","id":"s","name":"web_search"},{"type":"tool_use","id":"a","name":"f","input":{}}]}"#,
        );
        assert_eq!(told(&messages), [Some("m1"), Some("m"), Some("tool_use")]);
        assert_eq!(calls(&messages), [("a", "f")]);
        for odd in [
            "",
            "[]",
            "7",
            "{\"choices\":7,\"id\":[]}",
            "{\"content\":\"x\",\"output\":{}}",
        ] {
            for format in [Format::Chat, Format::Responses, Format::Messages] {
                assert_eq!(Facts::of(format, odd.as_bytes()), Facts::default(), "{odd}");
            }
        }
    }

    #[test]
    fn streams() {
        let chat = watched(
            Format::Chat,
            b"data: {\"id\":\"c1\",\"model\":\"m\",\"choices\":[{\"delta\":{\"role\":\"assistant\"},\"finish_reason\":null}]}\n\n\
              data: {\"id\":\"c2\",\"model\":\"n\",\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\"}}]},\"finish_reason\":null}]}\n\n\
              data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\"}}]},\"finish_reason\":null}]}\n\n\
              data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n",
        );
        assert_eq!(told(&chat), [Some("c1"), Some("m"), Some("tool_calls")]);
        assert_eq!(calls(&chat), [("a", "f")]);
        let responses = watched(
            Format::Responses,
            b"event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"model\":\"m\",\"status\":\"in_progress\"}}\n\n\
              event: response.output_item.done\ndata: {\"type\":\"response.output_item.done\",\"item\":{\"type\":\"function_call\",\"call_id\":\"a\",\"name\":\"f\"}}\n\n\
              event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"status\":\"completed\",\"output\":[{\"type\":\"function_call\",\"call_id\":\"a\",\"name\":\"f\"}]}}\n\n",
        );
        assert_eq!(told(&responses), [Some("r"), Some("m"), Some("completed")]);
        assert_eq!(calls(&responses), [("a", "f")]);
        let messages = watched(
            Format::Messages,
            b"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m1\",\"model\":\"m\",\"content\":[],\"stop_reason\":null}}\n\n\
              event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{}}}\n\n\
              event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"}}\n\n",
        );
        assert_eq!(told(&messages), [Some("m1"), Some("m"), Some("tool_use")]);
        assert_eq!(calls(&messages), [("a", "f")]);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut watch = Watch::new(Format::Messages);
        let long = "é".repeat(MAX_TEXT);
        for number in 0..1000 {
            let event = format!(
                r#"{{"type":"content_block_start","content_block":{{"type":"tool_use","id":"{number}{long}","name":"{long}"}}}}"#
            );
            watch.event("content_block_start", event.as_bytes());
        }
        let facts = watch.facts();
        assert_eq!(facts.tool_calls.len(), MAX_CALLS);
        assert!(
            facts
                .tool_calls
                .iter()
                .all(|call| call.id.len() <= MAX_TEXT)
        );
    }
}
