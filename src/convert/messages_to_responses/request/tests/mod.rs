#![expect(
    clippy::needless_pass_by_value,
    reason = "values are made by `json!` where they are given"
)]

mod fields;
mod history;
mod tools;

use serde_json::{Value, json};

use super::convert;
use crate::convert::context::{ConvertedRequest, RequestContext};
use crate::convert::messages_to_responses::state::State;
use crate::convert::report::{LossReport, Refusal};
use crate::format::error::Fault;
use crate::models::ModelTable;
use crate::provider::Provider;
use crate::target::Options;

/// One conversion, and its settings.
struct Case {
    model: &'static str,
    options: Options,
    lossy: bool,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            model: "gpt-5.6",
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

    /// The body's member `key` is `expected`; null stands for absent.
    #[track_caller]
    fn has(&self, key: &str, expected: Value) -> &Self {
        let found = self.body.get(key).cloned().unwrap_or(Value::Null);
        assert_eq!(found, expected, "{key} in {}", self.text);
        self
    }
}

impl Case {
    fn model(model: &'static str) -> Self {
        Self {
            model,
            ..Self::default()
        }
    }

    fn options(options: Options) -> Self {
        Self {
            options,
            ..Self::default()
        }
    }

    fn lossy() -> Self {
        Self {
            lossy: true,
            ..Self::default()
        }
    }

    fn try_run_text(&self, body: &str) -> Result<Done, Refusal> {
        let mut report = LossReport::default();
        let ConvertedRequest { body, state, .. } = convert(
            body.as_bytes(),
            &mut RequestContext {
                model: self.model,
                provider: Provider::OpenAi,
                options: &self.options,
                headers: &http::HeaderMap::new(),
                capabilities: &ModelTable::new().lookup(self.model),
                lossy: self.lossy,
                report: &mut report,
            },
        )?;
        let text = String::from_utf8(body.to_vec()).unwrap();
        Ok(Done {
            body: serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}")),
            text,
            report,
            state,
        })
    }

    fn try_with(&self, members: Value) -> Result<Done, Refusal> {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
        for (key, value) in members.as_object().unwrap() {
            body[key] = value.clone();
        }
        self.try_run_text(&body.to_string())
    }

    /// Converts a request with these members and one user message.
    #[track_caller]
    fn with(&self, members: Value) -> Done {
        self.try_with(members).unwrap()
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

/// The input of a conversation whose only message is the user's, with this content.
#[track_caller]
fn user(content: Value) -> Done {
    Case::default().say(json!([{"role": "user", "content": content}]))
}
