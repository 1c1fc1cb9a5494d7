#![expect(
    clippy::needless_pass_by_value,
    reason = "cases read better without references"
)]

mod codex;
mod fields;
mod history;
mod parts;
mod property;
mod reasoning;
mod tools;

use serde_json::{Value, json};

use super::convert;
use crate::convert::context::{ConvertedRequest, RequestContext};
use crate::convert::report::Refusal;
use crate::convert::request_case::{self, Subject};
use crate::convert::responses_to_messages::state::State;
use crate::format::error::Fault;
use crate::provider::Provider;
use crate::target::Options;

/// The pair that is tested.
#[derive(Debug)]
struct Pair;

impl Subject for Pair {
    type State = State;

    const MODEL: &'static str = "claude-opus-4-8";
    const PROVIDER: Provider = Provider::Anthropic;
    const CONVERSATION: &'static str = "input";

    fn convert(
        body: &[u8],
        cx: &mut RequestContext<'_>,
    ) -> Result<ConvertedRequest<State>, Refusal> {
        convert(body, cx)
    }
}

type Case = request_case::Case<Pair>;
type Done = request_case::Done<State>;

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn call(id: &str, name: &str, arguments: &str) -> Value {
    json!({"type": "function_call", "call_id": id, "name": name, "arguments": arguments})
}

fn output(id: &str, output: Value) -> Value {
    json!({"type": "function_call_output", "call_id": id, "output": output})
}

/// A reasoning item with these blocks in its envelope.
fn carrier(blocks: &[Value]) -> Value {
    let blocks: Vec<String> = blocks.iter().map(Value::to_string).collect();
    let envelope = crate::convert::anthropic_envelope::write(blocks.iter().map(String::as_str));
    json!({"type": "reasoning", "summary": [], "encrypted_content": envelope})
}

fn function(name: &str) -> Value {
    json!({"type": "function", "name": name, "parameters": {"type": "object", "properties": {}}})
}
