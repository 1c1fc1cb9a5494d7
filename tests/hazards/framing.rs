//! Lengths and framing: each side's belong to that side alone.

use http::HeaderValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower::{ServiceBuilder, ServiceExt};
use tower_llm_gateway::{Payload, Provider};

use crate::setup::{Cell, ask, cells, patient, quick_retries, serve};
use crate::support::upstream::{Reply, Upstream};

const CHAT: Cell = Cell {
    provider: Provider::OpenAi,
    path: "/v1/chat/completions",
};

/// Sends a request with these headers through every cell; the upstream's reader refuses whatever is ambiguous.
async fn through_every_cell(headers: &[(&'static str, &'static str)]) {
    for cell in cells() {
        let upstream = Upstream::start(|_| Reply::json(400, "{}"));
        // As a middleware before the gateway might leave them behind.
        let service = ServiceBuilder::new()
            .map_request(|mut request: http::Request<Payload>| {
                for (name, value) in headers {
                    let value = HeaderValue::from_static(value);
                    request.headers_mut().append(*name, value);
                }
                request
            })
            .service(cell.gateway(&upstream));
        let body = cell.body("main/other-model", "");
        let Ok(_) = patient(service.oneshot(cell.post(body))).await;
        let sent = &upstream.wait_requests(1)[0];
        assert!(upstream.errors().is_empty(), "{:?}", upstream.errors());
        assert!(!sent.chunked, "{cell:?}");
        let length = sent.header("content-length").unwrap();
        assert_eq!(length, sent.body.len().to_string(), "{cell:?}");
        assert!(sent.json().is_object(), "{cell:?}");
        for (name, _) in headers {
            if *name != "content-length" {
                assert_eq!(sent.header(name), None, "{cell:?}");
            }
        }
        if cell.is_passthrough() {
            let expected = cell.body("other-model", "");
            assert_eq!(sent.text(), expected, "{cell:?}");
        }
    }
}

#[tokio::test]
async fn f1_a_stale_length_does_not_go_upstream() {
    through_every_cell(&[("content-length", "3")]).await;
    through_every_cell(&[("content-length", "3000")]).await;
}

#[tokio::test]
async fn f2_transfer_codings_do_not_go_upstream() {
    through_every_cell(&[("transfer-encoding", "gzip, chunked")]).await;
}

#[tokio::test]
async fn f5_what_belongs_to_one_hop_stays_there() {
    through_every_cell(&[
        ("expect", "100-continue"),
        ("te", "trailers"),
        ("trailer", "x-checksum"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
    ])
    .await;
}

#[tokio::test]
async fn f3_no_ambiguous_framing_smuggles_a_request() {
    let body = CHAT.body("m", "");
    let length = body.len();
    let smuggled =
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nEVIL!";
    let chunk = format!("{length:x}\r\n{body}\r\n0\r\n\r\n");
    for headers in [
        format!("content-length: {length}\r\ntransfer-encoding: chunked\r\n"),
        format!("transfer-encoding: chunked\r\ncontent-length: {length}\r\n"),
        format!(
            "content-length: {length}\r\ncontent-length: {}\r\n",
            length + smuggled.len()
        ),
        format!("content-length: {length}\r\ncontent-length: {length}\r\n"),
        format!("content-length: {length}, {length}\r\n"),
        format!("content-length: +{length}\r\n"),
        "transfer-encoding: chunked, identity\r\n".to_owned(),
        "transfer-encoding: xchunked\r\n".to_owned(),
        "transfer-encoding:\u{b}chunked\r\n".to_owned(),
        format!("transfer-encoding : chunked\r\ncontent-length: {length}\r\n"),
        format!("content-length: {length}\r\n transfer-encoding: chunked\r\n"),
    ] {
        for content in [&body, &chunk] {
            let upstream = Upstream::start(|_| Reply::json(200, "{}"));
            let address = serve(CHAT.gateway(&upstream)).await;
            let mut stream = patient(TcpStream::connect(address)).await.unwrap();
            let text =
                format!("POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n{headers}\r\n{content}");
            stream.write_all(text.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
            let mut answer = Vec::new();
            let _ = patient(stream.read_to_end(&mut answer)).await;
            let sent = upstream.requests();
            assert!(
                upstream.errors().is_empty(),
                "{headers} {:?}",
                upstream.errors()
            );
            assert!(sent.len() <= 1, "{headers} {sent:?}");
            for request in sent {
                assert_eq!(request.text(), body, "{headers}");
            }
        }
    }
}

#[tokio::test]
async fn f6_an_answer_cut_anywhere_is_a_502() {
    for (provider, path, whole) in [
        (
            Provider::OpenAi,
            "/v1/chat/completions",
            r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hello, this is an answer"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}"#,
        ),
        (
            Provider::Anthropic,
            "/v1/chat/completions",
            r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"hello, this is an answer"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":2}}"#,
        ),
    ] {
        let cell = Cell { provider, path };
        let upstream = Upstream::new();
        let gateway = cell.gateway_with(&upstream, |builder| builder.retry(quick_retries(0)));
        for at in 0..100 {
            let cut = whole.len() * at / 100;
            upstream.push(Reply::json(200, &whole.as_bytes()[..cut]).lie_about_length(whole.len()));
            let answer = ask(gateway.clone(), cell.post(cell.body("m", ""))).await;
            assert_eq!(answer.status, 502, "{cell:?} {cut}");
            cell.assert_error(&answer);
            // The same bytes with an honest length: well framed, but no JSON.
            if !cell.is_passthrough() {
                upstream.push(Reply::json(200, &whole.as_bytes()[..cut]));
                let answer = ask(gateway.clone(), cell.post(cell.body("m", ""))).await;
                assert_eq!(answer.status, 502, "{cell:?} {cut}");
                cell.assert_error(&answer);
            }
        }
        upstream.push(Reply::json(200, whole));
        let answer = ask(gateway, cell.post(cell.body("m", ""))).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

#[tokio::test]
async fn f8_a_compressed_answer_is_no_answer() {
    for cell in cells() {
        for encoding in ["gzip", "br", "x-odd"] {
            let upstream = Upstream::start(move |_| {
                Reply::json(200, "xyz").header("content-encoding", encoding)
            });
            let answer = ask(cell.gateway(&upstream), cell.post(cell.body("m", ""))).await;
            assert_eq!(answer.status, 502, "{cell:?}");
            cell.assert_error(&answer);
            assert!(!answer.headers.contains_key("content-encoding"));
            // Another try might be answered plainly.
            assert_eq!(upstream.requests().len(), 3, "{cell:?}");
        }
    }
}
