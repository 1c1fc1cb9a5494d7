//! Conditions under which a rule applies.

use std::sync::Arc;
use std::time::Duration;

use super::content::Content;
use crate::glob;
use crate::target::Connection;

/// Tries that a connection must have seen for its error rate to count, unless told otherwise.
const FEWEST_TRIES: u32 = 5;

/// What must hold for a rule to apply: all that is set. A rule whose condition does not hold is passed over.
///
/// What is known of a request is read off its bytes, only where a rule that matches its model asks for it.
///
/// ```
/// use tower_llm_gateway::Target;
/// use tower_llm_gateway::{Connection, Credential, Provider, RouteTable, Rule, route::Condition};
/// use std::sync::Arc;
///
/// let anthropic = Connection::builder("main", Provider::Anthropic)
///     .credential(Credential::api_key("sk-ant-…"))
///     .build()?;
/// let target = Target::new(Arc::new(anthropic));
/// let long = Condition::new().min_input_tokens(100_000).tools(false);
/// let table = RouteTable::new(
///     vec![
///         Rule::new("claude-*", [target.clone().model("claude-opus-4-5")]).when(long),
///         Rule::new("claude-*", [target]),
///     ],
///     vec![],
/// )?;
/// assert!(table.routes()[0].condition().is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Condition {
    min_input_tokens: Option<u64>,
    max_input_tokens: Option<u64>,
    tools: Option<bool>,
    images: Option<bool>,
    /// In small letters.
    last_message: Option<Arc<str>>,
    error_rate: Option<ErrorRate>,
}

/// How often a connection must have failed of late.
#[derive(Debug, Clone)]
pub struct ErrorRate {
    connection: Arc<Connection>,
    above_percent: u32,
    over: Duration,
    min_tries: u32,
}

impl ErrorRate {
    /// More than `above_percent` of the tries on `connection` in the last `over` failed; at most an hour is remembered.
    ///
    /// A try is one request to the provider. It fails when no answer comes, or one that another try or target may mend: 408,
    /// 409, 429, and server errors. Other errors of the client's own making count as successes. The rate is counted from when
    /// this is made, apart from every other process.
    #[must_use]
    pub fn new(connection: Arc<Connection>, above_percent: u32, over: Duration) -> Self {
        connection.failures().watch(over);
        Self {
            connection,
            above_percent,
            over,
            min_tries: FEWEST_TRIES,
        }
    }

    /// The tries that there must have been in that time for the rate to count. Default: 5.
    #[must_use]
    pub fn min_tries(mut self, tries: u32) -> Self {
        self.min_tries = tries;
        self
    }

    fn holds(&self) -> bool {
        let counts = self.connection.failures().counts(self.over);
        counts.tries > 0
            && counts.tries >= u64::from(self.min_tries)
            && counts.failed.saturating_mul(100)
                > counts.tries.saturating_mul(u64::from(self.above_percent))
    }
}

impl Condition {
    /// A condition that always holds.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The prompt has at least so many tokens, by an estimate.
    ///
    /// The estimate is a quarter of the bytes of the JSON of the conversation, the instructions and the tools, and 1500 tokens
    /// for each image; data in base64 does not count. It is rough: half as much or twice as much is possible.
    #[must_use]
    pub fn min_input_tokens(mut self, tokens: u64) -> Self {
        self.min_input_tokens = Some(tokens);
        self
    }

    /// The prompt has at most so many tokens; see [`Condition::min_input_tokens`] for how they are estimated.
    #[must_use]
    pub fn max_input_tokens(mut self, tokens: u64) -> Self {
        self.max_input_tokens = Some(tokens);
        self
    }

    /// The request offers tools, or offers none.
    #[must_use]
    pub fn tools(mut self, present: bool) -> Self {
        self.tools = Some(present);
        self
    }

    /// The conversation holds an image, in a message or in a tool's result, or holds none.
    #[must_use]
    pub fn images(mut self, present: bool) -> Self {
        self.images = Some(present);
        self
    }

    /// What the user said last has these words, or is like this pattern; capital letters do not count.
    ///
    /// Without a `*` it is looked for anywhere in the text, as whole words. With one it is a glob over the whole text. What
    /// the user said last is the text of the last message from the user that has any: tool results are not looked at, so that a
    /// call and the calls of its tool loop go the same way.
    #[must_use]
    pub fn last_message(mut self, pattern: impl AsRef<str>) -> Self {
        self.last_message = Some(pattern.as_ref().to_lowercase().into());
        self
    }

