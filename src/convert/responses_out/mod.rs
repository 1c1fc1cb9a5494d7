//! Writing Responses: the life cycle of a stream, and whole response objects.
//!
//! One writer does both, so that a whole answer is what the stream's last event holds. It owns the items, numbers the
//! events, and keeps ids as they were announced. The rules of OpenAI's stream accumulator hold whatever the caller does in
//! whatever order: calls that do not fit are ignored.
//!
//! Sources: OpenAI's `Response`, `ResponseOutputItem` and `ResponseStreamEvent` types.
//!
//! Texts come as raw JSON text without quotes: they are copied, never unescaped and escaped again.

mod content;
mod echo;
mod failure;
mod item;
#[cfg(test)]
mod tests;
mod usage;

use std::time::Instant;

use bytes::{BufMut, BytesMut};

pub(crate) use self::content::url_citation;
pub(crate) use self::echo::Echo;
pub(crate) use self::failure::failure_code;
pub(crate) use self::item::{Call, ItemStatus};
use self::item::{Growing, Item, Kind, Reasoning, content};
use crate::codec::sse::EventWriter;
use crate::codec::write::{self, Object};
use crate::format::raw::RawStr;
use crate::usage::Usage;

/// The longest id or model name that is repeated: an absurd one would multiply the stream.
const LONGEST_NAME: usize = 1024;

/// The place of an item in `output`.
pub(crate) type Index = usize;

/// How a response ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Completed,
    /// With OpenAI's reason: `max_output_tokens` or `content_filter`.
    Incomplete(&'static str),
}

/// Whether the response of a failed stream lists the items that were not finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfinished {
    /// With status `incomplete`.
    Listed,
    LeftOut,
}

/// Writes one response.
#[derive(Debug)]
pub(crate) struct ResponseWriter {
    echo: Echo,
    /// Unix seconds.
    created_at: u64,
    now: u64,
    since: Instant,
    /// What all ids of the response have in common.
    suffix: String,
    model_json: String,
    service_tier: Option<&'static str>,
    custom_status: bool,
    events: Events,
    started: bool,
    ended: bool,
    items: Vec<Item>,
    /// The bytes of the items.
    held: usize,
}

/// Numbers the events and writes what they have in common.
#[derive(Debug)]
struct Events {
    enabled: bool,
    sequence: u64,
}

impl Events {
    fn write(
        &mut self,
        out: &mut BytesMut,
        name: &'static str,
        members: impl FnOnce(&mut Object<'_>),
    ) {
        if !self.enabled {
            return;
        }
        let mut event = EventWriter::begin(out, Some(name));
        let mut object = Object::begin(event.buffer());
        object
            .string("type", name)
            .uint("sequence_number", self.sequence);
        members(&mut object);
        object.end();
        event.end();
        self.sequence += 1;
    }

    /// An event about a part of an item.
    fn part(
        &mut self,
        out: &mut BytesMut,
        name: &'static str,
        at: At<'_>,
        members: impl FnOnce(&mut Object<'_>),
    ) {
        self.write(out, name, |object| {
            content(object, "item_id", at.id);
            object.uint("output_index", number(at.index));
            if let Some((key, part)) = at.part {
                object.uint(key, part);
            }
            members(object);
        });
    }
}

/// What an event is about.
#[derive(Debug, Clone, Copy)]
struct At<'a> {
    id: &'a str,
    index: Index,
    part: Option<(&'static str, u64)>,
}

/// Where a response stands, as its object says it.
#[derive(Debug, Clone, Copy)]
enum Outcome<'a> {
    InProgress,
    Ended(End),
    Failed {
        code: &'a str,
        message: &'a str,
        unfinished: Unfinished,
    },
}

fn number(index: usize) -> u64 {
    u64::try_from(index).unwrap_or(u64::MAX)
}

impl ResponseWriter {
    /// A writer for a stream; `now` is the time in Unix seconds.
    pub(crate) fn new(echo: Echo, now: u64) -> Self {
        Self {
            echo,
            created_at: now,
            now,
            since: Instant::now(),
            suffix: now.to_string(),
            model_json: "\"\"".to_owned(),
            service_tier: None,
            custom_status: true,
            events: Events {
                enabled: true,
                sequence: 0,
            },
            started: false,
            ended: false,
            items: Vec::new(),
            held: 0,
        }
    }

    /// The same for a whole answer: no event is ever written, only [`ResponseWriter::whole`].
    pub(crate) fn without_events(mut self) -> Self {
        self.events.enabled = false;
        self
    }

    /// Freeform calls carry a status only when they were cut off.
    pub(crate) fn without_custom_status(mut self) -> Self {
        self.custom_status = false;
        self
    }

    /// Sets what comes from the provider: the part of its id that all ids get (raw JSON text without quotes), the model, and
    /// the time where the provider says one. Ignored once the stream has started.
    pub(crate) fn set_head(
        &mut self,
        suffix: Option<&str>,
        model: Option<RawStr<'_>>,
        created_at: Option<u64>,
    ) {
        if self.started {
            return;
        }
        let fits = |name: &&str| !name.is_empty() && name.len() <= LONGEST_NAME;
        if let Some(suffix) = suffix.filter(fits) {
            suffix.clone_into(&mut self.suffix);
        }
        if let Some(model) = model.map(RawStr::json).filter(fits) {
            model.clone_into(&mut self.model_json);
        }
        if let Some(at) = created_at {
            self.created_at = at;
        }
    }

