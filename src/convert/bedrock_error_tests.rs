use http::HeaderValue;

use super::*;

fn headers(name: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if !name.is_empty() {
        headers.insert(ERROR_TYPE, HeaderValue::from_str(name).unwrap());
    }
    headers
}

/// Status, type and code for the client.
fn words(error: &ClientError) -> (u16, &str, Option<&str>) {
    (error.status.as_u16(), &error.kind, error.code.as_deref())
}

struct Case {
    name: &'static str,
    upstream: u16,
    openai: (u16, &'static str, Option<&'static str>),
    anthropic: (u16, &'static str),
    class: FailureClass,
}

#[rustfmt::skip]
const TABLE: &[Case] = &[
    Case { name: "ValidationException", upstream: 400, openai: (400, "invalid_request_error", None), anthropic: (400, "invalid_request_error"), class: FailureClass::Final },
    Case { name: "AccessDeniedException", upstream: 403, openai: (403, "invalid_request_error", Some("permission_denied")), anthropic: (403, "permission_error"), class: FailureClass::Final },
    Case { name: "UnrecognizedClientException", upstream: 403, openai: (403, "invalid_request_error", Some("permission_denied")), anthropic: (403, "permission_error"), class: FailureClass::Credential },
    Case { name: "InvalidSignatureException", upstream: 403, openai: (403, "invalid_request_error", Some("permission_denied")), anthropic: (403, "permission_error"), class: FailureClass::Credential },
    Case { name: "MissingAuthenticationTokenException", upstream: 403, openai: (403, "invalid_request_error", Some("permission_denied")), anthropic: (403, "permission_error"), class: FailureClass::Credential },
    Case { name: "ExpiredTokenException", upstream: 400, openai: (403, "invalid_request_error", Some("permission_denied")), anthropic: (403, "permission_error"), class: FailureClass::Credential },
    Case { name: "ResourceNotFoundException", upstream: 404, openai: (404, "invalid_request_error", Some("model_not_found")), anthropic: (404, "not_found_error"), class: FailureClass::Final },
    Case { name: "ModelTimeoutException", upstream: 408, openai: (504, "server_error", Some("model_timeout")), anthropic: (504, "timeout_error"), class: FailureClass::Refused },
    Case { name: "ThrottlingException", upstream: 429, openai: (429, "rate_limit_error", Some("rate_limit_exceeded")), anthropic: (429, "rate_limit_error"), class: FailureClass::Refused },
    Case { name: "ModelNotReadyException", upstream: 429, openai: (503, "server_error", Some("model_not_ready")), anthropic: (529, "overloaded_error"), class: FailureClass::Refused },
    Case { name: "ServiceQuotaExceededException", upstream: 400, openai: (429, "rate_limit_error", Some("insufficient_quota")), anthropic: (429, "rate_limit_error"), class: FailureClass::Exhausted },
    Case { name: "ModelErrorException", upstream: 424, openai: (502, "server_error", Some("model_error")), anthropic: (502, "api_error"), class: FailureClass::Ambiguous },
    Case { name: "ModelStreamErrorException", upstream: 424, openai: (502, "server_error", Some("model_stream_error")), anthropic: (502, "api_error"), class: FailureClass::Ambiguous },
    Case { name: "InternalServerException", upstream: 500, openai: (500, "server_error", None), anthropic: (500, "api_error"), class: FailureClass::Ambiguous },
    Case { name: "ServiceUnavailableException", upstream: 503, openai: (503, "server_error", Some("service_unavailable")), anthropic: (529, "overloaded_error"), class: FailureClass::Refused },
];

#[test]
fn the_table_for_answers() {
    for case in TABLE {
        let status = StatusCode::from_u16(case.upstream).unwrap();
        let body = br#"{"message":"why"}"#;
        let long = format!(
            "{}:http://internal.amazon.com/coral/com.amazon.bedrock/",
            case.name
        );
        let in_body = format!(
            r#"{{"__type":"com.amazon.coral.service#{}","Message":"why"}}"#,
            case.name
        );
        let as_code = format!(r#"{{"code":"{}","message":"why"}}"#, case.name);
        for (headers, body) in [
            (headers(case.name), &body[..]),
            (headers(&long), body),
            (headers(&format!("aws.coral#{}", case.name)), body),
            (headers(""), in_body.as_bytes()),
            (headers(""), as_code.as_bytes()),
        ] {
            for format in [Format::Chat, Format::Responses] {
                let error = convert(status, &headers, body, format);
                assert_eq!(words(&error), case.openai, "{}", case.name);
                assert_eq!(error.message, "why");
            }
            let error = convert(status, &headers, body, Format::Messages);
            let (status_for_messages, kind) = case.anthropic;
            assert_eq!(
                words(&error),
                (status_for_messages, kind, None),
                "{}",
                case.name
            );
            assert_eq!(class(status, &headers, body), case.class, "{}", case.name);
        }
    }
}

#[test]
fn the_table_for_exceptions_in_streams() {
    for case in TABLE {
        // A member's name begins in lower case.
        let (first, rest) = case.name.split_at(1);
        let name = format!("{}{rest}", first.to_ascii_lowercase());
        assert!(is_exception(&name));
        let error = exception(&name, br#"{"message":"why","p":"abcd"}"#, Format::Chat);
        assert_eq!(words(&error.error), case.openai, "{name}");
        let error = exception(&name, br#"{"message":"why"}"#, Format::Messages);
        assert_eq!(words(&error.error).1, case.anthropic.1, "{name}");
        assert_eq!(error.error.message, "why");
    }
    assert!(!is_exception("messageStart"));
    assert!(!is_exception("chunk"));
}

#[test]
fn streams_say_whether_another_try_helps() {
    let status = |name| {
        exception(name, br#"{"message":"m"}"#, Format::Chat)
            .upstream_status
            .map(|status| status.as_u16())
    };
    for (name, expected) in [
        ("internalServerException", 500),
        ("modelStreamErrorException", 502),
        ("modelTimeoutException", 408),
        ("validationException", 400),
        ("throttlingException", 429),
        ("serviceUnavailableException", 503),
        ("newException", 502),
        ("", 502),
    ] {
        assert_eq!(status(name), Some(expected), "{name}");
    }
    let error = unmodeled("InternalFailure", "it broke", Format::Messages);
    assert_eq!(words(&error.error), (502, "api_error", None));
    assert_eq!(error.error.message, "it broke");
    let error = unmodeled("ThrottlingException", "", Format::Chat);
    assert_eq!(error.upstream_status, Some(StatusCode::TOO_MANY_REQUESTS));
    assert_eq!(error.error.message, "ThrottlingException");
    let error = exception("x", b"junk", Format::Chat);
    assert_eq!(error.error.message, "the provider reported an error");
}

#[test]
fn a_used_up_quota_sends_the_call_elsewhere() {
    for name in ["serviceQuotaExceededException", "throttlingException"] {
        let expected = name
            .starts_with("service")
            .then_some(FailureClass::Exhausted);
        for format in [Format::Chat, Format::Messages] {
            assert_eq!(exception(name, b"{}", format).class, expected);
            assert_eq!(unmodeled(name, "", format).class, expected);
        }
    }
}

#[test]
fn a_refused_credential_keeps_the_status_that_aws_gave_it() {
    let headers = headers("UnrecognizedClientException");
    for (status, openai, anthropic) in [
        (401, "invalid_api_key", "authentication_error"),
        (403, "permission_denied", "permission_error"),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        let error = convert(status, &headers, b"{}", Format::Responses);
        assert_eq!(
            (error.status, error.code.as_deref()),
            (status, Some(openai))
        );
        let error = convert(status, &headers, b"{}", Format::Messages);
        assert_eq!((error.status, &*error.kind), (status, anthropic));
        assert_eq!(class(status, &headers, b"{}"), FailureClass::Credential);
    }
}

#[test]
fn throttling_that_is_called_invalid() {
    for message in [
        "Request was throttled",
        "ThrottlingException: slow down",
        "Too many tokens",
    ] {
        let body = format!(r#"{{"message":"{message}"}}"#);
        let headers = headers("ValidationException");
        let status = StatusCode::BAD_REQUEST;
        assert_eq!(
            class(status, &headers, body.as_bytes()),
            FailureClass::Refused
        );
        let error = convert(status, &headers, body.as_bytes(), Format::Chat);
        assert_eq!(error.status, StatusCode::TOO_MANY_REQUESTS, "{message}");
        let error = exception("validationException", body.as_bytes(), Format::Messages);
        assert_eq!(error.error.kind, "rate_limit_error");
    }
}

#[test]
fn a_models_error_may_be_the_requests_fault() {
    let headers = headers("ModelErrorException");
    for (original, status, expected) in [
        (400, 400, FailureClass::Final),
        (422, 400, FailureClass::Final),
        (500, 502, FailureClass::Ambiguous),
    ] {
        let body =
            format!(r#"{{"message":"m","originalStatusCode":{original},"resourceName":"r"}}"#);
        let body = body.as_bytes();
        let upstream = StatusCode::FAILED_DEPENDENCY;
        assert_eq!(class(upstream, &headers, body), expected);
        let error = convert(upstream, &headers, body, Format::Chat);
        assert_eq!(error.status.as_u16(), status, "{original}");
        assert_eq!(error.code.as_deref(), Some("model_error"));
    }
}

#[test]
fn anthropics_own_errors_shine_through() {
    let inner = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let wrapped = serde_json::json!({
        "message": format!("The model returned the following errors: {inner}"),
    })
    .to_string();
    for body in [inner, &wrapped] {
        let headers = headers("ValidationException");
        let status = StatusCode::BAD_REQUEST;
        let error = convert(status, &headers, body.as_bytes(), Format::Messages);
        assert_eq!(words(&error), (529, "overloaded_error", None), "{body}");
        assert_eq!(error.message, "Overloaded");
        let error = convert(status, &headers, body.as_bytes(), Format::Chat);
        assert_eq!(
            words(&error),
            (503, "server_error", Some("overloaded_error"))
        );
        assert_eq!(
            class(status, &headers, body.as_bytes()),
            FailureClass::Refused
        );
    }
    // A message in braces that is no error of Anthropic's stays as it is.
    let body = br#"{"message":"The model returned the following errors: {\"a\":1} and {"}"#;
    let error = convert(
        StatusCode::BAD_REQUEST,
        &headers("ValidationException"),
        body,
        Format::Messages,
    );
    assert_eq!(
        error.message,
        "The model returned the following errors: {\"a\":1} and {"
    );
}

#[test]
fn errors_without_a_name() {
    for (status, openai, anthropic) in [
        (400, "invalid_request_error", "invalid_request_error"),
        (401, "invalid_request_error", "authentication_error"),
        (403, "invalid_request_error", "permission_error"),
        (413, "invalid_request_error", "request_too_large"),
        (429, "rate_limit_error", "rate_limit_error"),
        (500, "server_error", "api_error"),
        (504, "server_error", "api_error"),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        for body in [&b""[..], b"{}", b"[1]", b"<html><b>No</b></html>"] {
            let error = convert(status, &headers(""), body, Format::Chat);
            assert_eq!((error.status, &*error.kind), (status, openai));
            let error = convert(status, &headers("Odd"), body, Format::Messages);
            assert_eq!((error.status, &*error.kind), (status, anthropic));
            let shown = body.starts_with(b"<");
            assert_eq!(error.message.ends_with(": No"), shown, "{}", error.message);
        }
    }
    let overloaded = StatusCode::from_u16(529).unwrap();
    let error = convert(overloaded, &headers(""), b"", Format::Chat);
    assert_eq!(error.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(class(overloaded, &headers(""), b""), FailureClass::Refused);
}

#[test]
fn keys_in_messages_are_redacted() {
    let body = br#"{"message":"no such key AKIAIOSFODNN7EXAMPLE"}"#;
    let error = convert(
        StatusCode::FORBIDDEN,
        &headers("UnrecognizedClientException"),
        body,
        Format::Chat,
    );
    assert!(!error.message.contains("AKIA"), "{}", error.message);
}

#[test]
fn successes_that_are_none() {
    let body = br#"{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}"#;
    let error = in_success(body, Format::Messages).unwrap();
    assert_eq!(error.status, StatusCode::BAD_GATEWAY);
    assert!(error.message.contains("UnknownOperationException"));
    for body in [
        &br#"{"output":{"message":{}}}"#[..],
        br#"{"type":"message"}"#,
        b"junk",
    ] {
        assert_eq!(in_success(body, Format::Chat), None);
    }
}