    /// A connection has failed too often of late.
    #[must_use]
    pub fn error_rate(mut self, rate: ErrorRate) -> Self {
        self.error_rate = Some(rate);
        self
    }

    /// Whether all of this holds for a request; what costs least is asked first.
    pub(crate) fn holds(&self, content: &Content<'_>) -> bool {
        self.error_rate.as_ref().is_none_or(ErrorRate::holds)
            && self.tools.is_none_or(|tools| tools == content.has_tools())
            && self
                .images
                .is_none_or(|images| images == (content.images() > 0))
            && self
                .min_input_tokens
                .is_none_or(|least| content.tokens() >= least)
            && self
                .max_input_tokens
                .is_none_or(|most| content.tokens() <= most)
            && self
                .last_message
                .as_ref()
                .is_none_or(|pattern| says(&content.last_words().to_lowercase(), pattern))
    }
}

/// Whether `text` is like `pattern`, or has it as whole words; both in small letters.
fn says(text: &str, pattern: &str) -> bool {
    if pattern.contains('*') {
        return glob::matches(pattern, text);
    }
    let is_inner = |next: Option<char>, edge: Option<char>| {
        next.is_some_and(char::is_alphanumeric) && edge.is_some_and(char::is_alphanumeric)
    };
    text.match_indices(pattern).any(|(at, found)| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text
            .get(at + found.len()..)
            .and_then(|text| text.chars().next());
        !is_inner(before, found.chars().next()) && !is_inner(after, found.chars().next_back())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Format;
    use crate::provider::Provider;
    use crate::testing::connection;

    #[test]
    fn words_are_whole_and_patterns_are_of_the_whole_text() {
        for (text, pattern, expected) in [
            ("please ultrathink now", "ultrathink", true),
            ("ultrathink", "ultrathink", true),
            ("ultrathinking", "ultrathink", false),
            ("(ultrathink)", "ultrathink", true),
            ("think hard, and then", "think hard", true),
            ("a/cat!", "/cat", true),
            ("rethink it, then think", "think", true),
            ("über-groß", "groß", true),
            ("übergroß", "groß", false),
            ("", "x", false),
            ("fix it: x", "fix*", true),
            ("please fix it", "fix*", false),
            ("please fix it", "*fix*", true),
        ] {
            assert_eq!(says(text, pattern), expected, "{text:?} {pattern:?}");
        }
    }

    #[test]
    fn all_that_is_set_must_hold() {
        let body = br#"{"messages":[{"role":"user","content":"Translate THIS"}],"tools":[{}]}"#;
        let content = Content::new(body, Format::Chat);
        let tokens = content.tokens();
        for (condition, expected) in [
            (Condition::new(), true),
            (Condition::new().tools(true), true),
            (Condition::new().tools(false), false),
            (Condition::new().tools(true).images(true), false),
            (Condition::new().images(false), true),
            (Condition::new().min_input_tokens(tokens), true),
            (Condition::new().min_input_tokens(tokens + 1), false),
            (Condition::new().max_input_tokens(tokens), true),
            (Condition::new().max_input_tokens(tokens - 1), false),
            (Condition::new().last_message("translate this"), true),
            (Condition::new().last_message("Trans*"), true),
            (Condition::new().tools(true).last_message("trans"), false),
        ] {
            assert_eq!(condition.holds(&content), expected, "{condition:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn error_rates() {
        let primary = connection("p", Provider::OpenAi);
        primary.failures().note(true);
        let rate = ErrorRate::new(primary.clone(), 50, Duration::from_secs(300));
        let content = Content::new(b"{}", Format::Chat);
        let holds = |rate: &ErrorRate| {
            let condition = Condition::new().error_rate(rate.clone());
            condition.holds(&content)
        };
        assert!(!holds(&rate.clone().min_tries(0)), "counted from now on");
        for failed in [true, true, true, false] {
            primary.failures().note(failed);
        }
        assert!(!holds(&rate), "too few tries");
        assert!(holds(&rate.clone().min_tries(4)));
        primary.failures().note(false);
        assert!(holds(&rate), "three of five");
        primary.failures().note(false);
        assert!(!holds(&rate), "half of them is not above half");
        for _ in 0..5 {
            primary.failures().note(true);
        }
        assert!(holds(&rate));
        tokio::time::advance(Duration::from_secs(320)).await;
        assert!(!holds(&rate), "long ago");
    }
}
