//! Asking a Chat stream for its usage where the client did not (`options.inject_usage`).

use crate::call::Call;
use crate::convert::report::LossReport;
use crate::defaults::{Insertion, find, put};
use crate::endpoint::Endpoint;
use crate::target::Target;

/// What is put into the request; `None` where nobody wants that, the client asks itself, or the provider needs no asking.
pub(super) fn insertion(
    call: &Call,
    target: &Target,
    report: &mut LossReport,
) -> Option<Insertion> {
    let wanted = target.merged_options().inject_usage == Some(true);
    if !wanted || !call.stream || call.endpoint != Endpoint::Chat {
        return None;
    }
    let profile = target.connection().provider().spec().chat;
    if profile.is_some_and(|profile| !profile.stream_options) {
        return None;
    }
    let insertion = ask(call.body.bytes())?;
    report.approximate("stream_options.include_usage");
    Some(insertion)
}

/// The edit that asks; `None` where the client does, or where `stream_options` is something else than an object: that is the
/// provider's to refuse.
fn ask(body: &[u8]) -> Option<Insertion> {
    let whole = 0..body.len();
    let Some(options) = find(body, &whole, "stream_options") else {
        return put(body, &whole, "stream_options", "{\"include_usage\":true}");
    };
    let said = find(body, &options, "include_usage").and_then(|span| body.get(span));
    match said {
        None | Some(b"false") => put(body, &options, "include_usage", "true"),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::codec::splice::splice;

    #[test]
    fn only_who_did_not_ask_is_asked_for() {
        for (body, expected) in [
            (
                r#" { "stream":true}"#,
                r#" {"stream_options":{"include_usage":true}, "stream":true}"#,
            ),
            (
                r#"{"stream":true, "stream_options" : null}"#,
                r#"{"stream":true, "stream_options" : {"include_usage":true}}"#,
            ),
            (
                r#"{"stream_options":{ }}"#,
                r#"{"stream_options":{"include_usage":true }}"#,
            ),
            (
                r#"{"stream_options":{"include_obfuscation":false}}"#,
                r#"{"stream_options":{"include_usage":true,"include_obfuscation":false}}"#,
            ),
            (
                r#"{"stream_options":{"a":1,"include_usage":false}}"#,
                r#"{"stream_options":{"a":1,"include_usage":true}}"#,
            ),
            (
                r#"{"stream_options":{"include_usage":null}}"#,
                r#"{"stream_options":{"include_usage":true}}"#,
            ),
            (
                r#"{"x":{"stream_options":{"include_usage":true}}}"#,
                r#"{"stream_options":{"include_usage":true},"x":{"stream_options":{"include_usage":true}}}"#,
            ),
            (r#"{"stream_options":{"include_usage":true}}"#, ""),
            (r#"{"stream_options":{"include_usage":"yes"}}"#, ""),
            (r#"{"stream_options":[]}"#, ""),
            (r#"{"stream_options":"x"}"#, ""),
        ] {
            let insertion = ask(body.as_bytes());
            let found = insertion.map(|insertion| {
                let body = Bytes::from_static(body.as_bytes());
                splice(&body, &[insertion.edit()]).unwrap()
            });
            assert_eq!(found.unwrap_or_default(), expected, "{body}");
        }
    }
}
