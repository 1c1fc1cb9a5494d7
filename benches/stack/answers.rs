//! What clients ask and what providers answer: about 1.7 KB and 1 KB, and streams of two hundred events.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use tower_llm_gateway::codec::event_stream::encode_event;

/// Events of a stream that carry text.
pub(crate) const EVENTS: usize = 200;

/// A provider's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Chat,
    Responses,
    Messages,
    Converse,
    Gemini,
    /// Messages on Bedrock's InvokeModel.
    Invoke,
}

impl Format {
    pub(crate) fn of_path(path: &str) -> Self {
        if path.contains("/invoke") {
            Self::Invoke
        } else if path.contains("/model/") {
            Self::Converse
        } else if path.contains("enerateContent") {
            Self::Gemini
        } else if path.ends_with("/messages") {
            Self::Messages
        } else if path.ends_with("/responses") {
            Self::Responses
        } else {
            Self::Chat
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Chat => "Chat",
            Self::Responses => "Responses",
            Self::Messages => "Messages",
            Self::Converse => "Converse",
            Self::Gemini => "Gemini",
            Self::Invoke => "InvokeModel",
        }
    }

    /// The media type of its streams.
    pub(crate) fn stream_type(self) -> &'static str {
        match self {
            Self::Converse | Self::Invoke => "application/vnd.amazon.eventstream",
            _ => "text/event-stream",
        }
    }
}

fn words(count: usize) -> String {
    "The quick brown fox jumps over the lazy dog. "
        .chars()
        .cycle()
        .take(count)
        .collect()
}

