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
use crate::convert::report::{LossReport, Refusal};
use crate::format::error::Fault;
use crate::models::ModelTable;
use crate::provider::Provider;
use crate::target::Options;

/// One conversion, and its settings.
struct Case {
    model: &'static str,
    provider: Provider,
    options: Options,
    lossy: bool,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            model: "claude-opus-4-8",
            provider: Provider::Anthropic,
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

    /// The body's member `key` is `expected`; null stands for absent.
    #[track_caller]
    fn has(&self, key: &str, expected: Value) -> &Self {
        assert_eq!(self.body[key], expected, "{key} in {}", self.text);
        self
    }

    fn header(&self, name: &str) -> Option<&str> {
        let found = self.converted.headers.iter().find(|(have, _)| have == name);
        found.map(|(_, value)| value.to_str().unwrap())
    }
}

impl Case {
    fn model(model: &'static str) -> Self {
        Self {
            model,
            ..Self::default()
        }
    }

    fn try_run(&self, body: &Value) -> Result<Done, Refusal> {
        self.try_run_text(&body.to_string())
    }

    fn try_run_text(&self, body: &str) -> Result<Done, Refusal> {
        let capabilities = ModelTable::new().lookup(self.model);
        let mut report = LossReport::default();
        let converted = convert(
            body.as_bytes(),
            &mut RequestContext {
                model: self.model,
                provider: self.provider,
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

fn answer(id: &str, content: &str) -> Value {
    json!({"role": "tool", "tool_call_id": id, "content": content})
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn user(content: Value) -> Value {
    json!({"role": "user", "content": content})
}
