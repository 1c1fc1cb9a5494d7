#![expect(
    clippy::needless_pass_by_value,
    reason = "cases read better without references"
)]

mod cache;
mod clients;
mod fields;
mod history;
mod media;
mod property;
mod tools;

use http::HeaderMap;
use serde_json::{Value, json};

use super::{convert, convert_count};
use crate::convert::context::RequestContext;
use crate::convert::messages_to_converse::state::State;
use crate::convert::report::{LossReport, Refusal};
use crate::convert::validate::converse::validate;
use crate::format::error::Fault;
use crate::models::ModelTable;
use crate::provider::Provider;
use crate::target::Options;

const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const OPUS_4_6: &str = "us.anthropic.claude-opus-4-6-v1";
const OPUS_4_7: &str = "anthropic.claude-opus-4-7";
const SONNET_3_7: &str = "anthropic.claude-3-7-sonnet-20250219-v1:0";
const NOVA: &str = "us.amazon.nova-pro-v1:0";
const NOVA_2: &str = "us.amazon.nova-2-lite-v1:0";
const OSS: &str = "openai.gpt-oss-120b-1:0";
const GPT: &str = "openai.gpt-5";
const LLAMA: &str = "meta.llama3-3-70b-instruct-v1:0";

const ALL: [&str; 9] = [
    SONNET, OPUS_4_6, OPUS_4_7, SONNET_3_7, NOVA, NOVA_2, OSS, GPT, LLAMA,
];

#[derive(Debug)]
struct Done {
    body: Value,
    text: String,
    dropped: Vec<String>,
    approximated: Vec<String>,
    state: State,
}

/// A target with its owner's wishes, and a client's headers.
#[derive(Debug, Clone)]
struct To {
    model: &'static str,
    options: Options,
    headers: HeaderMap,
    lossy: bool,
}

fn to(model: &'static str) -> To {
    To {
        model,
        options: Options::default(),
        headers: HeaderMap::new(),
        lossy: false,
    }
}

impl To {
    fn options(self, options: Options) -> Self {
        Self { options, ..self }
    }

    fn lossy(self) -> Self {
        Self {
            lossy: true,
            ..self
        }
    }

    fn beta(mut self, names: &'static str) -> Self {
        let value = http::HeaderValue::from_static(names);
        self.headers.append("anthropic-beta", value);
        self
    }

    fn context<T>(
        &self,
        work: impl FnOnce(&mut RequestContext<'_>) -> Result<T, Refusal>,
    ) -> Result<(T, Vec<String>, Vec<String>), Refusal> {
        let mut report = LossReport::default();
        let done = work(&mut RequestContext {
            model: self.model,
            provider: Provider::AwsBedrock,
            options: &self.options,
            headers: &self.headers,
            capabilities: &ModelTable::new().lookup(self.model),
            lossy: self.lossy,
            report: &mut report,
        })?;
        let strings = |list: &[std::borrow::Cow<'static, str>]| {
            list.iter().map(ToString::to_string).collect()
        };
        Ok((
            done,
            strings(report.dropped()),
            strings(report.approximated()),
        ))
    }

    fn try_text(&self, text: &str) -> Result<Done, Refusal> {
        let work = |cx: &mut RequestContext<'_>| convert(text.as_bytes(), cx);
        let (converted, dropped, approximated) = self.context(work)?;
        assert!(converted.headers.is_empty());
        Ok(Done {
            body: serde_json::from_slice(&converted.body).unwrap(),
            text: String::from_utf8(converted.body.to_vec()).unwrap(),
            dropped,
            approximated,
            state: converted.state,
        })
    }

    /// A request with these members over a plain one.
    fn try_with(&self, members: &Value) -> Result<Done, Refusal> {
        self.try_text(&request(members).to_string())
    }

    #[track_caller]
    fn with(&self, members: Value) -> Done {
        let done = self
            .try_with(&members)
            .unwrap_or_else(|refusal| panic!("{} {members}: {refusal:?}", self.model));
        if let Err(problem) = validate(&done.body) {
            panic!("{} {members} became {}: {problem}", self.model, done.text);
        }
        done
    }

    #[track_caller]
    fn refuses(&self, fault: Fault, param: &str, members: Value) -> Refusal {
        let refusal = self
            .try_with(&members)
            .expect_err(&format!("{} {members}", self.model));
        assert_eq!((refusal.fault, &*refusal.param), (fault, param));
        refusal
    }

    #[track_caller]
    fn unsupported(&self, param: &str, members: Value) {
        self.refuses(Fault::Unsupported, param, members);
    }

    #[track_caller]
    fn invalid(&self, param: &str, members: Value) {
        self.refuses(Fault::Invalid, param, members);
    }

    /// What these messages become.
    #[track_caller]
    fn messages(&self, messages: Value) -> Value {
        self.with(json!({ "messages": messages })).body["messages"].clone()
    }

    /// What these blocks of one message of the user's become.
    #[track_caller]
    fn blocks(&self, blocks: Value) -> Value {
        self.messages(json!([{"role": "user", "content": blocks}]))[0]["content"].clone()
    }
}

/// A plain request with these members.
fn request(members: &Value) -> Value {
    let mut request = json!({
        "model": "asked", "max_tokens": 900, "messages": [{"role": "user", "content": "hi"}]
    });
    for (key, value) in members.as_object().unwrap() {
        request[key.as_str()] = value.clone();
    }
    request
}

/// A round of a tool loop that waits for the model.
fn tool_round(assistant: Value, result: Value) -> Value {
    json!([
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": assistant},
        {"role": "user", "content": [result]},
    ])
}
