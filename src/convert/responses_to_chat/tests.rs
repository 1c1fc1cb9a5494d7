//! Answers: whatever a provider sends, the client gets a legal response.

use std::fs;
use std::path::Path;

use bytes::BytesMut;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::state::{State, Tool, Tools};
use super::stream::ChatToResponses;
use super::{request, response};
use crate::convert::chat_in::Origin;
use crate::convert::context::{AnswerContext, RequestContext};
use crate::convert::machine::{Flow, Machine};
use crate::convert::report::LossReport;
use crate::convert::responses_out::Echo;
use crate::convert::validate::responses::{End, Outcome, events, validate};
use crate::endpoint::Format;
use crate::models::Capabilities;
use crate::provider::Provider;
use crate::target::Options;

const CX: AnswerContext = AnswerContext::at(1_700_000_000);
const LIMIT: usize = 1 << 20;

fn state(provider: Provider, model: &str) -> State {
    let mut tools = Tools::default();
    let tool = |name: &str, namespace: Option<&str>, custom| Tool {
        name: name.to_owned(),
        namespace: namespace.map(str::to_owned),
        custom,
    };
    tools.insert("apply_patch".to_owned(), tool("apply_patch", None, true));
    tools.insert("crm__find".to_owned(), tool("find", Some("crm"), false));
    State {
        origin: Origin::new(provider, model, Format::Responses).unwrap(),
        echo: Echo::default(),
        tools,
        include_sources: true,
    }
}

/// Feeds a stream and ends it as the body around the machine does.
fn run(state: State, upstream: &[(String, String)]) -> BytesMut {
    let mut machine = ChatToResponses::new(state, CX, LIMIT);
    let mut out = BytesMut::new();
    for (name, data) in upstream {
        let written = out.len();
        match machine.event(name, data.as_bytes(), &mut out) {
            Ok(Flow::Continue) => {}
            Ok(Flow::Done) => return after(machine, out),
            Err(error) => {
                assert_eq!(out.len(), written, "nothing is written for a bad event");
                machine.fail(&error, &mut out);
                return after(machine, out);
            }
        }
    }
    if let Err(error) = machine.finish(&mut out) {
        machine.fail(&error, &mut out);
    }
    after(machine, out)
}

/// Nothing follows the end.
fn after(mut machine: ChatToResponses, mut out: BytesMut) -> BytesMut {
    let end = out.len();
    let event = br#"{"choices":[{"delta":{"content":"late"}}]}"#;
    assert_eq!(machine.event("", event, &mut out).unwrap(), Flow::Done);
    machine.finish(&mut out).unwrap();
    assert_eq!(out.len(), end);
    out
}

fn stream(provider: Provider, model: &str, data: &[&str]) -> Outcome {
    let upstream: Vec<_> = data
        .iter()
        .map(|data| (String::new(), (*data).to_owned()))
        .collect();
    let out = run(state(provider, model), &upstream);
    validate(&out).unwrap_or_else(|problem| panic!("{problem}"))
}

fn golden() -> impl Iterator<Item = (String, std::path::PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/responses_to_chat");
    fs::read_dir(folder).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        (path.file_name().unwrap().to_str().unwrap().to_owned(), path)
    })
}

