//! Whole answers: Responses → Messages.
//!
//! Sources: OpenAI's `Response` type, Anthropic's `Message` type. The pieces that streams have in common with whole answers
//! are in the sub-modules.

pub(in crate::convert) mod citations;
pub(super) mod reasoning;
pub(super) mod tools;

#[cfg(test)]
mod tests;

use bytes::BytesMut;
use http::StatusCode;

use super::error;
use super::state::State;
use crate::codec::write;
use crate::convert::context::{AnswerContext, ConvertedAnswer};
use crate::convert::messages_out::blocks::{self, Content};
use crate::convert::messages_out::{Head, Stop, write_message};
use crate::convert::stop::Scanner;
use crate::endpoint::Format;
use crate::format::error::{ClientError, Fault};
use crate::format::raw::RawStr;
use crate::format::responses::{Answer, Counts, Item, Part, ServiceTier};
use crate::usage::Usage;

/// What the provider puts before its ids, in place of Anthropic's `msg_`.
const ID_PREFIX: &str = "resp_";

/// Converts a whole answer.
///
/// # Errors
/// The body is no Responses answer, or is an error sent with a success status.
pub(crate) fn convert(
    body: &[u8],
    state: &State,
    cx: AnswerContext,
) -> Result<ConvertedAnswer, ClientError> {
    let (answer, items) = read(body)?;
    let mut whole = Whole::default();
    if !state.prewarm {
        for item in &items {
            whole.item(item, state);
            if whole.hit.is_some() {
                break;
            }
        }
    }
    let Whole {
        content,
        facts,
        hit,
    } = whole;
    let usage = usage(&answer, &facts);
    let stop = match hit.and_then(|index| state.stops.get(index)) {
        Some(sequence) => Stop::Sequence(sequence),
        None => facts.stop(status(&answer), &answer, state),
    };
    let mut out = BytesMut::with_capacity(body.len() + 512);
    write_message(
        &mut out,
        &head(&answer, cx),
        content.json(),
        &stop,
        &usage,
        service_tier(&answer),
    );
    Ok(ConvertedAnswer {
        body: out.freeze(),
        usage,
    })
}

/// Reads a whole answer that can be converted.
pub(super) fn read(body: &[u8]) -> Result<(Answer<'_>, Vec<Item<'_>>), ClientError> {
    let malformed = || bad_gateway("the provider's answer is no Responses answer");
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(malformed());
    }
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(|_| malformed())?;
    if status(&answer) == Status::Failed {
        return Err(error::failed(answer.error).error);
    }
    let Some(items) = answer.items() else {
        if answer.error.is_some() {
            return Err(error::convert(StatusCode::BAD_GATEWAY, body));
        }
        return Err(malformed());
    };
    if status(&answer) == Status::Other {
        return Err(bad_gateway("the provider did not finish its answer"));
    }
    Ok((answer, items))
}

pub(super) fn bad_gateway(what: &'static str) -> ClientError {
    ClientError::gateway(Format::Messages, Fault::BadGateway, what)
}

/// How far an answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Completed,
    Incomplete,
    Failed,
    /// `queued`, `in_progress`, `cancelled`.
    Other,
}

pub(super) fn status(answer: &Answer<'_>) -> Status {
    match answer.status.get().map(RawStr::decode).as_deref() {
        None | Some("completed") => Status::Completed,
        Some("incomplete") => Status::Incomplete,
        Some("failed") => Status::Failed,
        Some(_) => Status::Other,
    }
}

pub(super) fn head(answer: &Answer<'_>, cx: AnswerContext) -> Head {
    Head::new(answer.id.get(), ID_PREFIX, answer.model.get(), cx.now)
}

/// What was seen of an answer, as far as its end depends on it.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    /// Whether one of the client's tools is called.
    pub(super) called: bool,
    /// What the model said when it refused: a JSON string.
    pub(super) refusal: Option<String>,
    /// Web searches.
    pub(super) searches: u64,
}

impl Facts {
    /// More of what the model says to refuse, as raw JSON text without quotes.
    pub(super) fn refuse(&mut self, content: &str) {
        let refusal = self.refusal.get_or_insert_with(|| "\"\"".to_owned());
        refusal.pop();
        refusal.push_str(content);
        refusal.push('"');
    }

