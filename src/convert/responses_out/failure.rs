//! The codes of failed responses: these are other ones than those of error objects.

use crate::format::error::ClientError;

/// The code of a failed response; OpenAI's `ResponseError` knows these only.
pub(crate) fn failure_code(error: &ClientError) -> &'static str {
    match (&*error.kind, error.status.as_u16()) {
        ("rate_limit_error", _) => "rate_limit_exceeded",
        ("invalid_request_error", 400) => "invalid_prompt",
        _ => "server_error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::anthropic_error::convert_event;

    #[test]
    fn failure_codes() {
        for (kind, code) in [
            ("rate_limit_error", "rate_limit_exceeded"),
            ("invalid_request_error", "invalid_prompt"),
            ("authentication_error", "server_error"),
            ("overloaded_error", "server_error"),
            ("api_error", "server_error"),
            ("never_heard_of", "server_error"),
        ] {
            let raw = format!(r#"{{"type":"{kind}","message":"m"}}"#);
            let event = convert_event(Some(serde_json::from_str(&raw).unwrap()));
            assert_eq!(failure_code(&event.error), code, "{kind}");
        }
    }
}
