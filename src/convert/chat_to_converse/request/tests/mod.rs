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
use crate::convert::report::{LossReport, Refusal};
use crate::format::error::Fault;
use crate::models::ModelTable;
use crate::provider::Provider;
use crate::target::Options;

const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const OPUS_4_6: &str = "us.anthropic.claude-opus-4-6-v1";
const OPUS_4_7: &str = "anthropic.claude-opus-4-7";
const NOVA_2: &str = "us.amazon.nova-2-lite-v1:0";
const NOVA: &str = "us.amazon.nova-pro-v1:0";
const GPT_OSS: &str = "openai.gpt-oss-120b-1:0";
const GPT: &str = "openai.gpt-5.2";
const LLAMA: &str = "us.meta.llama4-maverick-17b-instruct-v1:0";

/// One conversion, and its settings.
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

/// A conversion's result.
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
        assert!(
            self.report.dropped().iter().any(|f| f == field),
            "{field} in {:?}",
            self.report
        );
        self
    }

    #[track_caller]
    fn approximated(&self, field: &str) -> &Self {
        assert!(
            self.report.approximated().iter().any(|f| f == field),
            "{field} in {:?}",
            self.report
        );
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

    fn try_run(&self, body: &Value) -> Result<Done, Refusal> {
        let capabilities = ModelTable::new().lookup(self.model);
        let mut report = LossReport::default();
        let converted = convert(
            body.to_string().as_bytes(),
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
        Ok(Done {
            body: serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}")),
            text,
            report,
            converted,
        })
    }

    /// Converts a request with these members and one user message.
    #[track_caller]
    fn with(&self, members: Value) -> Done {
        self.try_with(members).unwrap()
    }

    fn try_with(&self, members: Value) -> Result<Done, Refusal> {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
        for (key, value) in members.as_object().unwrap() {
            body[key] = value.clone();
        }
        self.try_run(&body)
    }

    /// Converts a conversation.
    #[track_caller]
    fn say(&self, messages: Value) -> Done {
        self.with(json!({ "messages": messages }))
    }

    /// The fault and the field of a refusal.
    #[track_caller]
    fn refuses(&self, members: Value) -> (Fault, String) {
        match self.try_with(members) {
            Ok(done) => panic!("not refused: {}", done.text),
            Err(refusal) => (refusal.fault, refusal.param.into_owned()),
        }
    }

    #[track_caller]
    fn unsupported(&self, param: &str, members: Value) {
        assert_eq!(
            self.refuses(members),
            (Fault::Unsupported, param.to_owned())
        );
    }

    #[track_caller]
    fn invalid(&self, param: &str, members: Value) {
        assert_eq!(self.refuses(members), (Fault::Invalid, param.to_owned()));
    }
}

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
