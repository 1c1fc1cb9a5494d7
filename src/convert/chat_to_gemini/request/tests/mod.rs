#![expect(
    clippy::needless_pass_by_value,
    reason = "cases read better without references"
)]

mod fields;
mod history;
mod parts;
mod property;
mod thinking;
mod tools;

use serde_json::{Value, json};

use super::convert;
use crate::convert::chat_to_gemini::state::State;
use crate::convert::context::{ConvertedRequest, RequestContext};
use crate::convert::report::Refusal;
use crate::convert::request_case::{self, Subject};
use crate::format::error::Fault;
use crate::provider::Provider;
use crate::target::Options;

/// A model of the newest generation.
const NEW: &str = "gemini-3.8-flash";
/// One of the generation before.
const OLD: &str = "gemini-2.5-flash";
/// One that takes a subset of OpenAPI's schemas.
const LEGACY: &str = "gemini-2.0-flash";

/// The pair that is tested.
#[derive(Debug)]
struct Pair;

impl Subject for Pair {
    type State = State;

    const MODEL: &'static str = NEW;
    const PROVIDER: Provider = Provider::Gemini;
    const CONVERSATION: &'static str = "messages";

    fn convert(
        body: &[u8],
        cx: &mut RequestContext<'_>,
    ) -> Result<ConvertedRequest<State>, Refusal> {
        convert(body, cx)
    }

    // Most cases are not about thoughts.
    fn options() -> Options {
        Options {
            expose_thoughts: Some(false),
            ..Options::default()
        }
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

fn user(content: Value) -> Value {
    json!({"role": "user", "content": content})
}
