//! Whole answers, which are Anthropic's own.

use bytes::Bytes;

use crate::convert::bedrock_error;
use crate::convert::context::ConvertedAnswer;
use crate::convert::passthrough::answer_usage;
use crate::endpoint::Format;
use crate::format::error::ClientError;

/// Passes a whole answer on.
///
/// # Errors
/// It is none, in spite of its status.
pub(crate) fn convert(body: &[u8]) -> Result<ConvertedAnswer, ClientError> {
    match bedrock_error::in_success(body, Format::Messages) {
        Some(error) => Err(error),
        None => Ok(ConvertedAnswer {
            body: Bytes::copy_from_slice(body),
            usage: answer_usage(Format::Messages, body),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_pass_as_they_are() {
        let body = br#"{ "type":"message", "content":[], "usage":{"input_tokens":3,"output_tokens":4}, "new":1 }"#;
        let answer = convert(body).unwrap();
        assert_eq!(answer.body, &body[..]);
        assert_eq!(
            (answer.usage.input, answer.usage.output),
            (Some(3), Some(4))
        );
        let unknown = br#"{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}"#;
        assert_eq!(convert(unknown).unwrap_err().status, 502);
    }
}
