use bytes::BytesMut;
use http::StatusCode;
use serde_json::{Value, json};

use super::{CX, LIMIT, delta, gemini, groq, sonar, told};
use crate::convert::machine::Machine;
use crate::convert::messages_to_chat::error;
use crate::convert::messages_to_chat::stream::ChatToMessages;
use crate::convert::validate::messages::End;

#[test]
fn errors_in_streams() {
    let text = delta(json!({"content": "x"}));
    for (event, status, kind) in [
        (
            json!({"error": {"message": "m", "status_code": 400}}),
            Some(400),
            "invalid_request_error",
        ),
        (
            json!({"error": {"message": "m", "code": 429}}),
            Some(429),
            "rate_limit_error",
        ),
        (
            json!([{"error": {"code": 503, "message": "m", "status": "UNAVAILABLE"}}]),
            Some(503),
            "overloaded_error",
        ),
        (
            json!({"choices": [], "x_groq": {"error": "m"}}),
            None,
            "api_error",
        ),
        (json!({"error": "m"}), None, "api_error"),
        (json!("{\"id\":"), None, "api_error"),
        (json!("nonsense"), None, "api_error"),
    ] {
        let mut machine = ChatToMessages::new(groq(), CX, LIMIT);
        let mut out = BytesMut::new();
        let data = match &event {
            Value::String(text) => text.clone(),
            event => event.to_string(),
        };
        // As the first event it becomes a plain answer.
        let error = machine.event("", data.as_bytes(), &mut out).unwrap_err();
        assert!(out.is_empty());
        assert_eq!(error.upstream_status.map(|s| s.as_u16()), status, "{event}");
        assert_eq!(error.error.kind, kind, "{event}");

        let outcome = told(groq(), &[text.clone(), event.clone(), text.clone()]);
        assert_eq!(outcome.end, End::Error);
        // Anthropic has no limit of rates in the middle of a stream.
        let later = match kind {
            "rate_limit_error" => "overloaded_error",
            kind => kind,
        };
        assert_eq!(outcome.error.unwrap()["type"], later, "{event}");
        assert_eq!(outcome.stopped, 0);
    }
    let mut machine = ChatToMessages::new(groq(), CX, LIMIT);
    let error = machine
        .event("error", br#"{"message":"m"}"#, &mut BytesMut::new())
        .unwrap_err();
    assert_eq!(error.error.message, "m");
}

#[test]
fn errors_of_every_class() {
    for (status, client, kind) in [
        (400, 400, "invalid_request_error"),
        (401, 401, "authentication_error"),
        (402, 402, "billing_error"),
        (403, 403, "permission_error"),
        (404, 404, "not_found_error"),
        (405, 405, "invalid_request_error"),
        (408, 504, "timeout_error"),
        (409, 409, "invalid_request_error"),
        (413, 413, "request_too_large"),
        (422, 400, "invalid_request_error"),
        (424, 400, "invalid_request_error"),
        (429, 429, "rate_limit_error"),
        (498, 529, "overloaded_error"),
        (500, 500, "api_error"),
        (502, 502, "api_error"),
        (503, 529, "overloaded_error"),
        (504, 504, "timeout_error"),
        (529, 529, "overloaded_error"),
    ] {
        let body = r#"{"error":{"message":"m","type":"their_own","code":"c"}}"#;
        let error = error::convert(
            StatusCode::from_u16(status).unwrap(),
            body.as_bytes(),
            &groq(),
        );
        assert_eq!(
            (error.status.as_u16(), &*error.kind),
            (client, kind),
            "{status}"
        );
        assert_eq!(error.message, "m");
    }
    let bad_key = br#"[{"error":{"code":400,"message":"k","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}]"#;
    let error = error::convert(StatusCode::BAD_REQUEST, bad_key, &gemini());
    assert_eq!(
        (error.status.as_u16(), &*error.kind),
        (401, "authentication_error")
    );
    let page = error::convert(
        StatusCode::UNAUTHORIZED,
        b"<html><h1>Authorization Required</h1>",
        &sonar(),
    );
    assert_eq!(page.message, "401 from perplexity: Authorization Required");
    let failed =
        br#"{"error":{"message":"Failed.","code":"tool_use_failed","failed_generation":"<f>"}}"#;
    let error = error::convert(StatusCode::BAD_REQUEST, failed, &groq());
    assert!(error.message.contains("<f>"));
}
