//! Puts the marks for prompt caches into requests whose clients set none: see [`CacheMarks`].
//!
//! They go into the provider's own request, by splicing, so that what a client's format has no word for can be marked too. Only
//! owners ask for them, and they are reported as `cache_control`. Providers take four marks; these are at most three.

use std::ops::Range;

use bytes::Bytes;
use memchr::memmem::Finder;

use super::invoke::is_cacheable;
use super::passthrough::request::{has, member};
use super::report::LossReport;
use crate::cache_marks::{CacheMarks, CacheTtl};
use crate::codec::has_value;
use crate::codec::scan::{elements, members};
use crate::codec::splice::splice;
use crate::defaults::Insertion;
use crate::format::raw::RawStr;
use crate::models::{CachePoints, Capabilities};
use crate::provider::spec::Pair;
use crate::target::Options;

/// What the report calls a mark.
const REPORTED: &str = "cache_control";

/// The members by which clients say themselves what is to be cached.
const SAID: [&str; 3] = [
    "\"cache_control\"",
    "\"prompt_cache_breakpoint\"",
    "\"prompt_cache_options\"",
];

/// How a provider's request is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Anthropic's: `cache_control` in what ends the prefix.
    Messages { ttl: bool },
    /// Converse's: a `cachePoint` behind it.
    Converse(CachePoints),
}

impl Style {
    /// The style of the requests that a conversion writes; `None` where providers take no marks.
    pub(super) fn of(pair: Pair, capabilities: &Capabilities, options: &Options) -> Option<Self> {
        match pair {
            Pair::ChatToMessages | Pair::ResponsesToMessages => Some(Self::Messages { ttl: true }),
            Pair::ChatToInvoke | Pair::ResponsesToInvoke | Pair::MessagesToInvoke => {
                let ttl = options.strip_ttl != Some(true);
                Some(Self::Messages { ttl })
            }
            Pair::ChatToConverse | Pair::ResponsesToConverse | Pair::MessagesToConverse => {
                Some(Self::Converse(capabilities.bedrock.cache_points))
            }
            Pair::ChatToGemini
            | Pair::CountOnConverse
            | Pair::CountOnInvoke
            | Pair::MessagesToChat
            | Pair::MessagesToGemini
            | Pair::MessagesToResponses
            | Pair::ResponsesToChat
            | Pair::ResponsesToGemini => None,
        }
    }
}

/// Marks `body`, the provider's request made of `asked`, the client's: unless that says itself what is to be cached.
pub(super) fn add(
    marks: CacheMarks,
    style: Style,
    asked: &[u8],
    body: Bytes,
    report: &mut LossReport,
) -> Bytes {
    if marks == CacheMarks::NONE.ttl(marks.ttl) || says_itself(asked) {
        return body;
    }
    let mut insertions = match style {
        Style::Messages { ttl } => in_messages(marks, ttl, &body),
        Style::Converse(points) => in_converse(marks, points, &body),
    };
    if insertions.is_empty() {
        return body;
    }
    insertions.sort_by_key(|insertion| insertion.span.start);
    let edits: Vec<_> = insertions.iter().map(Insertion::edit).collect();
    let Ok(marked) = splice(&body, &edits) else {
        return body;
    };
    report.approximate(REPORTED);
    marked
}

fn says_itself(asked: &[u8]) -> bool {
    SAID.iter().any(|key| has_value(&Finder::new(key), asked))
}

fn in_messages(marks: CacheMarks, ttl: bool, body: &[u8]) -> Vec<Insertion> {
    let mark = match marks.ttl {
        CacheTtl::Hour if ttl => "{\"type\":\"ephemeral\",\"ttl\":\"1h\"}",
        _ => "{\"type\":\"ephemeral\"}",
    };
    let mut all = Vec::new();
    let whole = 0..body.len();
    if marks.tools
        && let Some(tools) = member(body, &whole, "tools")
    {
        // Tools that are looked for first are no part of the prefix and take no mark.
        let is_loaded = |tool: &Range<usize>| {
            let deferred = member(body, tool, "defer_loading");
            members(body, tool.clone()).next().is_some()
                && deferred.and_then(|span| body.get(span)) != Some(b"true")
        };
        let tools: Vec<_> = elements(body, tools).collect();
        let tool = tools.iter().rfind(|tool| is_loaded(tool));
        all.extend(tool.map(|tool| mark_object(body, tool, mark)));
    }
    if marks.system
        && let Some(system) = member(body, &whole, "system")
    {
        mark_content(body, &system, mark, &mut all);
    }
    if marks.last_message
        && let Some(content) = last_of_user(body, member(body, &whole, "messages"))
    {
        mark_content(body, &content, mark, &mut all);
    }
    all
}