    /// Why the message ends.
    pub(super) fn stop(&self, status: Status, answer: &Answer<'_>, state: &State) -> Stop<'_> {
        if state.prewarm {
            return Stop::MaxTokens;
        }
        if status == Status::Incomplete {
            // Even with a call: what is cut must not be run.
            let reason = answer.incomplete_reason();
            return match reason.get().map(RawStr::decode).as_deref() {
                Some("content_filter") => Stop::Refusal { explanation: None },
                Some("steered") => Stop::EndTurn,
                _ => Stop::MaxTokens,
            };
        }
        match &self.refusal {
            _ if self.called => Stop::ToolUse,
            Some(refusal) => Stop::Refusal {
                explanation: Some(refusal),
            },
            None => Stop::EndTurn,
        }
    }
}

/// The token counts; the searches that were seen where the provider did not count them.
pub(super) fn usage(answer: &Answer<'_>, facts: &Facts) -> Usage {
    let Counts { mut usage } = answer.counts();
    usage.web_searches = usage
        .web_searches
        .or((facts.searches > 0).then_some(facts.searches));
    usage
}

fn service_tier(answer: &Answer<'_>) -> Option<&'static str> {
    Some(match ServiceTier::read(answer.service_tier)? {
        ServiceTier::Default => "standard",
        ServiceTier::Priority => "priority",
        ServiceTier::Flex => "batch",
    })
}

/// The blocks of a whole answer.
#[derive(Debug, Default)]
struct Whole {
    content: Content,
    facts: Facts,
    /// The stop sequence that was met: nothing follows it.
    hit: Option<usize>,
}

impl Whole {
    fn item(&mut self, item: &Item<'_>, state: &State) {
        match item.kind.get().map(RawStr::decode).as_deref() {
            Some("message") => {
                for part in Part::list(item.content) {
                    self.part(&part, state);
                    if self.hit.is_some() {
                        return;
                    }
                }
            }
            Some("reasoning") => self.reasoning(item),
            Some("function_call") => {
                self.facts.called = true;
                let call = tools::Call::of(item, state);
                let arguments = item.arguments.get().map(RawStr::decode).unwrap_or_default();
                let mut input = BytesMut::new();
                blocks::tool_input(&mut input, &arguments);
                let input = std::str::from_utf8(&input).unwrap_or("{}");
                blocks::tool_use(self.content.next(), &call.id, &call.name, input);
            }
            Some("web_search_call") => {
                self.facts.searches += 1;
                let search = tools::Search::of(item);
                let input = search.input();
                blocks::server_tool_use(self.content.next(), &search.id, "web_search", &input);
                search.write_result(self.content.next());
            }
            Some("mcp_call") => {
                let call = tools::McpCall::of(item);
                blocks::mcp_tool_use(
                    self.content.next(),
                    &call.id,
                    &call.name,
                    &call.server,
                    &call.input(),
                );
                call.write_result(self.content.next());
            }
            // Types not known here, and what is no part of what the model says.
            _ => {}
        }
    }

    fn part(&mut self, part: &Part<'_>, state: &State) {
        let kind = part.kind.get().map(RawStr::decode);
        let text = match kind.as_deref() {
            Some("output_text") => part.text.non_empty(),
            Some("refusal") => part.refusal.non_empty(),
            _ => None,
        };
        let Some(text) = text else { return };
        if part.refusal.non_empty().is_some() {
            self.facts.refuse(text.content());
        }
        if state.stops.is_empty() {
            let citations = citations::of_part(part, text);
            blocks::text(self.content.next(), text.content(), Some(&citations));
            return;
        }
        let mut scanner = Scanner::default();
        let mut scanned = scanner.push(&text.decode(), &state.stops);
        self.hit = scanned.hit;
        scanned.released.push_str(&scanner.flush());
        if !scanned.released.is_empty() {
            let mut content = BytesMut::new();
            write::string_content(&mut content, &scanned.released);
            let content = std::str::from_utf8(&content).unwrap_or_default();
            let citations = citations::of_part(part, text);
            let citations = scanned.hit.is_none().then_some(&citations);
            blocks::text(self.content.next(), content, citations);
        }
    }

    fn reasoning(&mut self, item: &Item<'_>) {
        let reasoning = reasoning::Reasoning::of(item);
        let text = reasoning.text();
        let Some(envelope) = reasoning.envelope(!text.is_empty()) else {
            return;
        };
        if text.is_empty() {
            blocks::redacted_thinking(self.content.next(), &envelope);
        } else {
            blocks::thinking(self.content.next(), &text, &envelope);
        }
    }
}