/// A request of about 1.7 KB, or with a text of `extra` bytes more, in a client's format; with a function, or with a web search,
/// for which Gemini's native API is needed.
pub(crate) fn request(
    client: Format,
    model: &str,
    stream: bool,
    extra: usize,
    search: bool,
) -> Bytes {
    let (system, question) = (words(700), words(700 + extra));
    let schema = r#"{"type":"object","properties":{"city":{"type":"string","description":"The city"}},"required":["city"]}"#;
    let function = format!(
        r#""name":"get_weather","description":"Looks up the weather","parameters":{schema}"#
    );
    let tool = match (client, search) {
        (Format::Messages, true) => r#"{"type":"web_search_20250305","name":"web_search"}"#.into(),
        (Format::Messages, false) => format!(
            r#"{{"name":"get_weather","description":"Looks up the weather","input_schema":{schema}}}"#
        ),
        (Format::Responses, true) => r#"{"type":"web_search"}"#.into(),
        (Format::Responses, false) => format!(r#"{{"type":"function",{function},"strict":false}}"#),
        (_, true) => r#"{"googleSearch":{}}"#.into(),
        (_, false) => format!(r#"{{"type":"function","function":{{{function}}}}}"#),
    };
    let body = match client {
        Format::Messages => format!(
            r#"{{"model":"{model}","max_tokens":1024,"stream":{stream},"system":"{system}","messages":[{{"role":"user","content":"{question}"}}],"tools":[{tool}]}}"#
        ),
        Format::Responses => format!(
            r#"{{"model":"{model}","stream":{stream},"store":false,"instructions":"{system}","input":[{{"role":"user","content":"{question}"}}],"tools":[{tool}]}}"#
        ),
        _ => format!(
            r#"{{"model":"{model}","stream":{stream},"messages":[{{"role":"system","content":"{system}"}},{{"role":"user","content":"{question}"}}],"tools":[{tool}]}}"#
        ),
    };
    Bytes::from(body)
}

/// A whole answer.
pub(crate) fn whole(format: Format) -> Bytes {
    let text = words(700);
    Bytes::from(match format {
        Format::Chat => format!(
            r#"{{"id":"chatcmpl-1","object":"chat.completion","created":1790000000,"model":"m","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}","refusal":null}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":300,"completion_tokens":150,"total_tokens":450}}}}"#
        ),
        Format::Responses => format!(
            r#"{{"id":"resp_1","object":"response","created_at":1790000000,"status":"completed","error":null,"incomplete_details":null,"model":"m","output":[{{"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[{{"type":"output_text","text":"{text}","annotations":[]}}]}}],"usage":{{"input_tokens":300,"input_tokens_details":{{"cached_tokens":0}},"output_tokens":150,"output_tokens_details":{{"reasoning_tokens":0}},"total_tokens":450}}}}"#
        ),
        Format::Messages | Format::Invoke => format!(
            r#"{{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{{"type":"text","text":"{text}"}}],"stop_reason":"end_turn","stop_sequence":null,"usage":{{"input_tokens":300,"output_tokens":150}}}}"#
        ),
        Format::Converse => format!(
            r#"{{"output":{{"message":{{"role":"assistant","content":[{{"text":"{text}"}}]}}}},"stopReason":"end_turn","usage":{{"inputTokens":300,"outputTokens":150,"totalTokens":450}},"metrics":{{"latencyMs":1000}}}}"#
        ),
        Format::Gemini => format!(
            r#"{{"candidates":[{{"content":{{"role":"model","parts":[{{"text":"{text}"}}]}},"finishReason":"STOP","index":0}}],"usageMetadata":{{"promptTokenCount":300,"candidatesTokenCount":150,"totalTokenCount":450}},"modelVersion":"m","responseId":"r"}}"#
        ),
    })
}

/// A stream's events: its beginning, one that carries text, its end.
pub(crate) struct Events {
    pub(crate) head: Bytes,
    pub(crate) text: Bytes,
    pub(crate) tail: Bytes,
}

/// The events of a stream.
pub(crate) fn events(format: Format) -> Events {
    let sse = |events: &[(&str, &str)]| -> Bytes {
        let mut text = String::new();
        for (name, data) in events {
            if !name.is_empty() {
                text.push_str(&format!("event: {name}\n"));
            }
            text.push_str(&format!("data: {data}\n\n"));
        }
        Bytes::from(text)
    };
    match format {
        Format::Chat => {
            let chunk = |delta: &str, rest: &str| {
                format!(
                    r#"{{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1790000000,"model":"m","choices":[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{rest}}}]}}"#
                )
            };
            Events {
                head: sse(&[("", &chunk(r#"{"role":"assistant","content":""}"#, "null"))]),
                text: sse(&[("", &chunk(r#"{"content":" jumps over"}"#, "null"))]),
                tail: sse(&[
                    ("", &chunk("{}", "\"stop\"")),
                    (
                        "",
                        r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1790000000,"model":"m","choices":[],"usage":{"prompt_tokens":300,"completion_tokens":200,"total_tokens":500}}"#,
                    ),
                    ("", "[DONE]"),
                ]),
            }
        }
        Format::Responses => Events {
            head: sse(&[
                (
                    "response.created",
                    r#"{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","created_at":1790000000,"status":"in_progress","model":"m","output":[],"usage":null}}"#,
                ),
                (
                    "response.output_item.added",
                    r#"{"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"type":"message","id":"msg_1","status":"in_progress","role":"assistant","content":[]}}"#,
                ),
                (
                    "response.content_part.added",
                    r#"{"type":"response.content_part.added","sequence_number":2,"item_id":"msg_1","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}"#,
                ),
            ]),
            text: sse(&[(
                "response.output_text.delta",
                r#"{"type":"response.output_text.delta","sequence_number":3,"item_id":"msg_1","output_index":0,"content_index":0,"delta":" jumps over","logprobs":[]}"#,
            )]),
            tail: sse(&[
                (
                    "response.output_item.done",
                    r#"{"type":"response.output_item.done","sequence_number":203,"output_index":0,"item":{"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"","annotations":[]}]}}"#,
                ),
                (
                    "response.completed",
                    r#"{"type":"response.completed","sequence_number":204,"response":{"id":"resp_1","object":"response","created_at":1790000000,"status":"completed","model":"m","output":[],"usage":{"input_tokens":300,"input_tokens_details":{"cached_tokens":0},"output_tokens":200,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":500}}}"#,
                ),
            ]),
        },
        Format::Messages => Events {
            head: sse(&[
                (
                    "message_start",
                    r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":300,"output_tokens":1}}}"#,
                ),
                (
                    "content_block_start",
                    r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
                ),
            ]),
            text: sse(&[(
                "content_block_delta",
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" jumps over"}}"#,
            )]),
            tail: sse(&[
                (
                    "content_block_stop",
                    r#"{"type":"content_block_stop","index":0}"#,
                ),
                (
                    "message_delta",
                    r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":200}}"#,
                ),
                ("message_stop", r#"{"type":"message_stop"}"#),
            ]),
        },
        Format::Converse => {
            let frames = |events: &[(&str, &str)]| {
                let mut wire = BytesMut::new();
                for (name, payload) in events {
                    encode_event(name, payload.as_bytes(), &mut wire).expect("a small frame");
                }
                wire.freeze()
            };
            Events {
                head: frames(&[("messageStart", r#"{"role":"assistant","p":"abcdefgh"}"#)]),
                text: frames(&[(
                    "contentBlockDelta",
                    r#"{"contentBlockIndex":0,"delta":{"text":" jumps over"},"p":"abcdefgh"}"#,
                )]),
                tail: frames(&[
                    ("contentBlockStop", r#"{"contentBlockIndex":0,"p":"abc"}"#),
                    ("messageStop", r#"{"stopReason":"end_turn","p":"abc"}"#),
                    (
                        "metadata",
                        r#"{"usage":{"inputTokens":300,"outputTokens":200,"totalTokens":500},"metrics":{"latencyMs":1000},"p":"abc"}"#,
                    ),
                ]),
            }
        }
        Format::Invoke => {
            let chunks = |stream: &Bytes| {
                let mut wire = BytesMut::new();
                let text = std::str::from_utf8(stream).expect("text");
                for data in text.lines().filter_map(|line| line.strip_prefix("data: ")) {
                    let payload =
                        format!(r#"{{"bytes":"{}","p":"abcdef"}}"#, STANDARD.encode(data));
                    encode_event("chunk", payload.as_bytes(), &mut wire).expect("a small frame");
                }
                wire.freeze()
            };
            let Events { head, text, tail } = events(Format::Messages);
            Events {
                head: chunks(&head),
                text: chunks(&text),
                tail: chunks(&tail),
            }
        }
        Format::Gemini => Events {
            head: Bytes::new(),
            text: sse(&[(
                "",
                r#"{"candidates":[{"content":{"role":"model","parts":[{"text":" jumps over"}]},"index":0}],"modelVersion":"m","responseId":"r"}"#,
            )]),
            tail: sse(&[(
                "",
                r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"."}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":300,"candidatesTokenCount":200,"totalTokenCount":500},"modelVersion":"m","responseId":"r"}"#,
            )]),
        },
    }
}