/// The state that a golden case's request makes.
fn golden_state(case: &Path) -> State {
    let read = |file: &str| -> Value {
        serde_json::from_slice(&fs::read(case.join(file)).unwrap()).unwrap()
    };
    let request = read("client_request.json");
    let provider: Provider = read("case.json")["provider"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let mut report = LossReport::default();
    let mut cx = RequestContext {
        model: request["model"].as_str().unwrap(),
        provider,
        options: &Options::default(),
        headers: &http::HeaderMap::new(),
        capabilities: &Capabilities::default(),
        lossy: false,
        report: &mut report,
    };
    request::convert(request.to_string().as_bytes(), &mut cx)
        .unwrap()
        .state
}

#[test]
fn golden_streams_cut_at_every_event() {
    let mut seen = 0;
    for (name, case) in golden() {
        let Ok(upstream) = fs::read(case.join("upstream_stream.sse")) else {
            continue;
        };
        seen += 1;
        let upstream = events(&upstream);
        let whole = validate(&run(golden_state(&case), &upstream)).unwrap();
        for cut in 0..upstream.len() {
            let kept = &upstream[..cut];
            let outcome = validate(&run(golden_state(&case), kept))
                .unwrap_or_else(|problem| panic!("{name} cut at {cut}: {problem}"));
            let finished = kept.iter().any(|(_, data)| {
                data.contains(r#""finish_reason":"stop""#)
                    || data.contains(r#""finish_reason":"tool_calls""#)
                    || data.contains(r#""finish_reason":"length""#)
            });
            if finished {
                assert_eq!(outcome.end, whole.end, "{name} cut at {cut}");
                assert_eq!(outcome.items, whole.items, "{name} cut at {cut}");
            } else {
                assert_eq!(outcome.end, End::Failed, "{name} cut at {cut}");
                let error = &outcome.response.unwrap()["error"];
                assert_eq!(error["code"], "server_error");
                assert_eq!(error["message"], "upstream stream ended before completion");
            }
        }
    }
    assert!(seen >= 8);
}

#[test]
fn whole_answers_and_their_replay_say_the_same() {
    let mut seen = 0;
    for (name, case) in golden() {
        let Ok(upstream) = fs::read(case.join("upstream_response.json")) else {
            continue;
        };
        seen += 1;
        let state = golden_state(&case);
        let whole = response::convert(&upstream, &state, CX).unwrap();
        let body: Value = serde_json::from_slice(&whole.body).unwrap();
        let mut out = BytesMut::new();
        let usage = response::replay(&upstream, &state, CX, &mut out).unwrap();
        let outcome = validate(&out).unwrap_or_else(|problem| panic!("{name}: {problem}"));
        assert_eq!(usage, whole.usage);
        assert_eq!(outcome.response.unwrap(), body, "{name}");
    }
    assert_eq!(seen, 2);
}

#[test]
fn calls_come_back_under_the_clients_names() {
    let outcome = stream(
        Provider::Groq,
        "m",
        &[
            r#"{"id":"x","choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"crm__find","arguments":"{}"}},
            {"index":1,"id":"b","function":{"name":"apply_patch","arguments":"{\"input\":\"p\\n\"}"}},
            {"index":2,"id":"c","function":{"name":"other","arguments":""}}]},"finish_reason":"stop"}]}"#,
        ],
    );
    assert_eq!(outcome.end, End::Completed);
    let item = |index: usize| {
        let mut item = outcome.items[index].clone();
        item.as_object_mut()
            .unwrap()
            .retain(|key, _| !["id", "status"].contains(&key.as_str()));
        item
    };
    assert_eq!(
        item(0),
        json!({"type": "function_call", "call_id": "a", "name": "find", "namespace": "crm", "arguments": "{}"})
    );
    assert_eq!(
        item(1),
        json!({"type": "custom_tool_call", "call_id": "b", "name": "apply_patch", "input": "p\n"})
    );
    assert_eq!(
        item(2),
        json!({"type": "function_call", "call_id": "c", "name": "other", "arguments": "{}"})
    );
}

#[test]
fn the_open_item_of_a_limited_answer_is_incomplete() {
    let outcome = stream(
        Provider::Groq,
        "m",
        &[
            r#"{"id":"x","choices":[{"delta":{"content":"so"}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":"}}]}}]}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#,
        ],
    );
    assert_eq!(outcome.end, End::Incomplete);
    assert_eq!(outcome.items[0]["status"], "completed");
    assert_eq!(outcome.items[1]["status"], "incomplete");
    assert_eq!(outcome.items[1]["arguments"], r#"{"x":"#);
    let response = outcome.response.unwrap();
    assert_eq!(
        response["incomplete_details"]["reason"],
        "max_output_tokens"
    );
    let filtered = stream(
        Provider::Groq,
        "m",
        &[r#"{"id":"x","choices":[{"delta":{"content":"so"},"finish_reason":"content_filter"}]}"#],
    );
    assert_eq!(
        filtered.response.unwrap()["incomplete_details"]["reason"],
        "content_filter"
    );
}

#[test]
fn failures_have_the_codes_of_openai_and_keep_what_is_finished() {
    let head = r#"{"id":"x","choices":[{"delta":{"reasoning":"r","content":"c"}}]}"#;
    for (error, code) in [
        (
            r#"{"error":{"message":"m","code":429}}"#,
            "rate_limit_exceeded",
        ),
        (
            r#"{"error":{"message":"m","status_code":400}}"#,
            "invalid_prompt",
        ),
        (r#"{"error":{"message":"m","code":503}}"#, "server_error"),
        ("not json", "server_error"),
    ] {
        let outcome = stream(Provider::Groq, "m", &[head, error]);
        assert_eq!(outcome.end, End::Failed);
        let response = outcome.response.unwrap();
        assert_eq!(response["error"]["code"], code, "{error}");
        let output = response["output"].as_array().unwrap();
        assert_eq!(output.len(), 1, "the message was not finished");
        assert_eq!(output[0]["type"], "reasoning");
    }
}

#[test]
fn groqs_searches_and_tiers() {
    let body = r#"{"id":"G1","created":5,"model":"groq/compound","service_tier":"performance","choices":[{"index":0,"finish_reason":"stop","message":{
        "content":"x","executed_tools":[{"index":0,"type":"search","arguments":"{\"query\":\"q\"}","search_results":{"results":[{"url":"https://a","title":"A"}]}},
        {"index":1,"type":"python","arguments":"{}"}],
        "annotations":[{"type":"document_citation"},{"type":"url_citation","url_citation":{"url":"https://a","title":"A","start_index":0,"end_index":1}}]}}]}"#;
    let answer =
        response::convert(body.as_bytes(), &state(Provider::Groq, "groq/compound"), CX).unwrap();
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(body["service_tier"], "priority");
    assert_eq!(body["output"].as_array().unwrap().len(), 2);
    assert_eq!(
        body["output"][0]["action"],
        json!({"type": "search", "query": "q", "queries": ["q"], "sources": [{"type": "url", "url": "https://a"}]})
    );
    assert_eq!(
        body["output"][1]["content"][0]["annotations"],
        json!([{"type": "url_citation", "url": "https://a", "title": "A", "start_index": 0, "end_index": 1}])
    );
}

