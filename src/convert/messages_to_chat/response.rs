//! Whole answers: Chat completion → message.

use bytes::BytesMut;
use serde_json::value::RawValue;

use super::closing;
use super::ids::CallIds;
use super::search::{cited, searches};
use super::state::State;
use crate::codec::write::Object;
use crate::convert::chat_in::{Whole, WholeCall};
use crate::convert::context::{AnswerContext, ConvertedAnswer};
use crate::convert::messages_out::blocks::{self, Citations, Content};
use crate::convert::messages_out::write_plain_message;
use crate::format::error::ClientError;
use crate::format::raw::RawStr;

/// Converts a whole answer.
///
/// # Errors
/// It is no completion, or an error sent with a success status.
pub(crate) fn convert(
    body: &[u8],
    state: &State,
    cx: AnswerContext,
) -> Result<ConvertedAnswer, ClientError> {
    let whole = Whole::read(body, &state.origin)?;
    let base = &whole.head.base;
    let mut ids = CallIds::default();
    let mut content = Content::default();
    if !(whole.reasoning.is_empty() && whole.signatures.is_empty()) {
        let signature = closing::signature(&whole.signatures, &mut ids, base, state);
        blocks::thinking(content.next(), &whole.reasoning, &signature);
    }
    let mut searched = None;
    if state.wants_search {
        for (number, search) in (0_u64..).zip(searches(&whole.sources)) {
            let id = format!("srvtoolu_{base}_{number}");
            let mut input = BytesMut::new();
            search.write_input(&mut input);
            let input = std::str::from_utf8(&input).unwrap_or("{}");
            blocks::server_tool_use(content.next(), &id, "web_search", input);
            search.write_result(content.next(), &id);
            searched = Some(number + 1);
        }
    }
    if !whole.text.is_empty() {
        let mut citations = Citations::default();
        for page in cited(&whole.text, &whole.sources, state.origin.profile) {
            citations.page(&page.url, &page.title, &page.quote);
        }
        blocks::text(content.next(), &whole.text, Some(&citations));
    }
    if !whole.refusal.is_empty() {
        blocks::text(content.next(), &whole.refusal, None);
    }
    for call in &whole.calls {
        let id = ids.show(&call.id, base);
        let mut input = BytesMut::new();
        write_input(&mut input, call);
        let input = std::str::from_utf8(&input).unwrap_or("{}");
        let name = state.tools.original(&call.name);
        blocks::tool_use(content.next(), &id, name, input);
    }
    let usage = closing::usage(whole.ending.usage, searched);
    let mut out = BytesMut::with_capacity(body.len() + 512);
    write_plain_message(
        &mut out,
        &closing::head(&whole.head, state, cx.now),
        content.json(),
        &closing::stop(&whole.ending),
        &usage,
        None,
    );
    Ok(ConvertedAnswer {
        body: out.freeze(),
        usage: whole.used(usage),
    })
}

/// The input that a call's arguments are. What is no object, because the model wrote none or was cut, is kept as it is: the
/// answer was paid for.
fn write_input(out: &mut BytesMut, call: &WholeCall<'_>) {
    let json = format!("\"{}\"", call.arguments);
    let arguments = RawStr::from_json(&json)
        .map(RawStr::decode)
        .unwrap_or_default();
    let trimmed = arguments.trim();
    let is_object = trimmed.starts_with('{') && serde_json::from_str::<&RawValue>(trimmed).is_ok();
    if trimmed.is_empty() || trimmed == "null" {
        out.extend_from_slice(b"{}");
    } else if is_object {
        out.extend_from_slice(trimmed.as_bytes());
    } else {
        let mut object = Object::begin(out);
        object.string("_raw_arguments", &arguments);
        object.end();
    }
}
