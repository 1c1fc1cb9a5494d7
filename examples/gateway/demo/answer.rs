//! What to answer, the same for every dialect; the dialects only render it.
//!
//! Words in the last user text choose the answer: `tool`, `weather` or a tool's name (a tool call), `both` or `parallel` (two of them),
//! `refuse`, `search` (a search of the web by the provider), `redact` (thinking that is redacted), `again` (the prompt cache is hit), and, for testers, `demo:overloaded`, `demo:ratelimit`,
//! `demo:error-event`, `demo:first-event-error`, `demo:cut`, and `demo:once` (the rate limit, every other time).

use serde_json::Value;

use super::reply::digest;
use super::{once, schema};

/// A request in the demo's own terms.
#[derive(Debug, Default)]
pub(super) struct Question {
    /// Provider and format, as the answer names them.
    pub(super) dialect: &'static str,
    pub(super) model: String,
    /// Text of the last user message.
    pub(super) last_user: String,
    /// Images and documents in the last user message, in the words of `media.rs`.
    pub(super) media: Vec<String>,
    /// Texts of the tool results since the last answer.
    pub(super) results: Vec<String>,
    /// Tools that the client runs.
    pub(super) tools: Vec<Tool>,
    pub(super) choice: Choice,
    /// Whether more than one call may be made at once.
    pub(super) parallel: bool,
    /// Schema of the structured output that was asked for.
    pub(super) schema: Option<Value>,
    pub(super) thinking: bool,
    /// Whether the provider may search the web.
    pub(super) may_search: bool,
    /// Tokens after which the text is cut.
    pub(super) cut_at: Option<u64>,
    pub(super) stop: Vec<String>,
}

/// A tool that the client runs.
#[derive(Debug, Clone)]
pub(super) struct Tool {
    pub(super) name: String,
    /// Schema of its arguments; none for a freeform tool.
    pub(super) schema: Option<Value>,
}

/// What the request says about tool calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Choice {
    #[default]
    Auto,
    None,
    Any,
    Named(String),
}

/// What is answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) thinking: Option<String>,
    /// Whether a redacted part of the thinking follows.
    pub(super) redacted: bool,
    /// What the provider looked for on the web before it answered.
    pub(super) search: Option<String>,
    pub(super) text: String,
    pub(super) calls: Vec<Call>,
    pub(super) end: End,
}

/// A call of a tool.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) input: Input,
}

/// What a tool is called with.
#[derive(Debug)]
pub(super) enum Input {
    /// Arguments by its schema.
    Json(Value),
    /// The text of a freeform tool.
    Text(String),
}

/// Why the answer ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    Done,
    Calls,
    Length,
    Stop(String),
    Refusal,
}

/// What goes wrong on demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    Overloaded,
    RateLimit,
    /// An error in the middle of a stream.
    ErrorEvent,
    /// An error as the first event of a stream.
    FirstEventError,
    /// A stream that ends in the middle.
    Cut,
}

/// Address, title and words of the page that every search finds.
pub(super) const PAGE: (&str, &str, &str) = (
    "https://example.org/café",
    "Café",
    "Source: the Café 🦀 itself.",
);

/// Why a refusal is one, for the dialects that say so.
pub(super) const REFUSAL: &str = "I’m sorry, but the demo was asked to refuse this.";

/// What testers asked to go wrong.
pub(super) fn trouble(last_user: &str) -> Option<Trouble> {
    if last_user.contains("demo:once") {
        return once::is_first(digest([last_user.as_bytes()])).then_some(Trouble::RateLimit);
    }
    [
        ("demo:overloaded", Trouble::Overloaded),
        ("demo:ratelimit", Trouble::RateLimit),
        ("demo:error-event", Trouble::ErrorEvent),
        ("demo:first-event-error", Trouble::FirstEventError),
        ("demo:cut", Trouble::Cut),
    ]
    .into_iter()
    .find_map(|(words, trouble)| last_user.contains(words).then_some(trouble))
}

/// Whether the prompt cache is to be hit.
pub(super) fn is_repeated(last_user: &str) -> bool {
    last_user.to_lowercase().contains("again")
}