/// Marks the last block of a content that can be marked; a text becomes a block.
fn mark_content(body: &[u8], content: &Range<usize>, mark: &str, all: &mut Vec<Insertion>) {
    let text = body.get(content.clone()).unwrap_or_default();
    if text.first() == Some(&b'"') {
        let text = std::str::from_utf8(text).ok().and_then(RawStr::from_json);
        if text.is_some_and(|text| !text.is_blank()) {
            all.push(insert(content.start, "[{\"type\":\"text\",\"text\":"));
            let mark = format!(",\"cache_control\":{mark}}}]");
            all.push(insert(content.end, &mark));
        }
        return;
    }
    let blocks: Vec<_> = elements(body, content.clone()).collect();
    let block = blocks.iter().rfind(|block| is_cacheable(body, block));
    all.extend(block.map(|block| mark_object(body, block, mark)));
}

/// A mark as the last member of an object that has some, or in the place of a `null`.
fn mark_object(body: &[u8], object: &Range<usize>, mark: &str) -> Insertion {
    match member(body, object, "cache_control") {
        Some(span) => Insertion {
            span,
            text: mark.to_owned(),
        },
        None => insert(
            object.end.saturating_sub(1),
            &format!(",\"cache_control\":{mark}"),
        ),
    }
}

fn insert(at: usize, text: &str) -> Insertion {
    Insertion {
        span: at..at,
        text: text.to_owned(),
    }
}

/// The content of the user's last message.
fn last_of_user(body: &[u8], messages: Option<Range<usize>>) -> Option<Range<usize>> {
    let messages: Vec<_> = elements(body, messages?).collect();
    let is_users = |message: &&Range<usize>| has(body, message, "role", |role| role == "user");
    member(body, messages.iter().rfind(is_users)?, "content")
}

