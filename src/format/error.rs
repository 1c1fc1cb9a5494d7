//! Errors in the three formats that clients speak.

use std::borrow::Cow;

use bytes::{BufMut, Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{Response, StatusCode};

use crate::body::Payload;
use crate::codec::write::Object;
use crate::endpoint::Format;
use crate::headers::JSON;

/// An error as a client sees it, in the vocabulary of the client's own format.
///
/// `kind` is `error.type` in all three formats. `code` and `param` exist in the OpenAI formats only and are not written for
/// Messages clients. Sources: OpenAI's `ErrorObject` schema, Anthropic's `ErrorResponse` type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientError {
    pub(crate) status: StatusCode,
    pub(crate) kind: Cow<'static, str>,
    pub(crate) code: Option<Cow<'static, str>>,
    pub(crate) param: Option<Cow<'static, str>>,
    pub(crate) message: Cow<'static, str>,
}

/// What went wrong, where the gateway itself says so; each client format has its own words for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The request is not what the endpoint takes.
    Invalid,
    /// A field that the chosen target cannot express.
    Unsupported,
    /// No or a wrong client key.
    Unauthorized,
    /// No such model.
    ModelNotFound,
    /// No such path.
    NotFound,
    /// The path does not take this method.
    MethodNotAllowed,
    /// The body is over the limit.
    TooLarge,
    /// The body is compressed, which the gateway does not take.
    ContentEncoding,
    /// The client did not send its body in time.
    RequestTimeout,
    /// The client stopped sending its body.
    RequestAborted,
    /// The provider could not be reached, or sent what cannot be understood.
    BadGateway,
    /// The provider did not answer in time.
    Timeout,
    /// The provider's stream ended before it was complete.
    StreamEnded,
    /// An `Upgrade` to another protocol, which the gateway does not speak.
    UpgradeRequired,
    /// No target has capacity left for the call.
    RateLimited,
    /// The gateway stops.
    Stopping,
    /// A defect of the gateway.
    Internal,
}

impl ClientError {
    /// An error that the gateway itself raises, in the words of `format`.
    pub(crate) fn gateway(
        format: Format,
        fault: Fault,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        let (status, openai_kind, code, anthropic_kind) = fault.words();
        let (kind, code) = match format {
            Format::Chat | Format::Responses => (openai_kind, code.map(Cow::Borrowed)),
            Format::Messages => (anthropic_kind, None),
        };
        Self {
            status,
            kind: Cow::Borrowed(kind),
            code,
            param: None,
            message: message.into(),
        }
    }

    /// The same error, naming the field that it is about.
    pub(crate) fn with_param(mut self, param: impl Into<Cow<'static, str>>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// The error as the body of an answer.
    pub(crate) fn to_json(&self, format: Format, request_id: Option<&str>) -> Bytes {
        let mut out = BytesMut::with_capacity(self.message.len() + 160);
        match format {
            Format::Chat | Format::Responses => {
                let mut object = Object::begin(&mut out);
                self.write_openai(&mut object);
                object.end();
            }
            Format::Messages => {
                let mut object = Object::begin(&mut out);
                self.write_anthropic(&self.kind, &mut object);
                match request_id {
                    Some(id) => object.string("request_id", id),
                    None => object.raw("request_id", "null"),
                };
                object.end();
            }
        }
        out.freeze()
    }

    /// The error as an answer of its own, where no call has an id yet.
    pub(crate) fn to_response(&self, format: Format) -> Response<Payload> {
        let mut response = Response::new(Payload::new(self.to_json(format, None)));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, JSON);
        response
    }

    /// The error as the last event of a stream.
    ///
    /// Responses streams end with an `error` event (OpenAI's `ResponseErrorEvent`), whose `sequence_number` the caller
    /// gives; the others have no use for it.
    pub(crate) fn write_event(&self, format: Format, sequence_number: u64, out: &mut BytesMut) {
        match format {
            Format::Chat => {
                out.extend_from_slice(b"data: ");
                let mut object = Object::begin(out);
                self.write_openai(&mut object);
                object.end();
            }
            Format::Responses => {
                out.extend_from_slice(b"event: error\ndata: ");
                let mut object = Object::begin(out);
                object
                    .string("type", "error")
                    .uint("sequence_number", sequence_number);
                self.write_openai_members(&mut object, false);
                object.end();
            }
            Format::Messages => {
                out.extend_from_slice(b"event: error\ndata: ");
                let mut object = Object::begin(out);
                self.write_anthropic(self.kind_in_stream(), &mut object);
                object.end();
            }
        }
        out.put_slice(b"\n\n");
    }

    fn write_openai(&self, object: &mut Object<'_>) {
        let mut error = object.object("error");
        self.write_openai_members(&mut error, true);
        error.end();
    }

    fn write_openai_members(&self, error: &mut Object<'_>, with_kind: bool) {
        error.string("message", &self.message);
        if with_kind {
            error.string("type", &self.kind);
        }
        for (key, value) in [("param", &self.param), ("code", &self.code)] {
            match value {
                Some(value) => error.string(key, value),
                None => error.raw(key, "null"),
            };
        }
    }

