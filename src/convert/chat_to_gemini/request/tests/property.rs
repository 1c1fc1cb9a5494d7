//! Whatever a client sends: a refusal, or a request that Google's rules allow.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Case, LEGACY, NEW, OLD};

fn word() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => prop::sample::select(vec!["a", "b", "", " ", "\n", "é\"\\", "{\"a\":1}", "{", "files/x", "data:image/png;base64,AA", "https://x/y.png", "f"]).prop_map(|s| json!(s)),
        1 => Just(json!(null)),
        1 => prop::sample::select(vec![json!(1), json!([]), json!({}), json!(true), json!(["a"]), json!({"type": "text"})]),
    ]
}

fn part() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec![
        "text",
        "text",
        "image_url",
        "file",
        "input_audio",
        "video_url",
        "refusal",
        "thinking",
        "odd",
    ]);
    (kind, word()).prop_map(|(kind, word)| {
        json!({"type": kind, "text": word, "refusal": word, "image_url": {"url": word, "detail": "low"}, "video_url": {"url": word},
            "file": {"file_data": word, "filename": "a.txt"}, "input_audio": {"data": word, "format": "wav"}})
    })
}

fn content() -> impl Strategy<Value = Value> {
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}});
    let good = prop::sample::select(vec![
        json!("text"),
        json!(""),
        json!("{\"a\":1}"),
        json!([{"type": "text", "text": "a"}, {"type": "text", "text": ""}]),
        json!([image, {"type": "text", "text": "b"}]),
        json!([image]),
    ]);
    prop_oneof![8 => good, 1 => word(), 1 => prop::collection::vec(part(), 0..4).prop_map(Value::from)]
}

fn tool_call() -> impl Strategy<Value = Value> {
    (
        prop::sample::select(vec!["a", "b", "", "x__thought__eA"]),
        prop::sample::select(vec!["f", "1g", "odd name"]),
        word(),
        0..4_u8,
    )
        .prop_map(|(id, name, arguments, kind)| match kind {
            0 => json!({"id": id, "type": "custom", "custom": {"name": name, "input": arguments}}),
            1 => json!({"id": id, "function": {"name": name, "arguments": arguments}, "extra_content": {"google": {"thought_signature": "c2ln"}}}),
            _ => json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}),
        })
}

