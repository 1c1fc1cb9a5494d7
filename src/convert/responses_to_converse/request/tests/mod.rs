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
use crate::convert::report::{LossReport, Refusal};
use crate::convert::responses_to_converse::state::State;
use crate::convert::validate::converse::validate;
use crate::format::error::Fault;
use crate::models::ModelTable;
use crate::provider::Provider;
use crate::target::Options;

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

/// One conversion, and its settings.
#[derive(Debug)]
struct Case {
    model: &'static str,
    options: Options,
    lossy: bool,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            model: SONNET,
            options: Options::default(),
            lossy: false,
        }
    }
}

/// A conversion's result, with the body both as value and as text.
#[derive(Debug)]
struct Done {
    body: Value,
    text: String,
    report: LossReport,
    converted: ConvertedRequest<State>,
}

impl Done {
    #[track_caller]
    fn dropped(&self, field: &str) -> &Self {
        let found = self.report.dropped().iter().any(|f| f == field);
        assert!(found, "{field} in {:?}", self.report);
        self
    }

    #[track_caller]
    fn approximated(&self, field: &str) -> &Self {
        let found = self.report.approximated().iter().any(|f| f == field);
        assert!(found, "{field} in {:?}", self.report);
        self
    }

    #[track_caller]
    fn exact(&self) -> &Self {
        assert_eq!(self.report, LossReport::default());
        self
    }

    /// The value at `pointer` is `expected`; null stands for absent.
    #[track_caller]
    fn has(&self, pointer: &str, expected: Value) -> &Self {
        let found = self.body.pointer(pointer).unwrap_or(&Value::Null);
        assert_eq!(found, &expected, "{pointer} in {}", self.text);
        self
    }

    /// The messages are `expected`.
    #[track_caller]
    fn says(&self, expected: Value) -> &Self {
        self.has("/messages", expected)
    }
}

impl Case {
    fn model(model: &'static str) -> Self {
        Self {
            model,
            ..Self::default()
        }
    }

    fn options(mut self, set: impl FnOnce(&mut Options)) -> Self {
        set(&mut self.options);
        self
    }

    fn lossy(mut self) -> Self {
        self.lossy = true;
        self
    }

    fn try_run(&self, body: &str) -> Result<Done, Refusal> {
        let capabilities = ModelTable::new().lookup(self.model);
        let mut report = LossReport::default();
        let converted = convert(
            body.as_bytes(),
            &mut RequestContext {
                model: self.model,
                provider: Provider::AwsBedrock,
                options: &self.options,
                headers: &http::HeaderMap::new(),
                capabilities: &capabilities,
                lossy: self.lossy,
                report: &mut report,
            },
        )?;
        let text = String::from_utf8(converted.body.to_vec()).unwrap();
        let body = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
        if let Err(problem) = validate(&body) {
            panic!("{problem} in {text}");
        }
        Ok(Done {
            body,
            text,
            report,
            converted,
        })
    }

    /// Converts a request with these members, and `"hi"` as input unless they say another.
    #[track_caller]
    fn with(&self, members: Value) -> Done {
        self.try_with(members).unwrap()
    }

    fn try_with(&self, members: Value) -> Result<Done, Refusal> {
        let mut body = json!({"model": "m", "input": "hi"});
        for (key, value) in members.as_object().unwrap() {
            body[key] = value.clone();
        }
        self.try_run(&body.to_string())
    }

    /// Converts a conversation.
    #[track_caller]
    fn say(&self, input: Value) -> Done {
        self.with(json!({ "input": input }))
    }

    #[track_caller]
    fn refuses(&self, members: Value) -> (Fault, String) {
        match self.try_with(members) {
            Ok(done) => panic!("not refused: {}", done.text),
            Err(refusal) => (refusal.fault, refusal.param.into_owned()),
        }
    }

    #[track_caller]
    fn unsupported(&self, param: &str, members: Value) {
        let expected = (Fault::Unsupported, param.to_owned());
        assert_eq!(self.refuses(members), expected);
    }

    #[track_caller]
    fn invalid(&self, param: &str, members: Value) {
        let expected = (Fault::Invalid, param.to_owned());
        assert_eq!(self.refuses(members), expected);
    }
}

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