    /// Sets the tier that served the call, in OpenAI's words.
    pub(crate) fn set_service_tier(&mut self, tier: Option<&'static str>) {
        self.service_tier = tier;
    }

    /// Whether the last event was written.
    pub(crate) fn is_ended(&self) -> bool {
        self.ended
    }

    /// The bytes that are held until the response's last event, which repeats all of them.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// The number of items so far: the place of the next one.
    pub(crate) fn next_index(&self) -> Index {
        self.items.len()
    }

    /// Writes `response.created` and `response.in_progress`, once.
    pub(crate) fn start(&mut self, out: &mut BytesMut) {
        if self.started {
            return;
        }
        self.started = true;
        for name in ["response.created", "response.in_progress"] {
            self.lifecycle(out, name, Outcome::InProgress, None);
        }
    }

    fn lifecycle(
        &mut self,
        out: &mut BytesMut,
        name: &'static str,
        outcome: Outcome<'_>,
        usage: Option<&Usage>,
    ) {
        if !self.events.enabled {
            return;
        }
        let mut object_json = BytesMut::new();
        self.write_object(&mut object_json, outcome, usage);
        self.events.write(out, name, |object| {
            object.key("response").extend_from_slice(&object_json);
        });
    }

    fn add(&mut self, out: &mut BytesMut, kind: Kind) -> Index {
        self.start(out);
        let index = self.items.len();
        let item = Item {
            id: format!("{}{}_{index}", kind.prefix(), self.suffix),
            kind,
            status: None,
            part_open: false,
        };
        let custom_status = self.custom_status;
        self.events
            .write(out, "response.output_item.added", |object| {
                object.uint("output_index", number(index));
                item.write(Growing::InProgress, custom_status, object.key("item"));
            });
        self.held = self.held.saturating_add(item.size());
        self.items.push(item);
        index
    }

    /// Opens a message.
    pub(crate) fn message(&mut self, out: &mut BytesMut) -> Index {
        self.add(out, Kind::Message { parts: Vec::new() })
    }

    /// Opens a reasoning item.
    pub(crate) fn reasoning(&mut self, out: &mut BytesMut) -> Index {
        self.add(out, Kind::Reasoning(Reasoning::default()))
    }

    /// Opens a call of a function.
    pub(crate) fn function(&mut self, call: Call, out: &mut BytesMut) -> Index {
        let arguments = String::new();
        self.add(out, Kind::Function { call, arguments })
    }

    /// Opens a call of a freeform tool.
    pub(crate) fn custom(&mut self, call: Call, out: &mut BytesMut) -> Index {
        let input = String::new();
        self.add(out, Kind::Custom { call, input })
    }

    /// Opens a web search, or the opening of a page, that the provider runs itself.
    pub(crate) fn web_search(&mut self, out: &mut BytesMut) -> Index {
        let action_json = r#"{"type":"search","query":""}"#.to_owned();
        let index = self.add(out, Kind::WebSearch { action_json });
        self.web_search_event(index, "response.web_search_call.in_progress", out);
        index
    }

    /// The item at `index`, while it grows.
    fn growing(items: &mut [Item], index: Index) -> Option<&mut Item> {
        items.get_mut(index).filter(|item| item.status.is_none())
    }

    /// Ends an item: its open part, its own last events, and `response.output_item.done`. Arguments that never came are `{}`.
    pub(crate) fn end(&mut self, index: Index, status: ItemStatus, out: &mut BytesMut) {
        self.end_part(index, out);
        let no_arguments = |item: &Item| matches!(&item.kind, Kind::Function { arguments, .. } if arguments.is_empty());
        if self.items.get(index).is_some_and(no_arguments) {
            self.arguments(index, "{}", out);
        }
        let Some(item) = Self::growing(&mut self.items, index) else {
            return;
        };
        let at = item.at(index);
        match &item.kind {
            Kind::Function { call, arguments } => {
                self.events
                    .part(out, "response.function_call_arguments.done", at, |object| {
                        object.raw("name", &call.name_json);
                        content(object, "arguments", arguments);
                    });
            }
            Kind::Custom { input, .. } => {
                self.events
                    .part(out, "response.custom_tool_call_input.done", at, |object| {
                        content(object, "input", input);
                    });
            }
            Kind::Message { .. } | Kind::Reasoning(_) | Kind::WebSearch { .. } => {}
        }
        item.status = Some(status);
        let custom_status = self.custom_status;
        self.events
            .write(out, "response.output_item.done", |object| {
                object.uint("output_index", number(index));
                item.write(Growing::InProgress, custom_status, object.key("item"));
            });
    }

