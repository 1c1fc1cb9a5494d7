//! The example programs that mount the gateway, as processes: each is what somebody copies, and must answer.

pub mod support;

use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use support::gateway::Gateway;
use support::process;
use support::upstream::{Reply, Upstream};

const ANTHROPIC: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[{"type":"text","text":"hello"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":2}}"#;
const RESPONSES: &str = r#"{"id":"resp_1","object":"response","status":"completed","model":"gpt-x","output":[{"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[{"type":"output_text","text":"hello","annotations":[]}]}],"usage":{"input_tokens":1,"output_tokens":2,"total_tokens":3}}"#;
const CHAT_BODY: &str = r#"{"model":"claude-x","messages":[{"role":"user","content":"hi"}]}"#;
const MESSAGES_BODY: &str =
    r#"{"model":"gpt-x","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#;

/// The status and the text of an answer.
fn ask(gateway: &Gateway, http2: bool, path: &str, body: &'static str) -> (u16, String) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let client = Client::builder(TokioExecutor::new())
            .http2_only(http2)
            .build_http();
        let request = Request::post(format!("{}{path}", gateway.url()))
            .body(Full::<Bytes>::from(body))
            .unwrap();
        let answer = tokio::time::timeout(Duration::from_secs(30), client.request(request)).await;
        let answer = answer.expect("it hangs").unwrap();
        let status = answer.status().as_u16();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    })
}

#[test]
fn the_axum_example_answers_beside_its_own_routes() {
    let upstream = Upstream::start(|_| Reply::json(200, ANTHROPIC));
    let server = Gateway::builder()
        .env("ANTHROPIC_API_KEY", "k")
        .env("ANTHROPIC_BASE_URL", &upstream.url())
        .start_example("axum");
    let (status, text) = ask(&server, false, "/llm/v1/chat/completions", CHAT_BODY);
    assert_eq!(status, 200, "{text}");
    assert!(text.contains("\"content\":\"hello\""), "{text}");
    let passthrough = ask(&server, true, "/v1/messages", CHAT_BODY);
    assert_eq!(passthrough, (200, ANTHROPIC.to_owned()));
    let (status, text) = ask(&server, false, "/v1/chat/completions", CHAT_BODY);
    assert_eq!((status, &*text), (404, "nothing here\n"));
    let sent = upstream.requests();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].header("x-api-key"), Some("k"));
}

#[test]
fn the_tonic_example_answers_over_both_versions_of_http() {
    let upstream = Upstream::start(|_| Reply::json(200, ANTHROPIC));
    let server = Gateway::builder()
        .env("ANTHROPIC_API_KEY", "k")
        .env("ANTHROPIC_BASE_URL", &upstream.url())
        .start_example("tonic");
    for http2 in [false, true] {
        let (status, text) = ask(&server, http2, "/v1/chat/completions", CHAT_BODY);
        assert_eq!(status, 200, "{text}");
        assert!(text.contains("\"content\":\"hello\""), "{text}");
    }
}

#[test]
fn the_hyper_example_answers_over_both_versions_of_http() {
    let upstream = Upstream::start(|_| Reply::json(200, RESPONSES));
    let server = Gateway::builder()
        .env("OPENAI_API_KEY", "k")
        .env("OPENAI_BASE_URL", &upstream.url())
        .start_example("hyper");
    for http2 in [false, true] {
        let (status, text) = ask(&server, http2, "/v1/messages", MESSAGES_BODY);
        assert_eq!(status, 200, "{text}");
        assert!(text.contains("\"text\":\"hello\""), "{text}");
    }
    assert_eq!(upstream.requests()[0].path(), "/responses");
}

#[test]
fn the_client_example_prints_a_stream_without_any_server() {
    let upstream = Upstream::start(|request| {
        assert!(request.contains("\"Why?\""), "{}", request.text());
        Reply::sse([
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-x\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}\n\n",
            "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"because\"}}\n\n",
            "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":5}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
        ])
    });
    let mut command = Command::new(process::example("client"));
    process::clean_environment(&mut command)
        .env("ANTHROPIC_API_KEY", "k")
        .env("ANTHROPIC_BASE_URL", upstream.url())
        .arg("Why?");
    let finished = process::run(&mut command, Duration::from_secs(30)).unwrap();
    assert!(finished.success(), "{}", finished.stderr);
    assert!(
        finished.stdout.contains("\"content\":\"because\""),
        "{}",
        finished.stdout
    );
    assert!(
        finished.stdout.ends_with("data: [DONE]\n\n"),
        "{}",
        finished.stdout
    );

    command.env_remove("ANTHROPIC_API_KEY");
    let finished = process::run(&mut command, Duration::from_secs(30)).unwrap();
    assert!(!finished.success() && finished.stderr.contains("ANTHROPIC_API_KEY is not set"));
}
