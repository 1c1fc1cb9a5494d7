//! Every row of the request, and the pitfalls.

mod fields;
mod input;
mod refused;
mod tools;

use serde_json::{Value, json};

use super::convert;
use crate::convert::context::RequestContext;
use crate::convert::report::{LossReport, Refusal};
use crate::format::error::Fault;
use crate::models::Capabilities;
use crate::provider::Provider;
use crate::target::Options;

const GEMINI: (Provider, &str) = (Provider::Gemini, "gemini-3.8-flash");
const GROQ: (Provider, &str) = (Provider::Groq, "llama-3.3-70b");
const GPT_OSS: (Provider, &str) = (Provider::Groq, "openai/gpt-oss-120b");
const COMPOUND: (Provider, &str) = (Provider::Groq, "groq/compound");
const SONAR: (Provider, &str) = (Provider::Perplexity, "sonar");
const ANY: (Provider, &str) = (Provider::OpenAiCompatible, "some/model");

fn try_convert(
    (provider, model): (Provider, &str),
    request: &Value,
) -> Result<(Value, LossReport), Refusal> {
    let mut report = LossReport::default();
    let mut cx = RequestContext {
        model,
        provider,
        options: &Options::default(),
        headers: &http::HeaderMap::new(),
        capabilities: &Capabilities::default(),
        lossy: false,
        report: &mut report,
    };
    let converted = convert(request.to_string().as_bytes(), &mut cx)?;
    Ok((serde_json::from_slice(&converted.body).unwrap(), report))
}

/// A request with these members beside model and input.
fn with(members: &Value) -> Value {
    let mut request = json!({"model": "asked", "input": "hi"});
    for (key, value) in members.as_object().unwrap() {
        request[key] = value.clone();
    }
    request
}

fn sent(target: (Provider, &str), members: &Value) -> (Value, LossReport) {
    try_convert(target, &with(members)).unwrap_or_else(|refusal| panic!("{members}: {refusal:?}"))
}

fn refused(target: (Provider, &str), members: &Value) -> (Fault, String) {
    match try_convert(target, &with(members)) {
        Ok((body, _)) => panic!("{members} was sent as {body}"),
        Err(refusal) => (refusal.fault, refusal.param.into_owned()),
    }
}

fn dropped(report: &LossReport) -> Vec<&str> {
    report.dropped().iter().map(|path| &**path).collect()
}

fn messages(target: (Provider, &str), input: &Value) -> Value {
    sent(target, &json!({ "input": input })).0["messages"].clone()
}
