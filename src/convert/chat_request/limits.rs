//! The limit of output tokens.

use serde_json::value::RawValue;

use crate::convert::report::LossReport;
use crate::format::chat::request::Request;

/// The number of output tokens that the client asks for, and the field in which it does: the newer of the two is what it means.
pub(in crate::convert) fn max_tokens<'a>(
    request: &Request<'a>,
    report: &mut LossReport,
) -> (&'static str, Option<&'a RawValue>) {
    match (request.max_completion_tokens, request.max_tokens) {
        (Some(newer), older) => {
            if older.is_some_and(|older| older.get() != newer.get()) {
                report.drop_field("max_tokens");
            }
            ("max_completion_tokens", Some(newer))
        }
        (None, older) => ("max_tokens", older),
    }
}