/// The answer to a question.
pub(super) fn answer(question: &Question) -> Answer {
    let words = question.last_user.to_lowercase();
    let thinking = question.thinking.then(|| {
        format!(
            "The user wants: “{}”. I answer ∎",
            quote(&question.last_user)
        )
    });
    let mut answer = Answer {
        redacted: question.thinking && words.contains("redact"),
        thinking,
        search: None,
        text: String::new(),
        calls: Vec::new(),
        end: End::Done,
    };
    if words
        .split(|char: char| !char.is_alphanumeric())
        .any(|word| word == "refuse")
    {
        answer.end = End::Refusal;
        return answer;
    }
    if question.results.is_empty() {
        answer.calls = calls(question, &words);
    }
    if question.may_search && answer.calls.is_empty() && words.contains("search") {
        answer.search = Some(quote(&question.last_user));
    }
    answer.text = if answer.calls.len() > 1 {
        "Calling both tools…".to_owned()
    } else if !answer.calls.is_empty() {
        String::new()
    } else if let Some(schema) = &question.schema {
        schema::example(schema).to_string()
    } else if question.results.is_empty() {
        format!(
            "You said: “{}”{} (demo {}, {})",
            quote(&question.last_user),
            sent(&question.media),
            question.dialect,
            question.model
        )
    } else {
        let results: Vec<_> = question
            .results
            .iter()
            .map(|result| format!("“{}”", quote(result)))
            .collect();
        format!(
            "The tool said: {} (demo {}, {})",
            results.join(" and "),
            question.dialect,
            question.model
        )
    };
    if !answer.calls.is_empty() {
        answer.end = End::Calls;
    }
    finish(question, &mut answer);
    answer
}

/// Ends the text where a stop sequence or the limit says so.
fn finish(question: &Question, answer: &mut Answer) {
    let stop = question
        .stop
        .iter()
        .filter(|stop| !stop.is_empty())
        .filter_map(|stop| Some((answer.text.find(stop.as_str())?, stop)))
        .min_by_key(|(at, _)| *at);
    if let Some((at, stop)) = stop {
        answer.text.truncate(at);
        answer.calls.clear();
        answer.end = End::Stop(stop.clone());
    }
    if let Some(limit) = question.cut_at {
        let chars = usize::try_from(limit)
            .unwrap_or(usize::MAX)
            .saturating_mul(4);
        answer.text = answer.text.chars().take(chars).collect();
        answer.calls.clear();
        answer.end = End::Length;
    }
}

/// The calls that the request asks for.
fn calls(question: &Question, words: &str) -> Vec<Call> {
    let mentions = |tool: &&Tool| words.contains(&tool.name.to_lowercase());
    let is_wanted = words.contains("tool")
        || words.contains("weather")
        || question.tools.iter().any(|tool| mentions(&tool));
    let candidates: Vec<&Tool> = match &question.choice {
        Choice::None => return Vec::new(),
        Choice::Auto if !is_wanted => return Vec::new(),
        Choice::Named(name) => question
            .tools
            .iter()
            .filter(|tool| tool.name == *name)
            .collect(),
        Choice::Auto | Choice::Any => {
            let mut tools: Vec<_> = question.tools.iter().collect();
            // A tool that is named comes first, then one about what was asked, then the client's order.
            tools.sort_by_key(|tool| {
                let is_topic = words.contains("weather") && tool.name.contains("weather");
                (!mentions(tool), !is_topic)
            });
            tools
        }
    };
    let mentioned = question.tools.iter().filter(mentions).count();
    let wants_two = words.contains("both") || words.contains("parallel") || mentioned > 1;
    let count = if question.parallel && wants_two { 2 } else { 1 };
    candidates
        .into_iter()
        .take(count)
        .map(|tool| Call {
            name: tool.name.clone(),
            input: match &tool.schema {
                Some(schema) => Input::Json(schema::example(schema)),
                None => Input::Text("demo".to_owned()),
            },
        })
        .collect()
}

/// What came with the text.
fn sent(media: &[String]) -> String {
    if media.is_empty() {
        String::new()
    } else {
        format!(" and sent {}", media.join(" and "))
    }
}

/// At most 80 characters of a text.
fn quote(text: &str) -> String {
    let mut chars = text.trim().chars();
    let mut quote: String = chars.by_ref().take(80).collect();
    if chars.next().is_some() {
        quote.push('…');
    }
    quote
}
