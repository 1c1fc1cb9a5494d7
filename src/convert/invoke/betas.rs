//! Which of Anthropic's betas Bedrock is asked for.
//!
//! An unknown one makes it refuse the whole request, and each model takes few of them.

use std::borrow::Cow;

use http::HeaderMap;

use crate::convert::report::LossReport;
use crate::options::{BetaRule, Betas};

/// Taken by the models that know them.
const TAKEN: [&str; 14] = [
    "compact-2026-01-12",
    "computer-use-2024-10-22",
    "computer-use-2025-01-24",
    "computer-use-2025-11-24",
    "context-1m-2025-08-07",
    "context-management-2025-06-27",
    "dangerous-tool-use-2026-09-03",
    "effort-2025-11-24",
    "fine-grained-tool-streaming-2025-05-14",
    "mid-conversation-output-config-2026-07-01",
    "mid-conversation-tool-changes-2026-07-01",
    "thinking-binding-controls-2026-08-01",
    "thinking-display-updates-2026-08-18",
    TOOL_SEARCH,
];

/// Taken up to Claude 4.5; what they ask for is every later model's default.
const TAKEN_BY_OLDER: [&str; 5] = [
    "dev-full-thinking-2025-05-14",
    "interleaved-thinking-2025-05-14",
    "output-128k-2025-02-19",
    "token-efficient-tools-2025-02-19",
    "tool-examples-2025-10-29",
];

/// Anthropic's own name of a beta, and Bedrock's.
const RENAMED: (&str, &str) = ("advanced-tool-use-2025-11-20", TOOL_SEARCH);
const TOOL_SEARCH: &str = "tool-search-tool-2025-10-19";

/// The betas that a client's headers name, in their order.
pub(super) fn in_headers(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all("anthropic-beta")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .filter(|name| !name.is_empty())
}

/// Those of `asked` that are sent, each once; the others are reported. `older`: the model is one up to Claude 4.5.
pub(super) fn select<'a>(
    asked: impl IntoIterator<Item = Cow<'a, str>>,
    rules: Option<&Betas>,
    older: bool,
    report: &mut LossReport,
) -> Vec<Cow<'a, str>> {
    let mut sent: Vec<Cow<'a, str>> = Vec::new();
    for name in asked {
        let Some(name) = rule(name, rules, older, report) else {
            continue;
        };
        if !sent.contains(&name) {
            sent.push(name);
        }
    }
    sent
}

/// The name under which a beta is sent.
fn rule<'a>(
    name: Cow<'a, str>,
    rules: Option<&Betas>,
    older: bool,
    report: &mut LossReport,
) -> Option<Cow<'a, str>> {
    let rule = match rules {
        Some(Betas::PassAll) => return Some(name),
        Some(Betas::Rules(rules)) => rules.get(&*name),
        None => None,
    };
    match rule {
        Some(BetaRule::Accept) => return Some(name),
        Some(BetaRule::Rename(other)) => return Some(Cow::Owned(other.clone())),
        None if name == RENAMED.0 => return Some(Cow::Borrowed(RENAMED.1)),
        None if TAKEN.contains(&&*name) || (older && TAKEN_BY_OLDER.contains(&&*name)) => {
            return Some(name);
        }
        Some(BetaRule::Drop) | None => {}
    }
    report.drop_field(format!("anthropic-beta.{name}"));
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use http::HeaderValue;

    use super::*;

    fn sent(asked: &str, rules: Option<&Betas>, older: bool) -> (Vec<String>, Vec<String>) {
        let mut report = LossReport::default();
        let asked = asked.split(' ').map(Cow::Borrowed);
        let sent = select(asked, rules, older, &mut report);
        let dropped = report.dropped().iter().map(|path| path.to_string());
        (
            sent.into_iter().map(Cow::into_owned).collect(),
            dropped.collect(),
        )
    }

    #[test]
    fn headers_are_lists_of_names() {
        let mut headers = HeaderMap::new();
        for line in ["a, b ,,c", "d", ""] {
            headers.append("anthropic-beta", HeaderValue::from_static(line));
        }
        let names: Vec<_> = in_headers(&headers).collect();
        assert_eq!(names, ["a", "b", "c", "d"]);
    }

    #[test]
    fn only_known_ones_are_sent() {
        let asked = "claude-code-20250219 interleaved-thinking-2025-05-14 advanced-tool-use-2025-11-20 \
                     tool-search-tool-2025-10-19 context-1m-2025-08-07 x";
        let (older, dropped) = sent(asked, None, true);
        assert_eq!(
            older,
            [
                "interleaved-thinking-2025-05-14",
                "tool-search-tool-2025-10-19",
                "context-1m-2025-08-07"
            ]
        );
        assert_eq!(
            dropped,
            ["anthropic-beta.claude-code-20250219", "anthropic-beta.x"]
        );
        let (newer, _) = sent(asked, None, false);
        assert_eq!(
            newer,
            ["tool-search-tool-2025-10-19", "context-1m-2025-08-07"]
        );
    }

    #[test]
    fn an_owner_knows_better() {
        assert_eq!(sent("x y", Some(&Betas::PassAll), false).0, ["x", "y"]);
        let rules = Betas::Rules(BTreeMap::from([
            ("x".to_owned(), BetaRule::Accept),
            ("effort-2025-11-24".to_owned(), BetaRule::Drop),
            ("y".to_owned(), BetaRule::Rename("z".to_owned())),
        ]));
        let (sent, dropped) = sent(
            "x effort-2025-11-24 y q context-1m-2025-08-07",
            Some(&rules),
            false,
        );
        assert_eq!(sent, ["x", "z", "context-1m-2025-08-07"]);
        assert_eq!(
            dropped,
            ["anthropic-beta.effort-2025-11-24", "anthropic-beta.q"]
        );
    }
}
