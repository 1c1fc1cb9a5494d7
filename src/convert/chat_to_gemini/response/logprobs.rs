//! How likely the tokens were.

use bytes::BytesMut;
use serde_json::value::RawValue;

use crate::codec::write::{self, Array, Object};
use crate::format::gemini::{Candidate, LogProb, LogProbs};
use crate::format::raw::RawStr;
use crate::format::view::object_in;

/// Writes a choice's `logprobs`; tells whether there are any.
pub(in super::super) fn write(out: &mut BytesMut, candidate: &Candidate<'_>) -> bool {
    let result: Option<LogProbs<'_>> = candidate
        .logprobs_result
        .and_then(|result| object_in(result.get()));
    let Some(result) = result else {
        out.extend_from_slice(b"null");
        return false;
    };
    let mut logprobs = Object::begin(out);
    let mut content = logprobs.array("content");
    for (chosen, top) in result.tokens() {
        let mut token = content.object();
        write_token(&mut token, &chosen);
        let mut list = token.array("top_logprobs");
        for other in top {
            let mut token = list.object();
            write_token(&mut token, &other);
            token.end();
        }
        list.end();
        token.end();
    }
    content.end();
    logprobs.raw("refusal", "null");
    logprobs.end();
    true
}

fn write_token(token: &mut Object<'_>, found: &LogProb<'_>) {
    let text = found.token.get().map(RawStr::decode).unwrap_or_default();
    let logprob = found.log_probability.map(RawValue::get);
    token
        .string("token", &text)
        .raw("logprob", logprob.filter(|n| *n != "null").unwrap_or("0"));
    write_bytes(token.array("bytes"), &text);
}

fn write_bytes(mut list: Array<'_>, text: &str) {
    for byte in text.bytes() {
        write::uint(list.element(), byte.into());
    }
    list.end();
}