#[test]
fn an_answer_without_anything_says_an_empty_text() {
    let body = br#"{"id":"x","choices":[{"message":{"content":null},"finish_reason":"stop"}]}"#;
    let answer = response::convert(body, &state(Provider::Groq, "m"), CX).unwrap();
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(body["output"][0]["content"][0]["text"], "");
    assert_eq!(body["status"], "completed");
    assert!(response::convert(b"{}", &state(Provider::Groq, "m"), CX).is_err());
    let mut out = BytesMut::new();
    assert!(response::replay(b"[]", &state(Provider::Groq, "m"), CX, &mut out).is_err());
    assert!(out.is_empty());
}

#[test]
fn a_freeform_input_that_never_ends_is_bounded() {
    let mut machine = ChatToResponses::new(state(Provider::Groq, "m"), CX, 4096);
    let mut out = BytesMut::new();
    let first = r#"{"id":"x","choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"apply_patch","arguments":"{\"input\":\""}}]}}]}"#;
    machine.event("", first.as_bytes(), &mut out).unwrap();
    let more = r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}}]}}]}"#;
    let failed = (0..1000).find_map(|_| machine.event("", more.as_bytes(), &mut out).err());
    machine.fail(&failed.unwrap(), &mut out);
    assert_eq!(validate(&out).unwrap().end, End::Failed);
}

/// Chunks of every kind, and odd ones.
fn pool() -> Vec<String> {
    let mut pool: Vec<String> = golden()
        .filter_map(|(_, case)| fs::read(case.join("upstream_stream.sse")).ok())
        .flat_map(|stream| events(&stream))
        .map(|(_, data)| data)
        .collect();
    let deltas = [
        r#"{"tool_calls":[{"index":1,"function":{"arguments":"}"}}]}"#,
        r#"{"tool_calls":[{"index":0,"id":"z","function":{"name":"apply_patch","arguments":"{\"inp"}}]}"#,
        r#"{"tool_calls":[{"function":{"arguments":"{\"x\":\"\\u007b"}}]}"#,
        r#"{"tool_calls":[{"index":0,"id":"z","extra_content":{"google":{"thought_signature":"S"}}}]}"#,
        r#"{"tool_calls":5,"function_call":{"name":"f","arguments":"{}"}}"#,
        r#"{"content":[{"text":"part"},{"refusal":"no"}],"reasoning":"why"}"#,
        r#"{"refusal":"no","extra_content":{"google":{"thought_signature":"M"}}}"#,
        r#"{"content":"<think>deep</think>[1] \ud83d\ude00 [2]"}"#,
        r#"{"content":"</thought>x","annotations":[{"type":"url_citation","url_citation":{"url":"u"}}]}"#,
        r#"{"executed_tools":[{"type":"browser_search","arguments":"{}"}]}"#,
    ];
    pool.extend(deltas.map(|delta| format!(r#"{{"choices":[{{"delta":{delta}}}]}}"#)));
    pool.extend(
        [
            r#"{"choices":[{"finish_reason":"length"}]}"#,
            r#"{"choices":[{"finish_reason":"content_filter"}],"citations":["https://c"]}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":1}}"#,
            r#"{"choices":null}"#,
            "{}",
            "",
            "[]",
        ]
        .map(str::to_owned),
    );
    pool
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_events_in_any_order_make_a_legal_stream(
        picks in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0_u8..8), 0..24),
        provider in prop::sample::select(vec![
            (Provider::Groq, "openai/gpt-oss-20b"),
            (Provider::Gemini, "gemini-3.8-flash"),
            (Provider::Perplexity, "sonar-reasoning-pro"),
            (Provider::OpenAiCompatible, "m"),
        ]),
    ) {
        let pool = pool();
        let upstream: Vec<(String, String)> = picks
            .iter()
            .map(|(pick, other, mutation)| {
                let data = pick.get(&pool).clone();
                // Most events stay as they are; some lose a piece, get one from elsewhere, or are cut.
                let data = match mutation {
                    0 => data.replacen("\"index\":0,", "", 1),
                    1 => data.replacen("\"id\":\"", "\"id\":\"é\\n", 2),
                    2 => {
                        let cut = (0..=other.index(data.len() + 1)).rev().find(|at| data.is_char_boundary(*at));
                        data[..cut.unwrap_or(0)].to_owned()
                    }
                    3 => data.replacen("null", "\"stop\"", 1),
                    _ => data,
                };
                (String::new(), data)
            })
            .collect();
        let (provider, model) = provider;
        let out = run(state(provider, model), &upstream);
        let outcome = validate(&out).map_err(TestCaseError::fail)?;
        prop_assert!(outcome.end != End::Open);
        let response = outcome.response.unwrap();
        let finished: Vec<Value> = outcome.items.iter().filter(|item| !item.is_null()).cloned().collect();
        prop_assert_eq!(response["output"].as_array().unwrap(), &finished);
    }
}
