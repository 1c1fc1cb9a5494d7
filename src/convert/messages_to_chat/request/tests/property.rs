//! Any conversation is refused, or becomes one that the provider takes.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{GEMINI, GEMINI_2, LLAMA, OSS, OTHER, SONAR, To};

const SIGNED: &str = "tlg1.gemini.eyJ2IjoxLCJzaWdzIjpbeyJrIjoiY2FsbCIsImlkIjoiYSIsInYiOiJjIn1dfQ";

fn block() -> impl Strategy<Value = Value> {
    let id = prop_oneof![Just("a"), Just("b"), Just("c__thought__s")];
    prop_oneof![
        4 => prop_oneof![Just(""), Just("t"), Just("é\n\"")].prop_map(|text| json!({"type": "text", "text": text})),
        3 => id.clone().prop_map(|id| json!({"type": "tool_use", "id": id, "name": "f", "input": {"x": [1, " "]}})),
        4 => id.prop_map(|id| json!({"type": "tool_result", "tool_use_id": id, "content": [
            {"type": "text", "text": "r"}, {"type": "image", "source": {"type": "url", "url": "https://i"}}
        ]})),
        1 => Just(json!({"type": "thinking", "thinking": "hm", "signature": SIGNED})),
        1 => Just(json!({"type": "redacted_thinking", "data": "x"})),
        1 => Just(json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iV"}})),
        1 => Just(json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}})),
    ]
}

fn message() -> impl Strategy<Value = Value> {
    let role = prop_oneof![5 => Just("user"), 4 => Just("assistant"), 1 => Just("system")];
    let content = prop_oneof![
        1 => Just(json!("words")),
        3 => prop::collection::vec(block(), 0..4).prop_map(Value::Array),
    ];
    (role, content).prop_map(|(role, content)| json!({"role": role, "content": content}))
}

/// A round of a tool loop, so that many conversations are whole.
fn round() -> impl Strategy<Value = Vec<Value>> {
    prop_oneof![
        1 => message().prop_map(|message| vec![message]),
        2 => any::<bool>().prop_map(|first| {
            let id = if first { "a" } else { "b" };
            vec![
                json!({"role": "user", "content": "go"}),
                json!({"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "hm", "signature": SIGNED},
                    {"type": "tool_use", "id": id, "name": "f", "input": {}}
                ]}),
                json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": "r"}]}),
            ]
        }),
    ]
}

fn check(to: To, messages: &[Value]) -> Result<(), String> {
    let single = [GEMINI, GEMINI_2, SONAR]
        .iter()
        .any(|other| other.1 == to.1);
    let mut open: Vec<&str> = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().unwrap();
        if role == "tool" {
            let id = message["tool_call_id"].as_str().unwrap();
            let Some(place) = open.iter().position(|open| *open == id) else {
                return Err(format!("{at}: a result without its call"));
            };
            open.remove(place);
            if message["content"].as_str().is_none_or(str::is_empty) {
                return Err(format!("{at}: an empty result"));
            }
            continue;
        }
        if !open.is_empty() {
            return Err(format!("{at}: a call without its result"));
        }
        if role == "system" && single && at > 0 {
            return Err(format!("{at}: a second system message"));
        }
        let calls = message["tool_calls"].as_array();
        open = calls
            .into_iter()
            .flatten()
            .map(|call| call["id"].as_str().unwrap())
            .collect();
        let content = &message["content"];
        let blank = content.as_str().is_some_and(str::is_empty)
            || content.as_array().is_some_and(Vec::is_empty);
        if (content.is_null() || blank) && open.is_empty() {
            return Err(format!("{at}: nothing said"));
        }
        for key in message.as_object().unwrap().keys() {
            let known = match key.as_str() {
                "role" | "content" | "tool_calls" => true,
                "reasoning" => to.1 == OSS.1,
                "extra_content" => to.1.starts_with("gemini"),
                _ => false,
            };
            if !known {
                return Err(format!("{at}: {key}"));
            }
        }
    }
    let talk: Vec<&Value> = messages.iter().filter(|m| m["role"] != "system").collect();
    let last = talk.last().ok_or("nobody talks")?;
    if single && last["role"] == "assistant" {
        return Err("the assistant has the last word".to_owned());
    }
    if to.1 == SONAR.1 {
        for (at, message) in talk.iter().enumerate() {
            let expected = if at % 2 == 0 { "user" } else { "assistant" };
            if message["role"] != expected {
                return Err("no alternation".to_owned());
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_conversation(rounds in prop::collection::vec(round(), 1..6), who in 0_usize..6) {
        let to = [GEMINI, GEMINI_2, OSS, LLAMA, SONAR, OTHER][who];
        let messages: Vec<Value> = rounds.into_iter().flatten().collect();
        let request = json!({"system": "s", "messages": messages});
        if let Ok(done) = to.try_with(&request) {
            let sent = done.body["messages"].as_array().unwrap();
            let checked = check(to, sent);
            prop_assert!(checked.is_ok(), "{checked:?}: {request} became {}", done.text);
            prop_assert!(!done.text.contains("tlg1."), "{}", done.text);
            let again = to.try_with(&request).unwrap();
            prop_assert_eq!(again.text, done.text);
        }
    }
}
