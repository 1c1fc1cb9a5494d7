use serde_json::{Value, json};

use super::{GEMINI, GEMINI_2, LLAMA, OSS, OTHER, result, tool_loop, tool_use, user};

const SIGNED: &str =
    "tlg1.gemini.eyJ2IjoxLCJzaWdzIjpbeyJrIjoiY2FsbCIsImlkIjoiYzEiLCJ2IjoiYzJsbkxVRT0ifV19";

const OF_MESSAGE: &str = "tlg1.gemini.eyJ2IjoxLCJzaWdzIjpbeyJrIjoibXNnIiwidiI6InNpZy8ifV19";

const PLAIN: &str = "tlg1.plain.eyJ2IjoxLCJwIjoiZ3JvcSJ9";

fn thought(text: &str, signature: &str) -> Value {
    json!({"type": "thinking", "thinking": text, "signature": signature})
}

#[test]
fn signatures_go_back_to_gemini() {
    let results = json!([result("c1", json!("1")), result("c2", json!("2")), {"type": "text", "text": "go on"}]);
    let content = json!([thought("Look.", SIGNED), tool_use("c1"), tool_use("c2")]);
    let done = GEMINI.with(json!({"messages": tool_loop(content.clone(), results.clone())}));
    let calls = &done.exact().body["messages"][1]["tool_calls"];
    assert_eq!(
        calls[0]["extra_content"],
        json!({"google": {"thought_signature": "c2lnLUE="}})
    );
    assert_eq!(calls[1]["extra_content"], Value::Null);
    assert!(!done.text.contains("Look."));

    // From elsewhere, or damaged: the first call of the turn says so.
    for signature in [
        PLAIN,
        "EqQBCkgIARAB",
        "",
        "tlg1.gemini.!!",
        "tlg1.anthropic.e30",
    ] {
        let content = json!([thought("Look.", signature), tool_use("c1"), tool_use("c2")]);
        let body = GEMINI
            .with(json!({"messages": tool_loop(content.clone(), results.clone())}))
            .body;
        let calls = &body["messages"][1]["tool_calls"];
        let skipped = json!({"google": {"thought_signature": "skip_thought_signature_validator"}});
        assert_eq!(calls[0]["extra_content"], skipped, "{signature}");
        assert_eq!(calls[1]["extra_content"], Value::Null);
        let body = GEMINI_2
            .with(json!({"messages": tool_loop(content, results.clone())}))
            .body;
        assert_eq!(
            body["messages"][1]["tool_calls"][0]["extra_content"],
            Value::Null
        );
    }

    // An earlier turn needs none.
    let mut messages = tool_loop(json!([tool_use("c1")]), json!([result("c1", json!("1"))]));
    messages.as_array_mut().unwrap().push(user("next"));
    assert_eq!(
        GEMINI.messages(messages)[1]["tool_calls"][0]["extra_content"],
        Value::Null
    );

    // The signature of the text.
    let messages = GEMINI.messages(json!([
        user("q"),
        {"role": "assistant", "content": [{"type": "text", "text": "A."}, thought("", OF_MESSAGE)]},
        user("r")
    ]));
    assert_eq!(
        messages[1]["extra_content"],
        json!({"google": {"thought_signature": "sig/"}})
    );

    // The envelope stays here.
    for to in [OSS, LLAMA, OTHER] {
        let done = to.with(json!({"messages": tool_loop(content.clone(), results.clone())}));
        assert!(
            !done.text.contains("tlg1.") && !done.text.contains("c2lnLUE="),
            "{}",
            done.text
        );
    }
}

#[test]
fn signatures_in_ids_of_other_gateways() {
    let id = "c1__thought__c2ln+/==";
    let messages = tool_loop(json!([tool_use(id)]), json!([result(id, json!("1"))]));
    let found = GEMINI.messages(messages.clone());
    assert_eq!(found[1]["tool_calls"][0]["id"], "c1");
    assert_eq!(
        found[1]["tool_calls"][0]["extra_content"],
        json!({"google": {"thought_signature": "c2ln+/=="}})
    );
    assert_eq!(found[2]["tool_call_id"], "c1");
    assert_eq!(OSS.messages(messages)[1]["tool_calls"][0]["id"], "c1");
}

#[test]
fn reasoning_goes_back_within_the_tool_loop() {
    let messages = json!([
        user("old"),
        {"role": "assistant", "content": [thought("Old.", PLAIN), tool_use("c0")]},
        {"role": "user", "content": [result("c0", json!("0"))]},
        {"role": "assistant", "content": [thought("Also old.", PLAIN), {"type": "text", "text": "t"}]},
        user("new"),
        {"role": "assistant", "content": [thought("Use it.", PLAIN), tool_use("c1")]},
        {"role": "user", "content": [result("c1", json!("1")), {"type": "text", "text": "hm"}]},
        {"role": "assistant", "content": [thought("Again.", "EqQB"), tool_use("c2")]},
        {"role": "user", "content": [result("c2", json!("2"))]}
    ]);
    let found = OSS.messages(messages.clone());
    let reasoning: Vec<&Value> = found
        .as_array()
        .unwrap()
        .iter()
        .filter(|message| message["role"] == "assistant")
        .map(|message| &message["reasoning"])
        .collect();
    assert_eq!(
        reasoning,
        [
            &json!(null),
            &json!(null),
            &json!("Use it."),
            &json!("Again.")
        ]
    );
    for to in [LLAMA, GEMINI, OTHER] {
        let done = to.with(json!({"messages": messages}));
        done.dropped("messages[].content[].thinking");
        assert!(!done.text.contains("reasoning"), "{}", done.text);
    }
    GEMINI
        .with(
            json!({"messages": [user("q"), {"role": "assistant", "content": [
            {"type": "redacted_thinking", "data": "abc"}, {"type": "text", "text": "x"}
        ]}, user("r")]}),
        )
        .dropped("messages[].content[].data");
}