fn turn() -> impl Strategy<Value = Vec<Value>> {
    let said = (
        prop::sample::select(vec![
            "user",
            "user",
            "assistant",
            "system",
            "tool",
            "function",
            "odd",
        ]),
        content(),
    )
        .prop_map(|(role, content)| {
            vec![json!({"role": role, "content": content, "name": "f", "tool_call_id": "a"})]
        });
    let plain = (
        prop::sample::select(vec!["user", "user", "assistant", "system"]),
        prop::sample::select(vec!["hi", "", " x "]),
    )
        .prop_map(|(role, text)| vec![json!({"role": role, "content": text})]);
    let looped = (
        prop::collection::vec(tool_call(), 1..4),
        content(),
        content(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(calls, said, result, reversed, system)| {
            let mut answers: Vec<_> = calls
                .iter()
                .map(|call| json!({"role": "tool", "tool_call_id": call["id"], "content": result}))
                .collect();
            if reversed {
                answers.reverse();
            }
            if system {
                answers.insert(0, json!({"role": "system", "content": "s"}));
            }
            let mut turn = vec![json!({"role": "assistant", "content": said, "tool_calls": calls})];
            turn.extend(answers);
            turn
        });
    prop_oneof![1 => said, 4 => plain, 4 => looped]
}

fn request() -> impl Strategy<Value = Value> {
    let members = prop::collection::vec(
        (
            prop::sample::select(vec![
                "temperature",
                "stop",
                "tools",
                "tools",
                "tool_choice",
                "functions",
                "reasoning_effort",
                "extra_body",
                "thinking_config",
                "response_format",
                "web_search_options",
                "max_tokens",
                "modalities",
                "audio",
                "other",
            ]),
            prop_oneof![
                1 => word(),
                4 => prop::sample::select(vec![
                    json!("auto"),
                    json!("required"),
                    json!("high"),
                    json!(0.5),
                    json!(100),
                    json!({}),
                    json!([{"type": "function", "function": {"name": "1g", "parameters": {"type": "object", "properties": {"a": {"type": ["string", "null"]}, "b": true}}}}]),
                    json!([{"googleSearch": {}}]),
                    json!([{"type": "custom", "custom": {"name": "f"}}, {"url_context": {}}]),
                    json!([{"type": "odd"}]),
                    json!({"type": "json_object"}),
                    json!({"type": "json_schema", "json_schema": {"schema": {"type": "object", "properties": {"a": {"$ref": "#/$defs/b", "description": "d"}}, "$defs": {"b": {"type": "string"}}}}}),
                    json!({"google": {"thinking_config": {"thinking_budget": 5}}}),
                    json!({"google": {"tool_config": {"functionCallingConfig": {"mode": "NONE"}}}}),
                    json!({"include_thoughts": true}),
                    json!({"type": "function", "function": {"name": "f"}}),
                ]),
            ],
        ),
        0..3,
    );
    (
        prop::collection::vec(turn(), 0..6),
        members,
        prop::bool::weighted(0.9),
    )
        .prop_map(|(mut turns, members, greeted)| {
            if greeted {
                turns.insert(0, vec![json!({"role": "user", "content": "hi"})]);
            }
            let mut body = json!({"model": "m", "messages": turns.concat()});
            for (key, value) in members {
                body[key] = value;
            }
            body
        })
}

/// Whether a request keeps the rules that Google states and its users met.
fn check(body: &Value, model: &str) {
    let text = body.to_string();
    let contents = body["contents"].as_array().unwrap();
    assert_eq!(contents[0]["role"], "user", "{text}");
    let mut open: Vec<&Value> = Vec::new();
    let mut before = "";
    for content in contents {
        let role = content["role"].as_str().unwrap();
        let parts = content["parts"].as_array().unwrap();
        assert!(!parts.is_empty(), "{text}");
        let results = parts
            .iter()
            .filter(|part| part["functionResponse"].is_object())
            .count();
        assert!(
            results == 0 || results == parts.len(),
            "results beside others: {text}"
        );
        let kind = if results > 0 { "results" } else { role };
        assert_ne!(kind, before, "unmerged: {text}");
        if results > 0 {
            assert_eq!(before, "model");
            let names: Vec<_> = parts
                .iter()
                .map(|part| &part["functionResponse"]["name"])
                .collect();
            let called: Vec<_> = open.iter().map(|call| &call["name"]).collect();
            assert_eq!(names, called, "{text}");
        } else {
            assert!(open.is_empty() || before != "model", "{text}");
        }
        open.clear();
        for part in parts {
            let part = part.as_object().unwrap();
            let kinds = [
                "text",
                "inlineData",
                "fileData",
                "functionCall",
                "functionResponse",
            ];
            let count = kinds
                .iter()
                .filter(|kind| part.contains_key(**kind))
                .count();
            assert_eq!(count, 1, "{text}");
            if let Some(said) = part.get("text") {
                assert_ne!(said, "", "{text}");
            }
            if let Some(call) = part.get("functionCall") {
                assert!(call["args"].is_object() && role == "model", "{text}");
                assert!(model == NEW || call.get("id").is_none());
                open.push(call);
            }
            if let Some(result) = part.get("functionResponse") {
                assert!(result["response"].is_object(), "{text}");
                assert!(model == NEW || result.get("id").is_none());
            }
        }
        before = kind;
    }
    for tool in body["tools"].as_array().into_iter().flatten() {
        assert_eq!(tool.as_object().unwrap().len(), 1);
        for function in tool["functionDeclarations"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let both =
                ["parameters", "parametersJsonSchema"].map(|key| function.get(key).is_some());
            assert_ne!(both, [true, true]);
            assert!(!both[usize::from(model == LEGACY)], "{text}");
        }
    }
    let calling = &body["toolConfig"]["functionCallingConfig"];
    let declares = body["tools"][0]["functionDeclarations"].is_array();
    assert!(calling["mode"] != "ANY" || declares, "{text}");
    let thinking = &body["generationConfig"]["thinkingConfig"];
    assert!(thinking["thinkingBudget"].is_null() || thinking["thinkingLevel"].is_null());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_refusal_or_a_legal_request(request in request(), model in prop::sample::select(vec![NEW, OLD, LEGACY]), lossy: bool) {
        let case = Case { lossy, ..Case::model(model) };
        if let Ok(done) = case.try_run(&request) {
            check(&done.body, model);
            // The same request is always converted the same.
            prop_assert_eq!(&done.text, &case.try_run(&request).unwrap().text);
        }
    }
}
