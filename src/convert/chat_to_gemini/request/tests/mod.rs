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
use crate::convert::report::{LossReport, Refusal};
use crate::format::error::Fault;
use crate::models::ModelTable;
use crate::provider::Provider;
use crate::target::Options;

/// A model of the newest generation.
const NEW: &str = "gemini-3.8-flash";
/// One of the generation before.
const OLD: &str = "gemini-2.5-flash";
/// One that takes a subset of OpenAPI's schemas.
const LEGACY: &str = "gemini-2.0-flash";

/// One conversion, and its settings.
struct Case {
    model: &'static str,
    options: Options,
    lossy: bool,
}

impl Default for Case {
    fn default() -> Self {
        Self::model(NEW)
    }
}

/// A conversion's result, with the body both as value and as text.
#[derive(Debug)]
struct Done {
    body: Value,
    text: String,
    report: LossReport,
    state: State,
}

impl Done {
    #[track_caller]
    fn dropped(&self, field: &str) -> &Self {
        let list = self.report.dropped();
        assert!(list.iter().any(|f| f == field), "{field} in {list:?}");
        self
    }

    #[track_caller]
    fn approximated(&self, field: &str) -> &Self {
        let list = self.report.approximated();
        assert!(list.iter().any(|f| f == field), "{field} in {list:?}");
        self
    }

    #[track_caller]
    fn exact(&self) -> &Self {
        assert_eq!(self.report, LossReport::default());
        self
    }

    /// The value at this pointer is `expected`; null stands for absent.
    #[track_caller]
    fn has(&self, pointer: &str, expected: Value) -> &Self {
        let got = self.body.pointer(pointer).cloned().unwrap_or_default();
        assert_eq!(got, expected, "{pointer} in {}", self.text);
        self
    }
}

impl Case {
    fn model(model: &'static str) -> Self {
        Self {
            model,
            // Most cases are not about thoughts.
            options: Options {
                expose_thoughts: Some(false),
                ..Options::default()
            },
            lossy: false,
        }
    }

    fn try_run(&self, body: &Value) -> Result<Done, Refusal> {
        let capabilities = ModelTable::new().lookup(self.model);
        let mut report = LossReport::default();
        let ConvertedRequest {
            body,
            headers,
            state,
        } = convert(
            body.to_string().as_bytes(),
            &mut RequestContext {
                model: self.model,
                provider: Provider::Gemini,
                options: &self.options,
                headers: &http::HeaderMap::new(),
                capabilities: &capabilities,
                lossy: self.lossy,
                report: &mut report,
            },
        )?;
        assert!(headers.is_empty());
        let text = String::from_utf8(body.to_vec()).unwrap();
        Ok(Done {
            body: serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}")),
            text,
            report,
            state,
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

fn user(content: Value) -> Value {
    json!({"role": "user", "content": content})
}
