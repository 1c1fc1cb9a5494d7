//! The formats of providers: which request is in which, and what errors and streams look like there.

use serde_json::{Value, json};

use super::super::frame;
use super::super::http1::Recorded;
use super::super::reply::Reply;

/// The dialect of a request, by its path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Chat,
    Responses,
    Messages,
    /// Messages behind AWS Bedrock's InvokeModel.
    Invoke,
    Converse,
    /// Gemini's own.
    Gemini,
}

impl Dialect {
    /// The dialect, and whether the answer is to be a stream.
    pub(super) fn of(request: &Recorded) -> Option<(Self, bool)> {
        let path = request.path();
        let by_path = [
            ("/converse", Self::Converse, false),
            ("/converse-stream", Self::Converse, true),
            ("/invoke", Self::Invoke, false),
            ("/invoke-with-response-stream", Self::Invoke, true),
            (":generateContent", Self::Gemini, false),
            (":streamGenerateContent", Self::Gemini, true),
        ];
        let found = by_path.iter().find(|(end, ..)| path.ends_with(end));
        if let Some((_, dialect, streams)) = found {
            return Some((*dialect, *streams));
        }
        let dialect = match path {
            path if path.ends_with("/chat/completions") => Self::Chat,
            path if path.ends_with("/responses") => Self::Responses,
            path if path.ends_with("/messages") => Self::Messages,
            _ => return None,
        };
        Some((dialect, request.json()["stream"] == json!(true)))
    }

    /// The model that is asked for.
    pub(super) fn model(self, request: &Recorded, body: &Value) -> String {
        let segment = match self {
            Self::Chat | Self::Responses | Self::Messages => {
                return body["model"].as_str().unwrap_or_default().to_owned();
            }
            Self::Invoke | Self::Converse => request.path().rsplit('/').nth(1),
            Self::Gemini => request.path().rsplit('/').next(),
        };
        let segment = segment.unwrap_or_default().replace("%3A", ":");
        match self {
            Self::Gemini => segment.split(':').next().unwrap_or_default().to_owned(),
            _ => segment,
        }
    }

    /// Whether streams are messages of AWS.
    pub(super) fn is_framed(self) -> bool {
        matches!(self, Self::Invoke | Self::Converse)
    }

    /// A stream of these events.
    pub(super) fn stream(self, events: Vec<Vec<u8>>) -> Reply {
        if self.is_framed() {
            return Reply::stream(frame::MEDIA, events)
                .header("x-amzn-requestid", "req_scripted")
                .header("x-amzn-bedrock-content-type", "application/json");
        }
        Reply::sse(events)
    }

    /// The event that says that it failed.
    pub(super) fn failure(self) -> Vec<u8> {
        let text = match self {
            Self::Chat => {
                "data: {\"error\":{\"message\":\"Overloaded\",\"type\":\"server_error\",\"param\":null,\"code\":\"overloaded\"}}\n\n"
            }
            Self::Responses => {
                "event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"Overloaded\",\"param\":null,\"sequence_number\":9}\n\n"
            }
            Self::Messages => {
                "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n"
            }
            Self::Gemini => {
                "data: {\"error\":{\"code\":503,\"message\":\"Overloaded\",\"status\":\"UNAVAILABLE\"}}\r\n\r\n"
            }
            Self::Invoke | Self::Converse => {
                return frame::exception(
                    "serviceUnavailableException",
                    &json!({"message": "Overloaded"}),
                );
            }
        };
        text.as_bytes().to_vec()
    }

    /// An error response; `kind` is Anthropic's.
    pub(super) fn error(self, status: u16, kind: &str, message: &str) -> Reply {
        let body = match self {
            Self::Messages => {
                json!({"type":"error","error":{"type":kind,"message":message},"request_id":"req_scripted"})
            }
            Self::Chat | Self::Responses => {
                let (kind, code) = match kind {
                    "authentication_error" => ("invalid_request_error", Some("invalid_api_key")),
                    "not_found_error" => ("invalid_request_error", Some("model_not_found")),
                    "rate_limit_error" => ("requests", Some("rate_limit_exceeded")),
                    "overloaded_error" => ("server_error", Some("overloaded")),
                    other => (other, None),
                };
                json!({"error":{"message":message,"type":kind,"param":null,"code":code}})
            }
            Self::Gemini => {
                let status_name = match kind {
                    "authentication_error" => "UNAUTHENTICATED",
                    "not_found_error" => "NOT_FOUND",
                    "rate_limit_error" => "RESOURCE_EXHAUSTED",
                    "overloaded_error" => "UNAVAILABLE",
                    "permission_error" => "PERMISSION_DENIED",
                    "api_error" => "INTERNAL",
                    _ => "INVALID_ARGUMENT",
                };
                json!({"error":{"code":status,"message":message,"status":status_name}})
            }
            Self::Invoke | Self::Converse => {
                let (status, name) = match kind {
                    "authentication_error" => (403, "UnrecognizedClientException"),
                    "permission_error" => (403, "AccessDeniedException"),
                    "not_found_error" => (404, "ResourceNotFoundException"),
                    "request_too_large" => (413, "RequestEntityTooLargeException"),
                    "rate_limit_error" => (429, "ThrottlingException"),
                    "api_error" => (500, "InternalServerException"),
                    "overloaded_error" => (503, "ServiceUnavailableException"),
                    _ => (400, "ValidationException"),
                };
                return Reply::json(status, json!({ "message": message }).to_string())
                    .header("x-amzn-requestid", "req_scripted")
                    .header(
                        "x-amzn-errortype",
                        &format!("{name}:http://internal.amazon.com/coral/com.amazon.bedrock/"),
                    );
            }
        };
        Reply::json(status, body.to_string())
    }
}
