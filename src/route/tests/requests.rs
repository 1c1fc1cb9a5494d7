//! What stands in a request: paths, methods, bodies, keys and ids.

use serde_json::{Value, json};

use super::super::ClientKeys;
use super::*;

#[tokio::test]
async fn every_endpoint_answers() {
    for path in PATHS {
        let answer = ask(post(path, body(path))).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("x-gateway-attempts"), "1");
        assert_eq!(answer.header("x-gateway-model"), model(path));
        let connection = if is_messages(path) { "a" } else { "o" };
        assert_eq!(answer.header("x-gateway-connection"), connection);
        assert!(!answer.headers.contains_key("x-gateway-dropped"));
    }
}

#[tokio::test]
async fn refusals_are_in_the_clients_format() {
    for path in PATHS {
        let good = || post(path, body(path));
        let get = || Request::get(path).body(Payload::default()).unwrap();
        for (request, status, code, kind) in [
            (get(), 405, "method_not_allowed", "invalid_request_error"),
            (
                with(good(), "content-length", "500001"),
                413,
                "request_too_large",
                "request_too_large",
            ),
            (
                with(good(), "content-length", "18446744073709551615"),
                413,
                "request_too_large",
                "request_too_large",
            ),
            (
                post(path, vec![b' '; 500_001]),
                413,
                "request_too_large",
                "request_too_large",
            ),
            (
                with(good(), "content-encoding", "gzip"),
                415,
                "unsupported_content_encoding",
                "invalid_request_error",
            ),
            (
                with(
                    with(good(), "content-encoding", "identity"),
                    "content-encoding",
                    "br",
                ),
                415,
                "unsupported_content_encoding",
                "invalid_request_error",
            ),
            (
                post(path, ""),
                400,
                "invalid_value",
                "invalid_request_error",
            ),
            (
                post(path, "{\"model\":\"gpt-x\""),
                400,
                "invalid_value",
                "invalid_request_error",
            ),
            (
                post(path, "{}"),
                400,
                "invalid_value",
                "invalid_request_error",
            ),
            (
                post(path, &b"{\"model\":\"gpt-\xff\"}"[..]),
                400,
                "invalid_value",
                "invalid_request_error",
            ),
            (
                post(path, r#"{"model":"nobody"}"#),
                404,
                "model_not_found",
                "not_found_error",
            ),
        ] {
            let answer = ask(request).await;
            assert_eq!(answer.status, status, "{path}: {}", answer.body);
            assert_shape(path, &answer);
            if is_messages(path) {
                assert_eq!(answer.words(), (kind, None), "{path}");
            } else {
                assert_eq!(
                    answer.words(),
                    ("invalid_request_error", Some(code)),
                    "{path}"
                );
            }
            assert!(!answer.headers.contains_key("x-gateway-provider"));
            assert_eq!(
                answer.header("allow"),
                if status == 405 { "POST" } else { "" }
            );
        }
    }
}

#[tokio::test]
async fn identity_is_no_encoding() {
    let path = "/v1/messages";
    assert_eq!(
        ask(with(post(path, body(path)), "content-encoding", "Identity"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn unknown_paths_speak_the_format_that_the_headers_show() {
    for path in [
        "/",
        "/v1/embeddings",
        "/v1/messages/",
        "/v1/messages/batches",
        "/V1/messages",
        "//v1/messages",
    ] {
        let answer = ask(post(path, "{}")).await;
        assert_eq!(
            (answer.status, answer.words()),
            (404, ("invalid_request_error", Some("not_found"))),
            "{path}"
        );
        let answer = ask(with(post(path, "{}"), "anthropic-version", "2023-06-01")).await;
        assert_eq!(
            (answer.status, answer.words()),
            (404, ("not_found_error", None)),
            "{path}"
        );
        assert_shape("/v1/messages", &answer);
    }
}

#[tokio::test]
async fn an_upgrade_is_refused_at_once() {
    let mut request = Request::get("/v1/responses")
        .body(Payload::default())
        .unwrap();
    request
        .headers_mut()
        .insert("upgrade", "websocket".parse().unwrap());
    let answer = ask(request).await;
    assert_eq!(
        (answer.status, answer.words().1),
        (426, Some("upgrade_not_supported"))
    );
}

#[tokio::test]
async fn the_unknown_model_is_named_as_the_vendors_do() {
    for path in PATHS {
        let answer = ask(post(path, r#"{"model":"no-such-model"}"#)).await;
        let message = answer.body["error"]["message"].as_str().unwrap();
        if is_messages(path) {
            assert_eq!(message, "model: no-such-model");
        } else {
            assert!(
                message.starts_with("The model `no-such-model` does not exist"),
                "{message}"
            );
            assert_eq!(answer.body["error"]["param"], "model");
        }
    }
}

#[tokio::test]
async fn duplicate_members_and_deep_nesting_are_refused() {
    for (body, param) in [
        (
            r#"{"model":"gpt-x","model":"gpt-y"}"#.to_owned(),
            json!("model"),
        ),
        (
            r#"{"model":"gpt-x","mod\u0065l":"gpt-y"}"#.to_owned(),
            json!("model"),
        ),
        (
            r#"{"model":"gpt-x","n":1,"\u006E":2}"#.to_owned(),
            json!("n"),
        ),
        (
            format!(
                r#"{{"model":"gpt-x","a":{}1{}}}"#,
                "[".repeat(100_000),
                "]".repeat(100_000)
            ),
            Value::Null,
        ),
        (
            format!(r#"{{"model":"gpt-x","a":{}"#, "{\"b\":".repeat(80_000)),
            Value::Null,
        ),
    ] {
        let answer = ask(post("/v1/chat/completions", body)).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.body["error"]["param"], param);
    }
    let nested = r#"{"model":"gpt-x","a":[{"model":1},{"model":2}]}"#;
    assert_eq!(ask(post("/v1/chat/completions", nested)).await.status, 200);
}

#[tokio::test]
async fn client_keys() {
    let keyed = || builder().client_keys(ClientKeys::new().with("ci", "k1"));
    for path in PATHS {
        for request in [
            post(path, body(path)),
            with(post(path, body(path)), "authorization", "Bearer k2"),
            with(post(path, "not even read"), "x-api-key", ""),
        ] {
            let answer = ask_of(keyed(), request).await;
            assert_eq!(answer.status, 401);
            assert_eq!(answer.header("x-should-retry"), "false");
            assert_shape(path, &answer);
            let words = if is_messages(path) {
                ("authentication_error", None)
            } else {
                ("invalid_request_error", Some("invalid_api_key"))
            };
            assert_eq!(answer.words(), words);
        }
        for (name, value) in [("authorization", "Bearer k1"), ("x-api-key", "k1")] {
            let request = with(post(path, body(path)), name, value);
            assert_eq!(ask_of(keyed(), request).await.status, 200);
        }
    }
}

#[tokio::test]
async fn request_ids() {
    let path = "/v1/chat/completions";
    for id in ["abc", "A-b_c.9:/", &"x".repeat(128)] {
        let answer = ask(with(post(path, body(path)), "x-request-id", id)).await;
        assert_eq!(answer.header("x-gateway-request-id"), id);
        assert_eq!(answer.header("x-request-id"), id);
    }
    let mut seen = std::collections::HashSet::new();
    for id in ["", "a b", "a\tb", &"x".repeat(129)] {
        let answer = ask(with(post(path, body(path)), "x-request-id", id)).await;
        let new = answer.header("x-gateway-request-id").to_owned();
        assert!(new.starts_with("req_") && new != id, "{new}");
        assert!(seen.insert(new));
    }
    let answer = ask(with(
        post("/v1/messages", body("/v1/messages")),
        "x-request-id",
        "abc",
    ))
    .await;
    assert_eq!(answer.header("request-id"), "abc");
    assert!(!answer.headers.contains_key("x-request-id"));
}
