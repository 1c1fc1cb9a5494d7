//! What conversions cost: requests, stream events, and a whole call through the layers.

mod support;

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use support::{Budget, Table, chat_with_image, chat_with_tools};
use tower::{ServiceExt, service_fn};
use tower_llm_gateway::bench::ChatToMessages;
use tower_llm_gateway::{Connection, Credential, Gateway, Payload, Provider, Rule, Target};

const MODEL: &str = "claude-sonnet-4-5";

fn main() {
    let table = Table::begin();
    requests(&table);
    events(&table);
    calls(&table);
}

fn requests(table: &Table) {
    let pair = ChatToMessages::default();
    let chat = chat_with_tools();
    let budget = Budget {
        gigabytes_per_second: Some(0.8),
        allocations: Some(12.0),
        ..Budget::default()
    };
    let name = format!("request Chat -> Messages, {} bytes, tools", chat.len());
    table.row(&name, chat.len(), budget, || {
        pair.request(MODEL, chat.as_bytes())
            .expect("a good request")
    });
    let image = chat_with_image();
    let budget = Budget {
        gigabytes_per_second: Some(2.0),
        ..Budget::default()
    };
    table.row(
        "request Chat -> Messages, 1 MiB image",
        image.len(),
        budget,
        || {
            pair.request(MODEL, image.as_bytes())
                .expect("a good request")
        },
    );
}

fn events(table: &Table) {
    let pair = ChatToMessages::default();
    let request = chat_with_tools();
    let start = || {
        let mut stream = pair
            .stream(MODEL, request.as_bytes())
            .expect("a good request");
        for (name, data) in [
            (
                "message_start",
                r#"{"type":"message_start","message":{"id":"msg_01","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[],"stop_reason":null,"usage":{"input_tokens":12,"output_tokens":1}}}"#,
            ),
            (
                "content_block_start",
                r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
            ),
        ] {
            stream.event(name, data.as_bytes()).expect("a good event");
        }
        stream
    };
    let delta = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" the capital of Peru"}}"#;
    let budget = Budget {
        nanoseconds: Some(350.0),
        allocations: Some(0.0),
        ..Budget::default()
    };
    let mut stream = start();
    table.row(
        "event Messages -> Chat, text delta",
        delta.len(),
        budget,
        || {
            let out = stream.event("content_block_delta", delta.as_bytes());
            out.expect("a good event").len()
        },
    );
    let wire = format!("event: content_block_delta\ndata: {delta}\n\n");
    let mut stream = start();
    table.row(
        "the same from its bytes, decoded",
        wire.len(),
        budget,
        || stream.piece(wire.as_bytes()).expect("a good event").len(),
    );
}

/// Whole calls through route, retry, convert and auth, with a client that answers at once.
fn calls(table: &Table) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let runtime = runtime.expect("a runtime");
    let messages = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{"type":"text","text":"Lima."}],"stop_reason":"end_turn","usage":{"input_tokens":9,"output_tokens":3}}"#;
    let chat = r#"{"id":"a","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Lima."},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}"#;
    let body = Bytes::from(chat_with_tools().replace(
        r#","stream":true,"stream_options":{"include_usage":true}"#,
        "",
    ));
    for (name, provider, answer) in [
        ("call Chat passthrough, all layers", Provider::OpenAi, chat),
        (
            "call Chat -> Messages, all layers",
            Provider::Anthropic,
            messages,
        ),
    ] {
        let connection = Connection::builder("c", provider).credential(Credential::api_key("k"));
        let connection = Arc::new(connection.build().expect("a good connection"));
        let client = service_fn(move |request: Request<Payload>| async move {
            drop(request);
            let response = Response::builder().header("content-type", "application/json");
            response.body(Payload::new(Bytes::from_static(answer.as_bytes())))
        });
        let client = client.map_err(|error| -> Infallible { panic!("{error}") });
        let gateway = Gateway::builder()
            .rule(Rule::new("*", [Target::new(connection)]))
            .build(client)
            .expect("good routes");
        table.row(name, body.len(), Budget::default(), || {
            let request = Request::post("/v1/chat/completions")
                .header("content-type", "application/json")
                .body(Payload::new(body.clone()));
            let request = request.expect("a good request");
            runtime.block_on(async {
                let Ok(response) = gateway.clone().oneshot(request).await;
                assert_eq!(response.status(), 200);
                let body = response.into_body().collect().await;
                body.expect("a good answer").to_bytes().len()
            })
        });
    }
}
