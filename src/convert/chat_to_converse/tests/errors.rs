//! What goes wrong.

use http::{HeaderMap, StatusCode};

use super::*;
use crate::convert::bedrock_error;
use crate::endpoint::Format;

#[test]
fn a_stream_that_ends_early_is_an_error() {
    for events in [&[][..], &[head()], &[head(), said(0, "Par"), stop(0)]] {
        let (out, error, _) = feed(state(), events, LIMIT);
        let error = error.unwrap().error;
        assert_eq!(error.message, "upstream stream ended before messageStop");
        assert_eq!(error.code.as_deref(), Some("model_stream_error"));
        let outcome = validate(&out, true).unwrap();
        assert_eq!(outcome.end, End::Error);
        assert_eq!(outcome.finish_reason, None);
    }
}

#[test]
fn malformed_output_is_an_error() {
    for reason in ["malformed_model_output", "malformed_tool_use"] {
        let (out, error, _) = feed(state(), &[head(), said(0, "x"), stopped(reason)], LIMIT);
        assert_eq!(error.unwrap().error.status, StatusCode::BAD_GATEWAY);
        assert_eq!(validate(&out, true).unwrap().end, End::Error);
        let body =
            json!({"output": {"message": {"content": []}}, "stopReason": reason}).to_string();
        let error = response::convert(body.as_bytes(), &state(), cx()).unwrap_err();
        assert_eq!(error.status, StatusCode::BAD_GATEWAY);
        let mut out = BytesMut::new();
        replay(body.as_bytes(), state(), cx(), &mut out).unwrap_err();
        assert!(out.is_empty());
    }
    for body in [
        "",
        "[]",
        "{}",
        r#"{"Output":{"__type":"x"}}"#,
        r#"{"message":"no"}"#,
    ] {
        let error = response::convert(body.as_bytes(), &state(), cx()).unwrap_err();
        assert_eq!(error.status, StatusCode::BAD_GATEWAY, "{body}");
    }
}

#[test]
fn an_exception_ends_the_stream_in_openais_words() {
    let mut machine = ConverseToChat::new(state(), cx(), LIMIT);
    let mut out = BytesMut::new();
    for (name, data) in [head(), said(0, "Par")] {
        machine
            .event(name, data.to_string().as_bytes(), &mut out)
            .unwrap();
    }
    let error = bedrock_error::exception(
        "throttlingException",
        br#"{"message":"slow"}"#,
        Format::Chat,
    );
    machine.fail(&error, &mut out);
    // Nothing follows.
    machine.fail(&error, &mut out);
    assert_eq!(machine.event("metadata", b"{}", &mut out), Ok(Flow::Done));
    machine.finish(&mut out).unwrap();
    let outcome = validate(&out, true).unwrap();
    assert_eq!(outcome.end, End::Error);
    assert_eq!(
        outcome.error.unwrap(),
        json!({"message": "slow", "type": "rate_limit_error", "param": null, "code": "rate_limit_exceeded"})
    );
}

#[test]
fn what_fails_behind_the_stop_reason_does_not_spoil_the_answer() {
    let events = [
        head(),
        said(0, "x"),
        stopped("end_turn"),
        ("metadata", json!([])),
    ];
    let (out, error, _) = feed(state(), &events, LIMIT);
    assert!(error.is_none());
    let outcome = validate_uncounted(&out).unwrap();
    assert_eq!(
        (outcome.end, outcome.finish_reason.as_deref()),
        (End::Complete, Some("stop"))
    );

    let mut machine = ConverseToChat::new(state(), cx(), LIMIT);
    let mut out = BytesMut::new();
    for (name, data) in &events[..3] {
        machine
            .event(name, data.to_string().as_bytes(), &mut out)
            .unwrap();
    }
    machine.fail(&StreamError::ended(Format::Chat), &mut out);
    assert_eq!(validate_uncounted(&out).unwrap().end, End::Complete);
}

#[test]
fn refusals_of_bedrock_keep_their_status() {
    let mut headers = HeaderMap::new();
    headers.insert(
        "x-amzn-errortype",
        HeaderValue::from_static("ValidationException:http://x"),
    );
    let error = bedrock_error::convert(
        StatusCode::BAD_REQUEST,
        &headers,
        br#"{"message":"bad"}"#,
        Format::Chat,
    );
    assert_eq!(
        (error.status, &*error.kind),
        (StatusCode::BAD_REQUEST, "invalid_request_error")
    );
}

#[test]
fn what_is_held_is_bounded() {
    let long = "x".repeat(600);
    let mut events = vec![head()];
    for _ in 0..4 {
        events.push(thought(0, &long));
    }
    let (out, error, _) = feed(state(), &events, 1500);
    assert_eq!(error.unwrap().error.status, StatusCode::BAD_GATEWAY);
    assert_eq!(validate(&out, true).unwrap().end, End::Error);
    let mut events = vec![head(), call(0, "t", "sql")];
    for _ in 0..4 {
        events.push(input(0, &long));
    }
    assert!(feed(state(), &events, 1500).1.is_some());
    // Plain text is never held.
    let mut events = vec![head()];
    for _ in 0..40 {
        events.push(said(0, &long));
    }
    events.extend([stopped("end_turn"), counts()]);
    assert!(feed(state(), &events, 1500).1.is_none());
}