    /// Ends the stream: items that still grow get `last`, then comes `response.completed` or `response.incomplete` with
    /// everything.
    pub(crate) fn finish(&mut self, end: End, usage: &Usage, out: &mut BytesMut) {
        if self.ended {
            return;
        }
        self.start(out);
        self.end_all(end, out);
        self.ended = true;
        let name = match end {
            End::Completed => "response.completed",
            End::Incomplete(_) => "response.incomplete",
        };
        let usage = usage.is_known().then_some(usage);
        self.lifecycle(out, name, Outcome::Ended(end), usage);
    }

    fn end_all(&mut self, end: End, out: &mut BytesMut) {
        let status = match end {
            End::Completed => ItemStatus::Completed,
            End::Incomplete(_) => ItemStatus::Incomplete,
        };
        for index in 0..self.items.len() {
            if self
                .items
                .get(index)
                .is_some_and(|item| item.status.is_none())
            {
                self.end(index, status, out);
            }
        }
    }

    /// Ends the stream with `response.failed`; nothing follows it. `code` is one of OpenAI's `ResponseError` codes.
    pub(crate) fn fail(
        &mut self,
        code: &str,
        message: &str,
        unfinished: Unfinished,
        usage: &Usage,
        out: &mut BytesMut,
    ) {
        if self.ended {
            return;
        }
        self.start(out);
        self.ended = true;
        let outcome = Outcome::Failed {
            code,
            message,
            unfinished,
        };
        let usage = usage.is_known().then_some(usage);
        self.lifecycle(out, "response.failed", outcome, usage);
    }

    /// Writes the whole response object instead of a stream.
    pub(crate) fn whole(&mut self, end: End, usage: &Usage, out: &mut BytesMut) {
        self.events.enabled = false;
        self.end_all(end, out);
        self.ended = true;
        let usage = usage.is_known().then_some(usage);
        self.write_object(out, Outcome::Ended(end), usage);
    }

    fn write_object(&self, out: &mut BytesMut, outcome: Outcome<'_>, usage: Option<&Usage>) {
        let (status, error, reason) = match outcome {
            Outcome::InProgress => ("in_progress", None, None),
            Outcome::Ended(End::Completed) => ("completed", None, None),
            Outcome::Ended(End::Incomplete(reason)) => ("incomplete", None, Some(reason)),
            Outcome::Failed { code, message, .. } => ("failed", Some((code, message)), None),
        };
        let mut object = Object::begin(out);
        write_id(object.key("id"), &self.suffix);
        object
            .string("object", "response")
            .uint("created_at", self.created_at)
            .string("status", status);
        if status == "completed" {
            let at = self.now.saturating_add(self.since.elapsed().as_secs());
            object.uint("completed_at", at.max(self.created_at));
        }
        object.raw("model", &self.model_json);
        match error {
            Some((code, message)) => {
                let mut error = object.object("error");
                error.string("code", code).string("message", message);
                error.end();
            }
            None => {
                object.raw("error", "null");
            }
        }
        match reason {
            Some(reason) => {
                let mut details = object.object("incomplete_details");
                details.string("reason", reason);
                details.end();
            }
            None => {
                object.raw("incomplete_details", "null");
            }
        }
        let left_out = matches!(
            outcome,
            Outcome::Failed {
                unfinished: Unfinished::LeftOut,
                ..
            }
        );
        let mut output = object.array("output");
        for item in &self.items {
            if item.status.is_some() || !left_out {
                item.write(Growing::Cut, self.custom_status, output.element());
            }
        }
        output.end();
        // The echo is never empty, so that the comma is right.
        let buffer = object.key("usage");
        match usage {
            Some(usage) => usage::write(buffer, usage),
            None => buffer.extend_from_slice(b"null"),
        }
        buffer.put_u8(b',');
        buffer.extend_from_slice(self.echo.members().as_bytes());
        if let Some(tier) = self.service_tier {
            object.string("service_tier", tier);
        }
        if let Some(searches) = usage
            .and_then(|usage| usage.web_searches)
            .filter(|n| *n > 0)
        {
            write_tool_usage(&mut object, searches);
        }
        object.end();
    }
}

impl Item {
    fn at(&self, index: Index) -> At<'_> {
        At {
            id: &self.id,
            index,
            part: None,
        }
    }

    fn at_part(&self, index: Index, key: &'static str) -> At<'_> {
        At {
            id: &self.id,
            index,
            part: Some((key, 0)),
        }
    }
}

fn write_id(out: &mut BytesMut, suffix: &str) {
    out.extend_from_slice(b"\"resp_");
    out.extend_from_slice(suffix.as_bytes());
    out.put_u8(b'"');
}

/// OpenAI's `tool_usage`, whose type wants the counts of image generation too.
fn write_tool_usage(object: &mut Object<'_>, searches: u64) {
    let mut tools = object.object("tool_usage");
    tools.raw(
        "image_gen",
        r#"{"input_tokens":0,"input_tokens_details":{"image_tokens":0,"text_tokens":0},"output_tokens":0,"total_tokens":0}"#,
    );
    let out = tools.key("web_search");
    out.extend_from_slice(b"{\"num_requests\":");
    write::uint(out, searches);
    out.put_u8(b'}');
    tools.end();
}
