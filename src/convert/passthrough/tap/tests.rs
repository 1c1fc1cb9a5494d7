use proptest::prelude::*;

use super::super::{redacted, rewrite};
use super::*;
use crate::provider::Provider;

/// What is known after each of these events: complete, and the error's upstream status, client status and message.
type Expected = (bool, Option<(Option<u16>, u16, &'static str)>);

fn check(format: Format, name: &str, data: &str, expected: Expected) -> Tap {
    let mut tap = Tap::new(format);
    let error = tap.event(name, data.as_bytes()).err();
    let error = error.as_ref().map(|error| {
        (
            error.upstream_status.map(|status| status.as_u16()),
            error.error.status.as_u16(),
            &*error.error.message,
        )
    });
    assert_eq!((tap.is_complete(), error), expected, "{name} {data}");
    tap
}

#[test]
fn chat_events() {
    const UNSAID: &str = "the provider reported an error";
    for (name, data, expected) in [
        (
            "",
            r#"{"choices":[{"delta":{"content":"a"},"finish_reason":null}],"usage":null}"#,
            (false, None),
        ),
        (
            "",
            r#"{"choices":[{"delta":{"content":"a"},"finish_reason" : null}]}"#,
            (false, None),
        ),
        (
            "",
            r#"{"choices":[{"delta":{"content":"say \"finish_reason\": \"stop\" and \"error\": 1"}}]}"#,
            (false, None),
        ),
        (
            "",
            r#"{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{\"error\":\"x\"}"}}]}}]}"#,
            (false, None),
        ),
        (
            "",
            r#"{"choices":[{"delta":{"metadata":{"error":"x","finish_reason":"y"}}}]}"#,
            (false, None),
        ),
        (
            "",
            r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
            (true, None),
        ),
        ("", r#"{"choices":[{"finish_reason":""}]}"#, (false, None)),
        ("", " [DONE] ", (true, None)),
        ("", "junk", (false, None)),
        ("", r#"{"error":null,"choices":[]}"#, (false, None)),
        ("", r#"{"error":false}"#, (false, None)),
        (
            "",
            r#"{"error":{"message":"m sk-abcdef12","type":"server_error","code":null}}"#,
            (true, Some((Some(500), 500, "m [redacted]"))),
        ),
        (
            "",
            r#"{"error":{"message":"m","code":429}}"#,
            (true, Some((Some(429), 429, "m"))),
        ),
        (
            "",
            r#"{"error":{"message":"m","code":"502"}}"#,
            (true, Some((Some(502), 502, "m"))),
        ),
        (
            "",
            r#"{"error":{"message":"m","type":"invalid_request_error","code":"tool_use_failed","status_code":498}}"#,
            (true, Some((Some(503), 503, "m"))),
        ),
        (
            "",
            r#"[{"error":{"message":"m","code":503,"status":"UNAVAILABLE"}}]"#,
            (true, Some((Some(503), 503, "m"))),
        ),
        (
            "",
            r#"{"error":{"message":"m","status":"RESOURCE_EXHAUSTED"}}"#,
            (true, Some((Some(429), 429, "m"))),
        ),
        ("", r#"{"error":"text"}"#, (true, Some((None, 502, "text")))),
        (
            "",
            r#"{"error":{"message":"m","type":"brand_new"}}"#,
            (true, Some((None, 502, "m"))),
        ),
        (
            "",
            r#"{"error":{"type":"overloaded_error"}}"#,
            (true, Some((Some(529), 503, UNSAID))),
        ),
        (
            "error",
            r#"{"error":{"message":"m","status_code":400}}"#,
            (true, Some((Some(400), 400, "m"))),
        ),
        (
            "error",
            r#"{"message":"m"}"#,
            (true, Some((None, 502, "m"))),
        ),
        ("error", "junk", (true, Some((None, 502, UNSAID)))),
    ] {
        check(Format::Chat, name, data, expected);
    }
}

#[test]
fn chat_usage_is_the_last_one_said() {
    let mut tap = Tap::new(Format::Chat);
    for data in [
        r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":1}}"#,
        r#"{"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":9,"prompt_tokens_details":{"cached_tokens":2}}}"#,
        r#"{"choices":[],"usage":null}"#,
    ] {
        tap.event("", data.as_bytes()).unwrap();
    }
    let usage = tap.usage();
    assert_eq!(
        (usage.input, usage.cache_read, usage.output),
        (Some(3), Some(2), Some(9))
    );

    let mut tap = Tap::new(Format::Chat);
    let groq = br#"{"choices":[{"finish_reason":"stop"}],"x_groq":{"usage":{"prompt_tokens":4,"completion_tokens":2}}}"#;
    tap.event("", groq).unwrap();
    assert_eq!(tap.usage().output, Some(2));
    assert!(tap.is_complete());
}

#[test]
fn responses_events() {
    let terminal = |kind: &str, response: &str| {
        format!(r#"{{"type":"{kind}","response":{response},"sequence_number":41}}"#)
    };
    let usage = r#"{"usage":{"input_tokens":9,"output_tokens":3,"input_tokens_details":{"cached_tokens":4}}}"#;
    for kind in ["response.completed", "response.incomplete"] {
        for name in [kind, ""] {
            let tap = check(
                Format::Responses,
                name,
                &terminal(kind, usage),
                (true, None),
            );
            assert_eq!(tap.next_sequence_number(), 42);
            assert_eq!(tap.usage().input, Some(5));
            assert_eq!(tap.usage().output, Some(3));
        }
    }
    let failed = r#"{"error":{"code":"rate_limit_exceeded","message":"slow"},"usage":null}"#;
    check(
        Format::Responses,
        "response.failed",
        &terminal("response.failed", failed),
        (true, Some((Some(429), 429, "slow"))),
    );
    for (data, expected) in [
        (
            r#"{"type":"error","code":"server_error","message":"m","param":null,"sequence_number":3}"#,
            (Some(500), 500, "m"),
        ),
        (
            r#"{"type":"error","error":{"type":"invalid_request_error","code":"context_length_exceeded","message":"m"}}"#,
            (Some(400), 400, "m"),
        ),
        (
            r#"{"type":"error","code":null,"message":"m"}"#,
            (None, 502, "m"),
        ),
    ] {
        check(Format::Responses, "error", data, (true, Some(expected)));
        check(Format::Responses, "", data, (true, Some(expected)));
    }
    let mut tap = check(
        Format::Responses,
        "response.output_text.delta",
        r#"{"type":"response.output_text.delta","delta":"\"sequence_number\":9","sequence_number": 7}"#,
        (false, None),
    );
    assert_eq!(tap.next_sequence_number(), 8);
    tap.event("response.created", b"{}").unwrap();
    assert_eq!(tap.next_sequence_number(), 8);
    assert_eq!(Tap::new(Format::Responses).next_sequence_number(), 0);
    assert!(!tap.usage().is_known());
}

#[test]
fn messages_events() {
    for name in [true, false] {
        let mut tap = Tap::new(Format::Messages);
        for (kind, data, complete) in [
            (
                "message_start",
                r#"{"type":"message_start","message":{"usage":{"input_tokens":3,"cache_read_input_tokens":2,"output_tokens":1}}}"#,
                false,
            ),
            ("ping", r#"{"type":"ping"}"#, false),
            (
                "content_block_delta",
                r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"message_stop"}}"#,
                false,
            ),
            (
                "message_delta",
                r#"{"type":"message_delta","delta":{"stop_reason":null},"usage":{"output_tokens":4}}"#,
                false,
            ),
            (
                "message_delta",
                r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7}}"#,
                true,
            ),
            ("message_stop", r#"{"type":"message_stop"}"#, true),
        ] {
            tap.event(if name { kind } else { "" }, data.as_bytes())
                .unwrap();
            assert_eq!(tap.is_complete(), complete, "{data}");
        }
        let usage = tap.usage();
        assert_eq!(
            (usage.input, usage.cache_read, usage.output),
            (Some(3), Some(2), Some(7))
        );
    }
    for (kind, expected) in [
        ("overloaded_error", (Some(529), 529, "m")),
        ("rate_limit_error", (Some(429), 429, "m")),
        ("timeout_error", (Some(504), 504, "m")),
        ("brand_new", (None, 502, "m")),
    ] {
        let data = format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"m"}}}}"#);
        check(Format::Messages, "error", &data, (true, Some(expected)));
        check(Format::Messages, "", &data, (true, Some(expected)));
    }
    check(
        Format::Messages,
        "error",
        "junk",
        (true, Some((None, 502, "the provider reported an error"))),
    );
    check(Format::Messages, "message_stop", "", (true, None));
    check(Format::Messages, "", "junk", (false, None));
}

#[test]
fn errors_are_in_the_clients_words() {
    let mut tap = Tap::new(Format::Messages);
    let data = br#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#;
    let error = tap.event("error", data).unwrap_err().error;
    assert_eq!((&*error.kind, error.code), ("overloaded_error", None));
    let mut tap = Tap::new(Format::Responses);
    let data = br#"{"type":"response.failed","response":{"error":{"code":"rate_limit_exceeded","message":"m"}}}"#;
    let error = tap.event("response.failed", data).unwrap_err().error;
    assert_eq!(error.kind, "rate_limit_error");
    assert_eq!(error.code.as_deref(), Some("rate_limit_exceeded"));
}

#[test]
fn keep_alives() {
    for (format, name, data, expected) in [
        (Format::Chat, "", "", true),
        (Format::Chat, "", "{}", false),
        (Format::Chat, "ping", "{}", true),
        (Format::Messages, "ping", r#"{"type":"ping"}"#, true),
        (Format::Messages, "", r#"{"type": "ping"}"#, true),
        (
            Format::Messages,
            "message_start",
            r#"{"type":"message_start"}"#,
            false,
        ),
        (Format::Messages, "", r#"{"type":"message_start"}"#, false),
        (
            Format::Responses,
            "keepalive",
            r#"{"type":"keepalive","sequence_number":1}"#,
            true,
        ),
        (Format::Responses, "", r#"{"type":"keepalive"}"#, true),
        (Format::Responses, "response.created", "{}", false),
        (Format::Responses, "", "junk", false),
    ] {
        assert_eq!(
            is_keep_alive(format.into(), name, data.as_bytes()),
            expected,
            "{name} {data}"
        );
    }
}

proptest! {
    #[test]
    fn any_event_is_survived(
        name in prop_oneof![Just(""), Just("error"), Just("response.failed"), Just("message_delta")],
        data in prop_oneof![
            "[{}\\[\\]\":,a-z0-9 \\\\]{0,40}",
            "\\{\"(error|usage|choices|type|response|delta|sequence_number)\":[{}\\[\\]\":,a-z0-9]{0,20}\\}",
        ],
    ) {
        for format in [Format::Chat, Format::Responses, Format::Messages] {
            let mut tap = Tap::new(format);
            let failed = tap.event(name, data.as_bytes()).is_err();
            prop_assert!(!failed || tap.is_complete());
            is_keep_alive(format.into(), name, data.as_bytes());
            let body = bytes::Bytes::from(data.clone());
            let error = rewrite(format, Provider::Gemini, http::StatusCode::OK, &body);
            prop_assert!(error.is_none_or(|error| error.status.as_u16() >= 400));
            redacted(&body);
        }
    }
}
