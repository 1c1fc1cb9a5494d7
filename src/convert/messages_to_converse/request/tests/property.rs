//! Any request is refused, or becomes one that Converse takes.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{ALL, to};
use crate::convert::validate::converse::validate;
use crate::target::{MidSystem, NoneStrategy, Options, UnsupportedTools};

const OPAQUE: &str =
    "tlg1.converse.eyJ2IjoxLCJibG9ja3MiOlt7InJlZGFjdGVkQ29udGVudCI6ImNuTnVYMkZpWTJRPSJ9XX0";

fn block() -> impl Strategy<Value = Value> {
    let id = prop_oneof![Just("a"), Just("b"), Just("c/d")];
    let text = prop_oneof![Just(""), Just(" "), Just("t"), Just("é\n\"")];
    let signature = prop_oneof![Just("EqQB"), Just(""), Just("tlg1.plain.e30")];
    let data = prop_oneof![
        Just("RW5jcnlwdGVkVGhpbmtpbmdCbG9i"),
        Just(OPAQUE),
        Just("tlg1.x.y")
    ];
    let block = prop_oneof![
        4 => text.prop_map(|text| json!({"type": "text", "text": text})),
        3 => id.clone().prop_map(|id| json!({"type": "tool_use", "id": id, "name": "f.x", "input": {"x": [1, " "]}})),
        4 => id.clone().prop_map(|id| json!({"type": "tool_result", "tool_use_id": id, "is_error": true, "content": [
            {"type": "text", "text": " "},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "d"}, "cache_control": {"type": "ephemeral"}}
        ]})),
        1 => id.prop_map(|id| json!({"type": "tool_result", "tool_use_id": id})),
        2 => signature.prop_map(|s| json!({"type": "thinking", "thinking": "hm", "signature": s})),
        1 => data.prop_map(|data| json!({"type": "redacted_thinking", "data": data})),
        1 => Just(json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}})),
        1 => Just(json!({"type": "document", "title": "a  b.pdf", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}})),
        1 => Just(json!({"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "x"}]})),
        1 => Just(json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}})),
        1 => Just(json!({"type": "web_search_tool_result", "tool_use_id": "s", "content": []})),
    ];
    (block, prop::option::weighted(0.3, any::<bool>())).prop_map(|(mut block, mark)| {
        match mark {
            Some(true) => block["cache_control"] = json!({"type": "ephemeral", "ttl": "1h"}),
            Some(false) => block["cache_control"] = json!({"type": "ephemeral"}),
            None => {}
        }
        block
    })
}

fn message() -> impl Strategy<Value = Value> {
    let role = prop_oneof![5 => Just("user"), 4 => Just("assistant"), 1 => Just("system")];
    let content = prop_oneof![
        1 => prop_oneof![Just(json!("words")), Just(json!(" "))],
        3 => prop::collection::vec(block(), 0..4).prop_map(Value::Array),
    ];
    (role, content).prop_map(|(role, content)| json!({"role": role, "content": content}))
}

/// A round of a tool loop, so that many conversations are whole.
fn round() -> impl Strategy<Value = Vec<Value>> {
    prop_oneof![
        1 => message().prop_map(|message| vec![message]),
        3 => (block(), block(), any::<bool>()).prop_map(|(before, after, first)| {
            let id = if first { "a" } else { "c/d" };
            let plain = |block: Value| match block["type"].as_str() {
                Some("text" | "thinking" | "redacted_thinking") => block,
                _ => json!({"type": "text", "text": "x"}),
            };
            let after = match after["type"].as_str() {
                Some("image" | "document" | "text" | "search_result") => after,
                _ => json!({"type": "text", "text": "y"}),
            };
            vec![
                json!({"role": "user", "content": "go"}),
                json!({"role": "assistant", "content": [
                    plain(before), {"type": "tool_use", "id": id, "name": "f.x", "input": {}}
                ]}),
                json!({"role": "system", "content": "note"}),
                json!({"role": "user", "content": [
                    after, {"type": "tool_result", "tool_use_id": id, "content": "r"}
                ]}),
            ]
        }),
    ]
}

