#![expect(
    clippy::needless_pass_by_value,
    reason = "cases read better without references"
)]

mod fields;
mod golden;
mod history;
mod parts;
mod property;
mod reasoning;
mod replay;
mod tools;

use serde_json::{Value, json};

use super::convert;
use crate::convert::chat_to_messages::state::State;
use crate::convert::context::{ConvertedRequest, RequestContext};
use crate::convert::report::Refusal;
use crate::convert::request_case::{self, Subject};
use crate::provider::Provider;

/// The pair that is tested.
#[derive(Debug)]
struct Pair;

impl Subject for Pair {
    type State = State;

    const MODEL: &'static str = "claude-opus-4-8";
    const PROVIDER: Provider = Provider::Anthropic;
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

fn function(name: &str) -> Value {
    json!({"type": "function", "function": {"name": name}})
}

fn call(id: &str, name: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

fn answer(id: &str, content: &str) -> Value {
    json!({"role": "tool", "tool_call_id": id, "content": content})
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn user(content: Value) -> Value {
    json!({"role": "user", "content": content})
}
