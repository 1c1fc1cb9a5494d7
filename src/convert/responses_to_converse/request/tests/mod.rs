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
use crate::convert::responses_to_converse::state::State;
use crate::convert::validate::converse::validate;
use crate::format::error::Fault;
use crate::provider::Provider;

const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const SONNET_4: &str = "anthropic.claude-sonnet-4-20250514-v1:0";
const OPUS_4_6: &str = "us.anthropic.claude-opus-4-6-v1";
const OPUS_4_7: &str = "anthropic.claude-opus-4-7";
const NOVA: &str = "us.amazon.nova-pro-v1:0";
const NOVA_2: &str = "us.amazon.nova-2-lite-v1:0";
const GPT_OSS: &str = "openai.gpt-oss-120b-1:0";
const GPT: &str = "openai.gpt-5.2";
const LLAMA: &str = "us.meta.llama4-maverick-17b-instruct-v1:0";

const PNG: &str = "data:image/png;base64,iVBORw0KGgo=";

/// The pair that is tested.
#[derive(Debug)]
struct Pair;

impl Subject for Pair {
    type State = State;

    const MODEL: &'static str = SONNET;
    const PROVIDER: Provider = Provider::AwsBedrock;
    const CONVERSATION: &'static str = "input";

    fn convert(
        body: &[u8],
        cx: &mut RequestContext<'_>,
    ) -> Result<ConvertedRequest<State>, Refusal> {
        convert(body, cx)
    }

    fn check(body: &Value) {
        if let Err(problem) = validate(body) {
            panic!("{problem} in {body}");
        }
    }
}

type Case = request_case::Case<Pair>;

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn assistant(text: &str) -> Value {
    json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text, "annotations": []}]})
}

fn call(id: &str, name: &str, arguments: &str) -> Value {
    json!({"type": "function_call", "call_id": id, "name": name, "arguments": arguments})
}

fn output(id: &str, output: Value) -> Value {
    json!({"type": "function_call_output", "call_id": id, "output": output})
}

fn function(name: &str) -> Value {
    json!({"type": "function", "name": name, "parameters": {"type": "object", "properties": {}}})
}

/// A reasoning item with these blocks of Anthropic's in its envelope.
fn carrier(blocks: &[Value]) -> Value {
    let blocks: Vec<String> = blocks.iter().map(Value::to_string).collect();
    let envelope = crate::convert::anthropic_envelope::write(blocks.iter().map(String::as_str));
    json!({"type": "reasoning", "summary": [], "encrypted_content": envelope})
}

/// The reasoning of one turn, signed.
fn signed() -> Value {
    carrier(&[json!({"type": "thinking", "thinking": "plan", "signature": "EqQB"})])
}

/// A message of Converse.
fn says(role: &str, content: Value) -> Value {
    json!({"role": role, "content": content})
}

fn used(id: &str, name: &str, input: Value) -> Value {
    json!({"toolUse": {"toolUseId": id, "name": name, "input": input}})
}

fn result(id: &str, content: Value) -> Value {
    json!({"toolResult": {"toolUseId": id, "content": content}})
}