fn tools() -> impl Strategy<Value = Value> {
    let tool = prop_oneof![
        Just(
            json!({"name": "f.x", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral"}})
        ),
        Just(
            json!({"name": "g", "description": "", "input_schema": {"properties": {}}, "strict": true})
        ),
        Just(json!({"type": "bash_20250124", "name": "bash"})),
        Just(json!({"type": "web_search_20250305", "name": "web_search"})),
    ];
    prop::collection::vec(tool, 0..4).prop_map(Value::Array)
}

fn choice() -> impl Strategy<Value = Value> {
    prop_oneof![
        2 => Just(Value::Null),
        1 => any::<bool>().prop_map(|one| json!({"type": "auto", "disable_parallel_tool_use": one})),
        1 => any::<bool>().prop_map(|one| json!({"type": "any", "disable_parallel_tool_use": one})),
        1 => Just(json!({"type": "tool", "name": "g"})),
        1 => Just(json!({"type": "none"})),
    ]
}

fn thinking() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!({"type": "enabled", "budget_tokens": 2000})),
        Just(json!({"type": "adaptive"})),
        Just(json!({"type": "disabled"})),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_conversation(
        rounds in prop::collection::vec(round(), 1..5),
        tools in tools(),
        choice in choice(),
        thinking in thinking(),
        who in 0_usize..ALL.len(),
        flags in any::<[bool; 4]>(),
    ) {
        let [native, stub, lossy, strip] = flags;
        let options = Options {
            mid_system: native.then_some(MidSystem::Native),
            none_strategy: stub.then_some(NoneStrategy::Stub),
            unsupported_tools: lossy.then_some(UnsupportedTools::Drop),
            strip_foreign_reasoning: Some(strip),
            ..Options::default()
        };
        let target = to(ALL[who]).options(options);
        let messages: Vec<Value> = rounds.into_iter().flatten().collect();
        let members = json!({
            "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
            "messages": messages, "tools": tools, "tool_choice": choice, "thinking": thinking,
            "cache_control": {"type": "ephemeral"},
        });
        // A tool that is chosen must be there: otherwise the service is right to refuse.
        let chosen_is_there = choice["name"].is_null() || tools.to_string().contains("\"g\"");
        let unique = tools.to_string().matches("\"f.x\"").count() < 2;
        if let Ok(done) = target.try_with(&members) {
            if chosen_is_there && unique {
                let checked = validate(&done.body);
                prop_assert!(checked.is_ok(), "{checked:?}: {members} became {}", done.text);
            }
            prop_assert!(!done.text.contains("tlg1."), "{}", done.text);
            prop_assert_eq!(target.try_with(&members).unwrap().text, done.text);
        }
    }

    #[test]
    fn any_json_is_refused_or_converted(text in json_text()) {
        for model in [ALL[0], ALL[6]] {
            let _ = to(model).lossy().try_text(&text);
        }
    }
}

/// A request in which one value was replaced by anything.
fn json_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(Value::Null),
        Just(json!(true)),
        Just(json!(-1)),
        Just(json!("x")),
        Just(json!([])),
        Just(json!({})),
        Just(json!([{}])),
        Just(json!({"type": "x"})),
        Just(json!([["a"]])),
    ];
    let whole = json!({
        "model": "m", "max_tokens": 9, "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
        "thinking": {"type": "enabled", "budget_tokens": 2000}, "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {"type": "object"}}},
        "metadata": {"user_id": "u"}, "stop_sequences": ["a"], "tool_choice": {"type": "tool", "name": "w"},
        "tools": [{"name": "w", "input_schema": {"type": "object"}}, {"type": "bash_1", "name": "b"}],
        "context_management": {"edits": [{"type": "compact_20260112"}]},
        "messages": [
            {"role": "user", "content": [{"type": "document", "title": "t", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}}]},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "t", "signature": "s"}, {"type": "tool_use", "id": "i", "name": "w", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "i", "content": [{"type": "text", "text": "r"}]}]},
        ],
    });
    let mut paths = Vec::new();
    collect(&whole, String::new(), &mut paths);
    (prop::sample::select(paths), leaf).prop_map(move |(path, leaf)| {
        let mut changed = whole.clone();
        *changed.pointer_mut(&path).unwrap() = leaf;
        changed.to_string()
    })
}

fn collect(value: &Value, path: String, paths: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, inner) in members {
                collect(inner, format!("{path}/{key}"), paths);
            }
        }
        Value::Array(elements) => {
            for (at, inner) in elements.iter().enumerate() {
                collect(inner, format!("{path}/{at}"), paths);
            }
        }
        _ => {}
    }
    paths.push(path);
}
