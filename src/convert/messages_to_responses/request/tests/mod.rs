#![expect(
    clippy::needless_pass_by_value,
    reason = "values are made by `json!` where they are given"
)]

mod fields;
mod history;
mod tools;

use serde_json::{Value, json};

use super::convert;
use crate::convert::context::{ConvertedRequest, RequestContext};
use crate::convert::messages_to_responses::state::State;
use crate::convert::report::Refusal;
use crate::convert::request_case::{self, Subject};
use crate::provider::Provider;

/// The pair that is tested.
#[derive(Debug)]
struct Pair;

impl Subject for Pair {
    type State = State;

    const MODEL: &'static str = "gpt-5.6";
    const PROVIDER: Provider = Provider::OpenAi;
    const CONVERSATION: &'static str = "messages";

    fn convert(
        body: &[u8],
        cx: &mut RequestContext<'_>,
    ) -> Result<ConvertedRequest<State>, Refusal> {
        convert(body, cx)
    }
}

type Case = request_case::Case<Pair>;
type Done = request_case::Done<State>;

/// The input of a conversation whose only message is the user's, with this content.
#[track_caller]
fn user(content: Value) -> Done {
    Case::default().say(json!([{"role": "user", "content": content}]))
}
