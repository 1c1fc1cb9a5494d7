//! Streams that say too much, or the wrong thing.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tower::service_fn;
use tower_llm_gateway::{Gateway, Payload, Provider, Rule, Target};

use crate::flow::{http_client, request};
use crate::setup::{Cell, ask, limits, patient, serve};
use crate::support::upstream::{Reply, Upstream};

/// Every format of streams that is converted from server-sent events, and what its first event is.
const CONVERTED: [Cell; 5] = [
    Cell {
        provider: Provider::Anthropic,
        path: "/v1/chat/completions",
    },
    Cell {
        provider: Provider::Anthropic,
        path: "/v1/responses",
    },
    Cell {
        provider: Provider::Groq,
        path: "/v1/messages",
    },
    Cell {
        provider: Provider::Groq,
        path: "/v1/responses",
    },
    Cell {
        provider: Provider::OpenAi,
        path: "/v1/messages",
    },
];

/// The same, and streams that pass through.
pub(crate) const STREAMED: [Cell; 8] = {
    let [a, b, c, d, e] = CONVERTED;
    [
        a,
        b,
        c,
        d,
        e,
        Cell {
            provider: Provider::Anthropic,
            path: "/v1/messages",
        },
        Cell {
            provider: Provider::OpenAi,
            path: "/v1/responses",
        },
        Cell {
            provider: Provider::Groq,
            path: "/v1/chat/completions",
        },
    ]
};

impl Cell {
    /// How the provider's stream begins.
    pub(crate) fn start(self) -> String {
        match self.provider {
            Provider::Anthropic => concat!(
                "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}\n\n",
                "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
            )
            .to_owned(),
            Provider::OpenAi => concat!(
                "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"in_progress\",\"model\":\"m\",\"output\":[]}}\n\n",
                "event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"output_index\":0,\"item\":{\"type\":\"message\",\"id\":\"msg_1\",\"role\":\"assistant\",\"status\":\"in_progress\",\"content\":[]}}\n\n",
                "event: response.content_part.added\ndata: {\"type\":\"response.content_part.added\",\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"part\":{\"type\":\"output_text\",\"text\":\"\",\"annotations\":[]}}\n\n",
            )
            .to_owned(),
            _ => self.text("Hi"),
        }
    }

    /// A piece of text in the provider's stream; `text` is the inside of a JSON string.
    fn text(self, text: &str) -> String {
        match self.provider {
            Provider::Anthropic => format!(
                "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n"
            ),
            Provider::OpenAi => format!(
                "event: response.output_text.delta\ndata: {{\"type\":\"response.output_text.delta\",\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"delta\":\"{text}\"}}\n\n"
            ),
            _ => format!(
                "data: {{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{\"role\":\"assistant\",\"content\":\"{text}\"}},\"finish_reason\":null}}]}}\n\n"
            ),
        }
    }

    /// Whether a client's stream ends in an error of its format, and in nothing behind it.
    fn ends_in_an_error(self, stream: &str) -> bool {
        let last = stream.trim_end().rsplit("\n\n").next().unwrap_or_default();
        match self.path {
            "/v1/messages" => last.starts_with("event: error\ndata: {\"type\":\"error\""),
            "/v1/responses" => {
                last.starts_with("event: response.failed\n") || last.starts_with("event: error\n")
            }
            _ => last.starts_with("data: {\"error\":"),
        }
    }
}

