//! InvokeModel with Anthropic's bodies. Refusals are judged by botocore's driver in `vendors.rs`; here is that the inner events are
//! Anthropic's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{answered, messages, raw, signed, with};

const MODEL: &str = "https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0";

fn body(text: &str) -> Value {
    json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 99, "messages": [{"role": "user", "content": text}]})
}

async fn events(body: &Value) -> Vec<Value> {
    let uri = format!("{MODEL}/invoke-with-response-stream");
    let (status, headers, bytes) = raw(signed(&uri, body)).await;
    assert_eq!(status, 200);
    assert_eq!(headers["x-amzn-bedrock-content-type"], "application/json");
    let events = messages(&bytes).into_iter().map(|(header, name, payload)| {
        assert_eq!((header.as_str(), name.as_str()), (":event-type", "chunk"));
        assert!(payload["p"].is_string());
        let bytes = STANDARD.decode(payload["bytes"].as_str().expect("bytes"));
        serde_json::from_slice(&bytes.expect("base64")).expect("JSON")
    });
    events.collect()
}

#[tokio::test]
async fn chunks_hold_the_events_of_the_messages_api() {
    let events = events(&body("Grüß Gott")).await;
    let kinds: Vec<_> = events
        .iter()
        .map(|event| event["type"].as_str().expect("type"))
        .collect();
    assert_eq!(kinds[..2], ["message_start", "content_block_start"]);
    assert_eq!(kinds[kinds.len() - 2..], ["message_delta", "message_stop"]);
    assert!(
        events[0]["message"]["id"]
            .as_str()
            .expect("id")
            .starts_with("msg_bdrk_")
    );
    let (_, _, message) = answered(&format!("{MODEL}/invoke"), &body("Grüß Gott")).await;
    assert_eq!(message["model"], "claude-sonnet-4-5-20250929");
    let texts = events
        .iter()
        .filter_map(|event| event["delta"]["text"].as_str());
    assert_eq!(message["content"][0]["text"], texts.collect::<String>());
}

#[tokio::test]
async fn effort_needs_its_beta_and_a_signature_its_text() {
    let opus = MODEL.replace("sonnet-4-5-20250929", "opus-4-5-20251101");
    let asked = with(&body("Hello."), "output_config", json!({"effort": "low"}));
    let (status, _, error) = answered(&format!("{opus}/invoke"), &asked).await;
    assert_eq!(
        (status, error["message"].as_str()),
        (
            400,
            Some("output_config.effort: Extra inputs are not permitted")
        )
    );
    let asked = with(&asked, "anthropic_beta", json!(["effort-2025-11-24"]));
    assert_eq!(answered(&format!("{opus}/invoke"), &asked).await.0, 200);
}
