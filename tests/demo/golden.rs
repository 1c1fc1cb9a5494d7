//! The provider's side of the golden cases: what is expected upstream is what the demo takes, and what the demo refuses is refused for
//! reasons that a made-up history has.

use std::path::Path;

use serde_json::Value;

use super::signed;

/// Refusals that only say that a thought was not signed by the demo, or that a case's model is older than what it asks.
const EXPECTED: &[&str] = &[
    "Invalid `signature`",
    "Invalid `data`",
    "Corrupted thought signature",
];

#[tokio::test]
async fn golden_requests_are_taken() {
    let mut seen = 0;
    for pair in [
        "chat_to_converse",
        "responses_to_converse",
        "messages_to_converse",
        "chat_to_gemini",
        "bedrock_wire",
    ] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join(pair);
        for case in std::fs::read_dir(folder).expect("the pair's folder") {
            let case = case.expect("a case").path();
            let read = |name: &str| -> Option<Value> {
                let text = std::fs::read(case.join(name)).ok()?;
                Some(serde_json::from_slice(&text).expect("JSON"))
            };
            let (Some(about), Some(body)) = (read("case.json"), read("upstream_request.json"))
            else {
                continue;
            };
            let Some(path) = about["upstream_path"].as_str() else {
                continue;
            };
            seen += 1;
            let uri = if path.starts_with("/model/") {
                format!("https://bedrock-runtime.us-east-1.amazonaws.com{path}")
            } else {
                format!("https://generativelanguage.googleapis.com{path}")
            };
            let (status, _, bytes) = super::raw(signed(&uri, &body)).await;
            let text = String::from_utf8_lossy(&bytes);
            let is_expected = status == 400 && EXPECTED.iter().any(|words| text.contains(words));
            assert!(status == 200 || is_expected, "{}: {text}", case.display());
        }
    }
    assert!(seen > 10, "{seen}");
}