#[tokio::test]
async fn d3_a_line_without_end_is_cut_off() {
    let piece = "x".repeat(16 * 1024);
    for cell in CONVERTED {
        for endless in [
            piece.clone(),
            format!(": {piece}"),
            format!("data: {piece}\n"),
        ] {
            let mut pieces = vec![cell.start().into_bytes()];
            // 16 MiB, were it read to its end.
            pieces.extend((0..1024).map(|_| endless.clone().into_bytes()));
            let upstream = Upstream::scripted([Reply::sse(pieces).expect_cancel()]);
            let gateway = cell.gateway_with(&upstream, |builder| {
                builder.limits(limits(|limits| limits.event = 64 * 1024))
            });
            let body = cell.body("m", r#","stream":true"#);
            let answer = ask(gateway, cell.post(body)).await;
            assert_eq!(answer.status, 200, "{cell:?} {answer:?}");
            assert!(
                cell.ends_in_an_error(answer.text()),
                "{cell:?} {}",
                answer.text()
            );
            assert!(!answer.text().contains("[DONE]"), "{cell:?}");
            upstream.cancelled(0).await;
        }
    }
}

#[tokio::test]
async fn d5_what_follows_the_end_is_not_passed_on() {
    for cell in CONVERTED {
        let end = match cell.provider {
            Provider::Anthropic => concat!(
                "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
                "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":2}}\n\n",
                "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
            ),
            Provider::OpenAi => {
                "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"completed\",\"model\":\"m\",\"output\":[{\"type\":\"message\",\"id\":\"msg_1\",\"role\":\"assistant\",\"status\":\"completed\",\"content\":[{\"type\":\"output_text\",\"text\":\"Hi\",\"annotations\":[]}]}],\"usage\":{\"input_tokens\":1,\"output_tokens\":2,\"total_tokens\":3}}}\n\n"
            }
            _ => {
                "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
            }
        };
        let late = cell.text("too-late");
        let mut answers = Vec::new();
        for after in [
            "",
            &late,
            "data: [DONE]\n\ndata: [DONE]\n\n",
            "garbage",
            "data: {}{}\n\n",
        ] {
            let upstream = Upstream::scripted([Reply::sse([
                cell.start(),
                cell.text("Hi"),
                end.to_owned(),
                after.to_owned(),
            ])]);
            let body = cell.body("m", r#","stream":true"#);
            let answer = ask(cell.gateway(&upstream), cell.post(body)).await;
            assert_eq!(answer.status, 200, "{cell:?}");
            assert!(
                !answer.broken && !answer.text().contains("too-late"),
                "{cell:?} {}",
                answer.text()
            );
            assert!(
                !cell.ends_in_an_error(answer.text()),
                "{cell:?} {after:?} {}",
                answer.text()
            );
            answers.push(answer.text().matches("\n\n").count());
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{cell:?} {answers:?}");
    }
}

#[tokio::test]
async fn f7_all_that_came_before_a_failure_is_delivered() {
    for cell in STREAMED {
        let relayed = cell.is_passthrough();
        for http2 in [false, true] {
            for reset in [false, true] {
                let mut events = vec![cell.start()];
                events.extend((0..20).map(|at| cell.text(&format!("word{at} "))));
                // All at once: everything is there, the failure too, before anybody reads.
                let reply = Reply::sse([events.concat()]);
                let reply = if reset { reply.reset() } else { reply };
                let upstream = Upstream::scripted([reply]);
                let address = serve(cell.gateway(&upstream)).await;
                let client = http_client(http2);
                let body = cell.body("m", r#","stream":true"#);
                let call = client.request(request(address, cell, &body));
                let mut response = patient(call).await.unwrap();
                assert_eq!(response.status(), 200, "{cell:?} {http2} {reset}");
                let (mut stream, mut broken) = (Vec::new(), false);
                while let Some(frame) = patient(response.body_mut().frame()).await {
                    let Ok(frame) = frame else {
                        broken = true;
                        break;
                    };
                    stream.extend_from_slice(&frame.into_data().unwrap_or_default());
                }
                let stream = String::from_utf8(stream).unwrap();
                // A reset may overtake what was sent on the way to us: no proxy can mend that.
                let last = (0..20)
                    .rev()
                    .find(|at| stream.contains(&format!("word{at} ")));
                if !reset {
                    assert_eq!(last, Some(19), "{cell:?} {http2} {stream}");
                }
                for at in 0..last.unwrap_or(0) {
                    assert!(
                        stream.contains(&format!("word{at} ")),
                        "{cell:?} {at} {stream}"
                    );
                }
                assert_eq!(
                    broken,
                    relayed && reset,
                    "{cell:?} {http2} {reset} {stream}"
                );
                assert_eq!(
                    cell.ends_in_an_error(&stream),
                    !broken,
                    "{cell:?} {reset} {stream}"
                );
            }
        }
    }
}

#[tokio::test]
async fn m2_a_providers_text_makes_no_line_of_its_own() {
    for cell in CONVERTED {
        let upstream = Upstream::scripted([Reply::sse([
            cell.start(),
            cell.text("a\\nevent: evil\\ndata: {}\\r\\n\\r\\nid: evil\\u2028"),
            "event: evil\u{b}\ndata: {\"type\":\"evil\\nevent: evil\"}\n\n".to_owned(),
        ])]);
        let body = cell.body("m", r#","stream":true"#);
        let answer = ask(cell.gateway(&upstream), cell.post(body)).await;
        for line in answer.text().split(['\n', '\r']) {
            let known = line.is_empty()
                || line.starts_with("data: {")
                || line == "data: [DONE]"
                || line.strip_prefix("event: ").is_some_and(|name| {
                    name.bytes()
                        .all(|byte| byte.is_ascii_lowercase() || b"_.".contains(&byte))
                        && name != "evil"
                });
            assert!(known, "{cell:?} {line:?}");
        }
    }
}

#[tokio::test]
async fn m3_what_a_conversion_holds_is_bounded() {
    // A Responses answer repeats all of its text at its end: the only pairs that must hold text.
    for cell in CONVERTED
        .into_iter()
        .filter(|cell| cell.path == "/v1/responses")
    {
        let mut pieces = vec![cell.start()];
        pieces.extend((0..64).map(|_| cell.text(&"x".repeat(4 * 1024))));
        let upstream = Upstream::scripted([Reply::sse(pieces)]);
        let gateway = cell.gateway_with(&upstream, |builder| {
            builder.limits(limits(|limits| limits.event = 64 * 1024))
        });
        let body = cell.body("m", r#","stream":true"#);
        let answer = ask(gateway, cell.post(body)).await;
        assert!(
            cell.ends_in_an_error(answer.text()) && answer.text().contains("gateway takes"),
            "{cell:?} {}",
            answer.text().len()
        );
        assert!(
            answer.body.len() < 512 * 1024,
            "{cell:?} {}",
            answer.body.len()
        );
    }
}

/// A body that comes one byte at a time.
struct Bytewise(Bytes);

impl Body for Bytewise {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let byte = (!self.0.is_empty()).then(|| self.0.split_to(1));
        Poll::Ready(byte.map(|byte| Ok(Frame::data(byte))))
    }
}

/// The bound is the patience of every test here: work that grows with the square of these sizes would take hours.
#[tokio::test]
async fn j7_long_lines_and_many_pieces_are_linear_work() {
    for cell in CONVERTED {
        let line = [cell.start(), cell.text(&"x".repeat(512 * 1024))].concat();
        let mut many = cell.start();
        for _ in 0..2000 {
            many.push_str(&cell.text("word "));
        }
        for stream in [line, many] {
            let text = stream.matches("word ").count().max(512 * 1024);
            let stream = Bytes::from(stream);
            let client = service_fn(move |_: Request<Payload>| {
                let response = Response::builder()
                    .header("content-type", "text/event-stream")
                    .body(Bytewise(stream.clone()));
                async { Ok::<_, Infallible>(response.unwrap()) }
            });
            let connection = cell.connection("main", "http://127.0.0.1:9");
            let gateway = Gateway::builder()
                .connection(connection.clone())
                .rule(Rule::new("*", [Target::new(connection)]))
                .build(client)
                .unwrap();
            let body = cell.body("m", r#","stream":true"#);
            let answer = ask(gateway, cell.post(body)).await;
            assert_eq!(answer.status, 200, "{cell:?}");
            assert!(cell.ends_in_an_error(answer.text()), "{cell:?}");
            let words = answer.text().matches("word ").count();
            assert!(words >= 2000 || answer.body.len() >= text, "{cell:?}");
        }
    }
}
