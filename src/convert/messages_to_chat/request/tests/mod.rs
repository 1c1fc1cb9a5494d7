#![expect(
    clippy::needless_pass_by_value,
    reason = "cases read better without references"
)]

mod fields;
mod media;
mod messages;
mod property;
mod replay;
mod results;
mod thinking;
mod tools;

use serde_json::{Value, json};

use super::convert;
use crate::convert::context::RequestContext;
use crate::convert::messages_to_chat::state::State;
use crate::convert::report::{LossReport, Refusal};
use crate::format::error::Fault;
use crate::models::ModelTable;
use crate::provider::Provider;
use crate::target::Options;

/// A target.
#[derive(Debug, Clone, Copy)]
struct To(Provider, &'static str);

const GEMINI: To = To(Provider::Gemini, "gemini-3.8-flash");

const GEMINI_2: To = To(Provider::Gemini, "gemini-2.5-flash");

const OSS: To = To(Provider::Groq, "openai/gpt-oss-120b");

const QWEN: To = To(Provider::Groq, "qwen/qwen3-32b");

const LLAMA: To = To(Provider::Groq, "llama-3.3-70b-versatile");

const COMPOUND: To = To(Provider::Groq, "groq/compound");

const SONAR: To = To(Provider::Perplexity, "sonar-pro");

const DEEP: To = To(Provider::Perplexity, "sonar-deep-research");

const OTHER: To = To(Provider::OpenAiCompatible, "any");

const ALL: [To; 6] = [GEMINI, GEMINI_2, OSS, LLAMA, SONAR, OTHER];

#[derive(Debug)]
struct Done {
    body: Value,
    text: String,
    dropped: Vec<String>,
    approximated: Vec<String>,
    state: State,
}

impl To {
    fn try_text(self, text: &str) -> Result<Done, Refusal> {
        let mut report = LossReport::default();
        let mut cx = RequestContext {
            model: self.1,
            provider: self.0,
            options: &Options::default(),
            headers: &http::HeaderMap::new(),
            capabilities: &ModelTable::new().lookup(self.1),
            lossy: false,
            report: &mut report,
        };
        let converted = convert(text.as_bytes(), &mut cx)?;
        let strings = |list: &[std::borrow::Cow<'static, str>]| {
            list.iter().map(ToString::to_string).collect()
        };
        Ok(Done {
            body: serde_json::from_slice(&converted.body).unwrap(),
            text: String::from_utf8(converted.body.to_vec()).unwrap(),
            dropped: strings(report.dropped()),
            approximated: strings(report.approximated()),
            state: converted.state,
        })
    }

    /// A request with these members over a plain one.
    fn try_with(self, members: &Value) -> Result<Done, Refusal> {
        let mut request = json!({
            "model": "asked", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]
        });
        for (key, value) in members.as_object().unwrap() {
            request[key.as_str()] = value.clone();
        }
        self.try_text(&request.to_string())
    }

    #[track_caller]
    fn with(self, members: Value) -> Done {
        self.try_with(&members)
            .unwrap_or_else(|refusal| panic!("{self:?} {members}: {refusal:?}"))
    }

    #[track_caller]
    fn refuses(self, fault: Fault, param: &str, members: Value) -> Refusal {
        let refusal = self
            .try_with(&members)
            .expect_err(&format!("{self:?} {members}"));
        assert_eq!((refusal.fault, &*refusal.param), (fault, param), "{self:?}");
        refusal
    }

    #[track_caller]
    fn unsupported(self, param: &str, members: Value) {
        self.refuses(Fault::Unsupported, param, members);
    }

    #[track_caller]
    fn invalid(self, param: &str, members: Value) {
        self.refuses(Fault::Invalid, param, members);
    }

    /// The messages that these become.
    #[track_caller]
    fn messages(self, messages: Value) -> Value {
        self.with(json!({ "messages": messages })).body["messages"].clone()
    }

    /// What one block of the user's becomes.
    #[track_caller]
    fn block(self, block: Value) -> Value {
        let messages = self.messages(json!([{"role": "user", "content": [block]}]));
        messages[0]["content"].clone()
    }

    #[track_caller]
    fn no_block(self, param: &str, block: Value) {
        self.unsupported(
            param,
            json!({"messages": [{"role": "user", "content": [block]}]}),
        );
    }
}

impl Done {
    #[track_caller]
    fn has(&self, field: &str, value: Value) -> &Self {
        assert_eq!(self.body[field], value, "{field} in {}", self.text);
        self
    }

    #[track_caller]
    fn dropped(&self, field: &str) -> &Self {
        assert!(self.dropped.iter().any(|f| f == field), "{field}: {self:?}");
        self
    }

    #[track_caller]
    fn approximated(&self, field: &str) -> &Self {
        assert!(
            self.approximated.iter().any(|f| f == field),
            "{field}: {self:?}"
        );
        self
    }

    #[track_caller]
    fn exact(&self) -> &Self {
        assert!(
            self.dropped.is_empty() && self.approximated.is_empty(),
            "{self:?}"
        );
        self
    }
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn tool(name: &str) -> Value {
    json!({"name": name, "input_schema": {"type": "object"}})
}

/// An assistant message with calls of these ids, and the results that are sent for them.
fn tool_loop(content: Value, results: Value) -> Value {
    json!([user("q"), {"role": "assistant", "content": content}, {"role": "user", "content": results}])
}

fn tool_use(id: &str) -> Value {
    json!({"type": "tool_use", "id": id, "name": "f", "input": {"b": 1.0, "a": "x y"}})
}

fn result(id: &str, content: Value) -> Value {
    json!({"type": "tool_result", "tool_use_id": id, "content": content})
}
