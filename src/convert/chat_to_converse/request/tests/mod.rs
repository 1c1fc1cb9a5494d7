#![expect(
    clippy::needless_pass_by_value,
    reason = "cases read better without references"
)]

mod fields;
mod history;
mod parts;
mod property;
mod reasoning;
mod tools;

use serde_json::{Value, json};

use super::convert;
use crate::convert::chat_to_converse::state::State;
use crate::convert::context::{ConvertedRequest, RequestContext};
use crate::convert::report::Refusal;
use crate::convert::request_case::{self, Subject};
use crate::format::error::Fault;
use crate::provider::Provider;

const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const OPUS_4_6: &str = "us.anthropic.claude-opus-4-6-v1";
const OPUS_4_7: &str = "anthropic.claude-opus-4-7";
const NOVA_2: &str = "us.amazon.nova-2-lite-v1:0";
const NOVA: &str = "us.amazon.nova-pro-v1:0";
const GPT_OSS: &str = "openai.gpt-oss-120b-1:0";
const GPT: &str = "openai.gpt-5.2";
const LLAMA: &str = "us.meta.llama4-maverick-17b-instruct-v1:0";

/// The pair that is tested.
#[derive(Debug)]
struct Pair;

impl Subject for Pair {
    type State = State;

    const MODEL: &'static str = SONNET;
    const PROVIDER: Provider = Provider::AwsBedrock;
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

fn answer(id: &str, content: impl Into<Value>) -> Value {
    json!({"role": "tool", "tool_call_id": id, "content": content.into()})
}

fn user(content: impl Into<Value>) -> Value {
    json!({"role": "user", "content": content.into()})
}

fn assistant(content: impl Into<Value>) -> Value {
    json!({"role": "assistant", "content": content.into()})
}

/// What Converse calls a message.
fn turn(role: &str, blocks: Value) -> Value {
    json!({"role": role, "content": blocks})
}

fn text(text: &str) -> Value {
    json!({ "text": text })
}

fn cache_point() -> Value {
    json!({"cachePoint": {"type": "default"}})
}