fn in_converse(marks: CacheMarks, points: CachePoints, body: &[u8]) -> Vec<Insertion> {
    let point = match marks.ttl {
        CacheTtl::Hour if points.ttl => ",{\"cachePoint\":{\"type\":\"default\",\"ttl\":\"1h\"}}",
        _ => ",{\"cachePoint\":{\"type\":\"default\"}}",
    };
    let whole = 0..body.len();
    let tools = || member(body, &member(body, &whole, "toolConfig")?, "tools");
    let system = || member(body, &whole, "system");
    let message = || last_of_user(body, member(body, &whole, "messages"));
    let lists = [
        tools().filter(|_| marks.tools && points.tools),
        system().filter(|_| marks.system && points.content),
        message().filter(|_| marks.last_message && points.content),
    ];
    // A point must not stand alone, and a list that is empty ends no prefix.
    let lists = lists.into_iter().flatten();
    let lists = lists.filter(|list| elements(body, list.clone()).next().is_some());
    lists
        .map(|list| insert(list.end.saturating_sub(1), point))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIVE: &str = r#""cache_control":{"type":"ephemeral"}"#;
    const HOUR: &str = r#""cache_control":{"type":"ephemeral","ttl":"1h"}"#;
    const ANTHROPIC: Style = Style::Messages { ttl: true };

    fn added(marks: CacheMarks, style: Style, body: &str) -> String {
        let mut report = LossReport::default();
        let bytes = Bytes::copy_from_slice(body.as_bytes());
        let marked = add(marks, style, body.as_bytes(), bytes, &mut report);
        let marked = String::from_utf8(marked.to_vec()).unwrap();
        serde_json::from_str::<serde_json::Value>(&marked).unwrap();
        let expected: &[&str] = if marked == body {
            &[]
        } else {
            &["cache_control"]
        };
        assert_eq!(report.approximated(), expected);
        assert!(report.dropped().is_empty());
        marked
    }

    #[test]
    fn anthropics_marks() {
        for (body, expected) in [
            (
                r#"{ "system" : "Be.\n" , "messages":[{"role":"user","content":"Hi"}]}"#.to_owned(),
                format!(
                    r#"{{ "system" : [{{"type":"text","text":"Be.\n",{FIVE}}}] , "messages":[{{"role":"user","content":[{{"type":"text","text":"Hi",{FIVE}}}]}}]}}"#
                ),
            ),
            (
                r#"{"tools":[{"name":"a"},{"name":"b" },{"name":"c","defer_loading":true}],"system":[{"type":"text","text":"a"},{"type":"text","text":" "}],"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"p"},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t"},{"type":"image","source":{}}]},{"role":"assistant","content":"{"}]}"#.to_owned(),
                format!(
                    r#"{{"tools":[{{"name":"a"}},{{"name":"b" ,{FIVE}}},{{"name":"c","defer_loading":true}}],"system":[{{"type":"text","text":"a",{FIVE}}},{{"type":"text","text":" "}}],"messages":[{{"role":"user","content":"q"}},{{"role":"assistant","content":"p"}},{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"t"}},{{"type":"image","source":{{}},{FIVE}}}]}},{{"role":"assistant","content":"{{"}}]}}"#
                ),
            ),
        ] {
            assert_eq!(added(CacheMarks::ALL, ANTHROPIC, &body), expected);
            let hour = CacheMarks::ALL.ttl(CacheTtl::Hour);
            assert_eq!(added(hour, ANTHROPIC, &body), expected.replace(FIVE, HOUR));
            let short = Style::Messages { ttl: false };
            assert_eq!(added(hour, short, &body), expected);
            assert_eq!(added(CacheMarks::NONE, ANTHROPIC, &body), body);
        }
    }

    #[test]
    fn each_place_alone() {
        let body =
            r#"{"tools":[{"name":"a"}],"system":"s","messages":[{"role":"user","content":"q"}]}"#;
        for (marks, expected) in [
            (
                CacheMarks {
                    tools: true,
                    ..CacheMarks::NONE
                },
                body.replace(r#""a""#, &format!(r#""a",{FIVE}"#)),
            ),
            (
                CacheMarks {
                    system: true,
                    ..CacheMarks::NONE
                },
                body.replace(
                    r#""s""#,
                    &format!(r#"[{{"type":"text","text":"s",{FIVE}}}]"#),
                ),
            ),
            (
                CacheMarks {
                    last_message: true,
                    ..CacheMarks::NONE
                },
                body.replace(
                    r#""q""#,
                    &format!(r#"[{{"type":"text","text":"q",{FIVE}}}]"#),
                ),
            ),
        ] {
            assert_eq!(added(marks, ANTHROPIC, body), expected);
        }
    }

    #[test]
    fn nothing_where_nothing_can_be_marked_or_the_client_speaks_for_itself() {
        for body in [
            r#"{"messages":[]}"#,
            r#"{"system":"","tools":[],"messages":[{"role":"assistant","content":"x"}]}"#,
            r#"{"system":[],"tools":[1],"messages":[{"role":"user","content":" "}]}"#,
            r#"{"system":7,"tools":[{}],"messages":[{"role":"user"},3]}"#,
            r#"{"system":"s","messages":[{"role":"user","content":[{"type":"text","text":"x","cache_control":{"type":"ephemeral"}}]}]}"#,
            r#"{"system":"s","cache_control":{"type":"ephemeral"},"messages":[{"role":"user","content":"x"}]}"#,
            r#"{"system":"s","prompt_cache_options":{"mode":"explicit"}}"#,
        ] {
            assert_eq!(added(CacheMarks::ALL, ANTHROPIC, body), body);
        }
        // Words are not marks, and `null` is none.
        let body = r#"{"system":[{"type":"text","text":"\"cache_control\":1","cache_control":null}],"tools":[{"cache_control":null,"name":"a"}]}"#;
        let marked = body.replace(r#""cache_control":null"#, FIVE);
        assert_eq!(added(CacheMarks::ALL, ANTHROPIC, body), marked);
    }

    #[test]
    fn converses_points() {
        let body = r#"{"messages":[{"role":"user","content":[{"text":"a"}]},{"role":"assistant","content":[{"text":"b"}]},{"role":"user","content":[{"text":"c"}]}],"system":[{"text":"s"}],"toolConfig":{"tools":[{"toolSpec":{"name":"t"}}]}}"#;
        let point = r#",{"cachePoint":{"type":"default"}}"#;
        let all = |point: &str| {
            body.replace(r#"{"text":"c"}"#, &format!(r#"{{"text":"c"}}{point}"#))
                .replace(r#"{"text":"s"}"#, &format!(r#"{{"text":"s"}}{point}"#))
                .replace(r#"{"name":"t"}}"#, &format!(r#"{{"name":"t"}}}}{point}"#))
        };
        let style = Style::Converse(CachePoints::ALL);
        assert_eq!(added(CacheMarks::ALL, style, body), all(point));
        let hour = CacheMarks::ALL.ttl(CacheTtl::Hour);
        let longer = r#",{"cachePoint":{"type":"default","ttl":"1h"}}"#;
        assert_eq!(added(hour, style, body), all(longer));
        let style = Style::Converse(CachePoints::WITHOUT_TTL);
        assert_eq!(added(hour, style, body), all(point));
        let style = Style::Converse(CachePoints::NONE);
        assert_eq!(added(CacheMarks::ALL, style, body), body);
        let style = Style::Converse(CachePoints {
            tools: false,
            ..CachePoints::ALL
        });
        let without =
            all(point).replace(&format!(r#"{{"name":"t"}}}}{point}"#), r#"{"name":"t"}}"#);
        assert_eq!(added(CacheMarks::ALL, style, body), without);
        let empty =
            r#"{"messages":[{"role":"user","content":[]}],"system":[],"toolConfig":{"tools":[]}}"#;
        assert_eq!(
            added(CacheMarks::ALL, Style::Converse(CachePoints::ALL), empty),
            empty
        );
    }
}
