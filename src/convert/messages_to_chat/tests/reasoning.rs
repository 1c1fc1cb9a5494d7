use serde_json::{Value, json};

use super::{CX, DONE, call, complete, delta, finish, gemini, groq, state};
use crate::convert::messages_to_chat::response;
use crate::provider::Provider;

#[test]
fn signed_thinking_of_every_provider() {
    for (state, signature) in [
        (groq(), "tlg1.plain.eyJ2IjoxLCJwIjoiZ3JvcSJ9"),
        (gemini(), "tlg1.gemini.eyJ2IjoxLCJzaWdzIjpbXX0"),
    ] {
        let message = complete(
            state,
            &[
                delta(json!({"reasoning": "hm"})),
                delta(json!({"content": "x"})),
                finish("stop"),
            ],
        );
        assert_eq!(
            message["content"][0],
            json!({"type": "thinking", "thinking": "hm", "signature": signature})
        );
    }
    let deep = state(Provider::Perplexity, "sonar-reasoning-pro");
    let message = complete(
        deep,
        &[
            delta(json!({"content": "<thi"})),
            delta(json!({"content": "nk>a</think>\n\nb"})),
            finish("stop"),
        ],
    );
    let thinking = &message["content"][0];
    assert_eq!(thinking["thinking"], "a");
    assert!(
        thinking["signature"]
            .as_str()
            .unwrap()
            .starts_with("tlg1.plain.")
    );
    assert_eq!(message["content"][1]["text"], "\n\nb");
}

#[test]
fn signatures_of_messages_and_of_calls_with_other_ids() {
    let extra = |signature: &str| json!({"google": {"thought_signature": signature}});
    let message = complete(
        gemini(),
        &[
            delta(json!({"content": "x", "extra_content": extra("bXNn")})),
            call(
                json!({"id": "a.b", "function": {"name": "f", "arguments": "{}"}, "extra_content": extra("Y2Fs+/=")}),
            ),
            finish("stop"),
            json!(DONE),
        ],
    );
    let blocks = message["content"].as_array().unwrap();
    let kinds: Vec<&str> = blocks.iter().map(|b| b["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["text", "thinking", "tool_use", "thinking"]);
    let id = blocks[2]["id"].as_str().unwrap();
    let signature =
        |block: &Value| crate::convert::gemini_envelope::read(block["signature"].as_str().unwrap());
    use crate::convert::gemini_envelope::Signature;
    assert_eq!(
        signature(&blocks[1]),
        [Signature::Call {
            id: id.to_owned(),
            value: "Y2Fs+/=".into()
        }]
    );
    assert_eq!(
        signature(&blocks[3]),
        [Signature::Message {
            value: "bXNn".into()
        }]
    );
}

#[test]
fn whole_thoughts_without_a_flag() {
    for content in [
        r"<thought>hm</thought>Yes.",
        r"\u003cthought\u003ehm\u003c/thought\u003eYes.",
    ] {
        let body = format!(r#"{{"choices":[{{"message":{{"content":"{content}"}}}}]}}"#);
        let answer = response::convert(body.as_bytes(), &gemini(), CX).unwrap();
        let message: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(message["content"][0]["thinking"], "hm");
        assert_eq!(message["content"][1]["text"], "Yes.");
        let answer = response::convert(body.as_bytes(), &groq(), CX).unwrap();
        let message: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(message["content"][0]["text"], "<thought>hm</thought>Yes.");
    }
}