    /// `error.type` of the event that ends a Messages stream.
    ///
    /// Anthropic counts requests before it answers, so what it documents for a stream that ends for want of capacity is
    /// `overloaded_error` (its page on streaming, "Error events"). Claude Code goes on with its turn after that one, and gives
    /// up after a `rate_limit_error`, which other providers have in the middle of streams too.
    fn kind_in_stream(&self) -> &str {
        match &*self.kind {
            "rate_limit_error" => "overloaded_error",
            kind => kind,
        }
    }

    fn write_anthropic(&self, kind: &str, object: &mut Object<'_>) {
        object.string("type", "error");
        let mut error = object.object("error");
        error.string("type", kind);
        // Messages has no member for the field at fault: it stands in the message, as Anthropic writes it.
        match &self.param {
            Some(param) if !param.is_empty() && !self.message.contains(&**param) => {
                error.string("message", &format!("{param}: {}", self.message))
            }
            _ => error.string("message", &self.message),
        };
        error.end();
    }
}

impl Fault {
    /// Status; `type` and `code` for the OpenAI formats; `type` for Messages.
    fn words(self) -> (StatusCode, &'static str, Option<&'static str>, &'static str) {
        const INVALID: &str = "invalid_request_error";
        match self {
            Self::Invalid => (
                StatusCode::BAD_REQUEST,
                INVALID,
                Some("invalid_value"),
                INVALID,
            ),
            Self::Unsupported => (
                StatusCode::BAD_REQUEST,
                INVALID,
                Some("unsupported_parameter"),
                INVALID,
            ),
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                INVALID,
                Some("invalid_api_key"),
                "authentication_error",
            ),
            Self::ModelNotFound => (
                StatusCode::NOT_FOUND,
                INVALID,
                Some("model_not_found"),
                "not_found_error",
            ),
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                INVALID,
                Some("not_found"),
                "not_found_error",
            ),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                INVALID,
                Some("method_not_allowed"),
                INVALID,
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                INVALID,
                Some("request_too_large"),
                "request_too_large",
            ),
            Self::ContentEncoding => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                INVALID,
                Some("unsupported_content_encoding"),
                INVALID,
            ),
            Self::RequestTimeout => (
                StatusCode::REQUEST_TIMEOUT,
                INVALID,
                Some("request_timeout"),
                "timeout_error",
            ),
            Self::RequestAborted => (
                StatusCode::BAD_REQUEST,
                INVALID,
                Some("request_aborted"),
                INVALID,
            ),
            Self::BadGateway => (
                StatusCode::BAD_GATEWAY,
                "server_error",
                Some("upstream_error"),
                "api_error",
            ),
            Self::Timeout => (
                StatusCode::GATEWAY_TIMEOUT,
                "server_error",
                Some("timeout"),
                "timeout_error",
            ),
            Self::StreamEnded => (
                StatusCode::BAD_GATEWAY,
                "server_error",
                Some("upstream_stream_ended"),
                "api_error",
            ),
            Self::UpgradeRequired => (
                StatusCode::UPGRADE_REQUIRED,
                INVALID,
                Some("upgrade_not_supported"),
                INVALID,
            ),
            Self::RateLimited => (
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limit_error",
                Some("rate_limit_exceeded"),
                "rate_limit_error",
            ),
            Self::Stopping => (
                StatusCode::SERVICE_UNAVAILABLE,
                "server_error",
                Some("gateway_stopping"),
                "api_error",
            ),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "server_error",
                Some("internal_error"),
                "api_error",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error() -> ClientError {
        ClientError::gateway(Format::Chat, Fault::Unsupported, "no \"n\" here").with_param("n")
    }

    #[test]
    fn openai_bodies_have_all_four_members() {
        let json = error().to_json(Format::Chat, None);
        assert_eq!(
            json,
            r#"{"error":{"message":"no \"n\" here","type":"invalid_request_error","param":"n","code":"unsupported_parameter"}}"#
        );
    }

    #[test]
    fn messages_bodies_carry_the_request_id() {
        let error = ClientError::gateway(Format::Messages, Fault::ModelNotFound, "model: x");
        assert_eq!(error.status, StatusCode::NOT_FOUND);
        assert_eq!(
            error.to_json(Format::Messages, Some("req_1")),
            r#"{"type":"error","error":{"type":"not_found_error","message":"model: x"},"request_id":"req_1"}"#
        );
    }

    #[test]
    fn messages_bodies_name_the_field_in_the_message() {
        let told = |message: &'static str| {
            let error = ClientError::gateway(Format::Messages, Fault::Invalid, message);
            let json = error.with_param("top_k").to_json(Format::Messages, None);
            String::from_utf8(json.to_vec()).unwrap()
        };
        assert!(told("not taken here").contains(r#""message":"top_k: not taken here""#));
        assert!(told("`top_k` is not taken").contains(r#""message":"`top_k` is not taken""#));
    }

    #[test]
    fn events() {
        let mut out = BytesMut::new();
        error().write_event(Format::Responses, 7, &mut out);
        assert_eq!(
            out,
            "event: error\ndata: {\"type\":\"error\",\"sequence_number\":7,\"message\":\"no \\\"n\\\" here\",\"param\":\"n\",\"code\":\"unsupported_parameter\"}\n\n"
        );
    }
}
