//! What the tests of the request conversions share: a case is a target with its settings, and tells what becomes of a request.

#![allow(
    clippy::needless_pass_by_value,
    reason = "what tests give is mostly written in place: json!(…)"
)]

pub(in crate::convert) mod chat;

use std::fmt::Debug;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::context::{ConvertedRequest, RequestContext};
use super::report::{LossReport, Refusal};
use crate::format::error::Fault;
use crate::models::ModelTable;
use crate::options::Options;
use crate::provider::Provider;

/// The pair whose requests are tested.
pub(in crate::convert) trait Subject: Debug {
    /// What the conversion hands to that of the answer.
    type State: Debug;

    /// The model where a case names none.
    const MODEL: &'static str;

    /// The provider where a case names none.
    const PROVIDER: Provider;

    /// The member of a request that holds the conversation.
    const CONVERSATION: &'static str;

    /// The conversion.
    fn convert(
        body: &[u8],
        cx: &mut RequestContext<'_>,
    ) -> Result<ConvertedRequest<Self::State>, Refusal>;

    /// The owner's switches where a case sets none.
    fn options() -> Options {
        Options::default()
    }

    /// Panics where the provider would refuse this body.
    fn check(_body: &Value) {}
}

/// One conversion's target, and its settings.
#[derive(Debug)]
pub(in crate::convert) struct Case<S> {
    pub(in crate::convert) model: &'static str,
    pub(in crate::convert) provider: Provider,
    pub(in crate::convert) options: Options,
    pub(in crate::convert) lossy: bool,
    pub(in crate::convert) subject: std::marker::PhantomData<S>,
}

impl<S: Subject> Default for Case<S> {
    fn default() -> Self {
        Self {
            model: S::MODEL,
            provider: S::PROVIDER,
            options: S::options(),
            lossy: false,
            subject: std::marker::PhantomData,
        }
    }
}

impl<S: Subject> Case<S> {
    pub(in crate::convert) fn model(model: &'static str) -> Self {
        Self {
            model,
            ..Self::default()
        }
    }

    pub(in crate::convert) fn options(mut self, set: impl FnOnce(&mut Options)) -> Self {
        set(&mut self.options);
        self
    }

    pub(in crate::convert) fn lossy(mut self) -> Self {
        self.lossy = true;
        self
    }

    pub(in crate::convert) fn try_run(&self, body: &Value) -> Result<Done<S::State>, Refusal> {
        self.try_run_text(&body.to_string())
    }

    pub(in crate::convert) fn try_run_text(&self, body: &str) -> Result<Done<S::State>, Refusal> {
        self.try_run_bytes(body.as_bytes())
    }

    pub(in crate::convert) fn try_run_bytes(&self, body: &[u8]) -> Result<Done<S::State>, Refusal> {
        let mut report = LossReport::default();
        let converted = S::convert(
            body,
            &mut RequestContext {
                model: self.model,
                provider: self.provider,
                options: &self.options,
                headers: &HeaderMap::new(),
                capabilities: &ModelTable::new().lookup(self.model),
                lossy: self.lossy,
                report: &mut report,
            },
        )?;
        let text = String::from_utf8(converted.body.to_vec()).unwrap();
        let body = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
        S::check(&body);
        Ok(Done {
            body,
            text,
            report,
            headers: converted.headers,
            state: converted.state,
        })
    }

    /// Converts a request with these members, and `"hi"` as conversation unless they hold another.
    #[track_caller]
    pub(in crate::convert) fn with(&self, members: Value) -> Done<S::State> {
        self.try_with(members).unwrap()
    }

    pub(in crate::convert) fn try_with(&self, members: Value) -> Result<Done<S::State>, Refusal> {
        let hi = if S::CONVERSATION == "messages" {
            json!([{"role": "user", "content": "hi"}])
        } else {
            json!("hi")
        };
        let mut body = json!({"model": "m", S::CONVERSATION: hi});
        for (key, value) in members.as_object().unwrap() {
            body[key] = value.clone();
        }
        self.try_run(&body)
    }

    /// Converts a conversation.
    #[track_caller]
    pub(in crate::convert) fn say(&self, conversation: Value) -> Done<S::State> {
        self.with(json!({ S::CONVERSATION: conversation }))
    }

    /// The fault and the field of a refusal.
    #[track_caller]
    pub(in crate::convert) fn refuses(&self, members: Value) -> (Fault, String) {
        match self.try_with(members) {
            Ok(done) => panic!("not refused: {}", done.text),
            Err(refusal) => (refusal.fault, refusal.param.into_owned()),
        }
    }

    #[track_caller]
    pub(in crate::convert) fn unsupported(&self, param: &str, members: Value) {
        let expected = (Fault::Unsupported, param.to_owned());
        assert_eq!(self.refuses(members), expected);
    }

    #[track_caller]
    pub(in crate::convert) fn invalid(&self, param: &str, members: Value) {
        let expected = (Fault::Invalid, param.to_owned());
        assert_eq!(self.refuses(members), expected);
    }
}

/// A conversion's result, with the body both as value and as text.
#[derive(Debug)]
pub(in crate::convert) struct Done<S> {
    pub(in crate::convert) body: Value,
    pub(in crate::convert) text: String,
    pub(in crate::convert) report: LossReport,
    pub(in crate::convert) headers: Vec<(HeaderName, HeaderValue)>,
    pub(in crate::convert) state: S,
}

impl<S> Done<S> {
    #[track_caller]
    pub(in crate::convert) fn dropped(&self, field: &str) -> &Self {
        let list = self.report.dropped();
        assert!(list.iter().any(|f| f == field), "{field} in {list:?}");
        self
    }

    #[track_caller]
    pub(in crate::convert) fn approximated(&self, field: &str) -> &Self {
        let list = self.report.approximated();
        assert!(list.iter().any(|f| f == field), "{field} in {list:?}");
        self
    }

    #[track_caller]
    pub(in crate::convert) fn exact(&self) -> &Self {
        assert_eq!(self.report, LossReport::default());
        self
    }

    /// The body's member, or the value at a pointer (`/messages/0`), is `expected`; null stands for absent.
    #[track_caller]
    pub(in crate::convert) fn has(&self, place: &str, expected: Value) -> &Self {
        let found = if place.starts_with('/') {
            self.body.pointer(place)
        } else {
            self.body.get(place)
        };
        let found = found.unwrap_or(&Value::Null);
        assert_eq!(found, &expected, "{place} in {}", self.text);
        self
    }

    /// The messages are `expected`.
    #[track_caller]
    pub(in crate::convert) fn says(&self, expected: Value) -> &Self {
        self.has("messages", expected)
    }

    pub(in crate::convert) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(have, _)| have == name);
        found.map(|(_, value)| value.to_str().unwrap())
    }
}
