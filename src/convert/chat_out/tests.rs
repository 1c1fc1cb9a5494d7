//! The rules for messages, each provider's.

use std::borrow::Cow;

use bytes::BytesMut;
use serde_json::{Value, json};

use super::*;
use crate::convert::report::{LossReport, Refusal};
use crate::provider::Provider;

const GEMINI: &str = "gemini-3.8-flash";

fn finish(
    conversation: Conversation<'_>,
    provider: Provider,
    model: &str,
    late: LateSystem,
) -> Result<(Value, LossReport), Refusal> {
    let mut report = LossReport::default();
    let profile = provider.spec().chat.unwrap();
    let finished = conversation.finish("input", profile, model, late, &mut report)?;
    let mut out = BytesMut::new();
    finished.write(&mut out);
    Ok((serde_json::from_slice(&out).unwrap(), report))
}

fn written(turns: Vec<Turn<'static>>, provider: Provider, model: &str) -> Value {
    let mut conversation = Conversation::default();
    for turn in turns {
        conversation.push(turn);
    }
    finish(conversation, provider, model, LateSystem::Merge)
        .unwrap()
        .0
}

fn refused(turns: Vec<Turn<'static>>, provider: Provider) -> (String, String) {
    let mut conversation = Conversation::default();
    for turn in turns {
        conversation.push(turn);
    }
    let refusal = finish(conversation, provider, "m", LateSystem::Merge).unwrap_err();
    (refusal.param.into_owned(), refusal.message.into_owned())
}

fn system(text: &'static str) -> Turn<'static> {
    Turn::System {
        at: 0,
        texts: vec![text.into()],
    }
}

fn user(text: &'static str) -> Turn<'static> {
    Turn::User {
        at: 1,
        parts: vec![Part::Text(text.into())],
        speaks: true,
    }
}

fn says(text: &'static str) -> Turn<'static> {
    Turn::Assistant(Assistant {
        at: 2,
        texts: vec![text.into()],
        ..Assistant::default()
    })
}

fn calls(ids: &[&'static str]) -> Turn<'static> {
    let call = |id: &&'static str| Call::new(*id, "f", Arguments::Text(Cow::Borrowed("{}")));
    Turn::Assistant(Assistant {
        at: 3,
        calls: ids.iter().map(call).collect(),
        ..Assistant::default()
    })
}

fn result(id: &'static str) -> Turn<'static> {
    Turn::Result(ToolResult::new(4, id, vec!["r".into()], Vec::new()))
}

fn roles(messages: &Value) -> Vec<String> {
    messages
        .as_array()
        .unwrap()
        .iter()
        .map(|message| {
            let id = message["tool_call_id"].as_str().unwrap_or_default();
            format!("{}{id}", message["role"].as_str().unwrap())
        })
        .collect()
}

#[test]
fn empty_texts_and_messages_vanish_and_texts_join() {
    let messages = written(
        vec![
            system(""),
            Turn::User {
                at: 0,
                parts: vec![Part::Text("".into())],
                speaks: true,
            },
            Turn::User {
                at: 0,
                parts: vec![
                    Part::Text("a".into()),
                    Part::Text("".into()),
                    Part::Text("b".into()),
                ],
                speaks: true,
            },
            says(""),
            says("x"),
            says("y"),
            user("z"),
        ],
        Provider::Groq,
        "m",
    );
    assert_eq!(
        messages,
        json!([
            {"role": "user", "content": "a\nb"},
            {"role": "assistant", "content": "x\n\ny"},
            {"role": "user", "content": "z"}
        ])
    );
}

#[test]
fn results_stand_right_behind_their_calls_in_the_clients_order() {
    let messages = written(
        vec![
            user("u"),
            calls(&["a", "b"]),
            result("b"),
            says("between"),
            user("late"),
            result("a"),
        ],
        Provider::Groq,
        "m",
    );
    assert_eq!(
        roles(&messages),
        ["user", "assistant", "toolb", "toola", "assistant", "user"]
    );
    // The same id in a later turn is another call.
    let messages = written(
        vec![
            user("u"),
            calls(&["a"]),
            result("a"),
            calls(&["a"]),
            result("a"),
        ],
        Provider::Groq,
        "m",
    );
    assert_eq!(
        roles(&messages),
        ["user", "assistant", "toola", "assistant", "toola"]
    );
}

#[test]
fn orphans_are_refused_in_openais_words() {
    assert_eq!(
        refused(vec![user("u"), result("x")], Provider::Groq),
        (
            "input[4]".to_owned(),
            "No tool call found for function call output with call_id x.".to_owned()
        )
    );
    assert_eq!(
        refused(
            vec![user("u"), calls(&["a"]), result("a"), result("a")],
            Provider::Groq
        )
        .0,
        "input[4]"
    );
    for rest in [user("next"), result("a")] {
        let (param, message) = refused(vec![user("u"), calls(&["a", "b"]), rest], Provider::Groq);
        assert_eq!(param, "input[3]");
        assert!(message.starts_with("No tool output found for function call "));
    }
    // The last calls may still be running.
    written(vec![user("u"), calls(&["a"])], Provider::Groq, "m");
}

#[test]
fn media_of_results_follow_in_a_message_of_the_user() {
    let image = || Media::Image {
        url: Url::whole("data:image/png;base64,AA=="),
        detail: Some("high"),
    };
    let with = |id, media| Turn::Result(ToolResult::new(4, id, vec!["r".into()], media));
    let messages = written(
        vec![
            user("u"),
            calls(&["a", "b"]),
            with("a", vec![image()]),
            with(
                "b",
                vec![Media::ImageFile(Url::data("application/pdf", "AA"))],
            ),
            user("next"),
        ],
        Provider::Groq,
        "m",
    );
    assert_eq!(
        roles(&messages),
        ["user", "assistant", "toola", "toolb", "user", "user"]
    );
    assert_eq!(
        messages[4]["content"],
        json!([
            {"type": "text", "text": "[image returned by tool call a]"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "high"}},
            {"type": "text", "text": "[file returned by tool call b]"},
            {"type": "image_url", "image_url": {"url": "data:application/pdf;base64,AA"}}
        ])
    );
}

#[test]
fn system_messages_by_provider() {
    let turns = || {
        vec![
            system("a"),
            system("b"),
            user("u"),
            system("late"),
            user("v"),
        ]
    };
    let of = |provider, late| {
        let mut conversation = Conversation::default();
        for turn in turns() {
            conversation.push(turn);
        }
        finish(conversation, provider, "m", late).unwrap()
    };
    let (kept, report) = of(Provider::Groq, LateSystem::Merge);
    assert_eq!(
        kept,
        json!([
            {"role": "system", "content": "a\n\nb"},
            {"role": "user", "content": "u"},
            {"role": "system", "content": "late"},
            {"role": "user", "content": "v"}
        ])
    );
    assert_eq!(report, LossReport::default());
    let (merged, report) = of(Provider::Gemini, LateSystem::Merge);
    assert_eq!(merged[0]["content"], "a\n\nb\n\nlate");
    assert_eq!(roles(&merged), ["system", "user", "user"]);
    assert_eq!(report.approximated(), ["input[].role"]);
    let (marked, _) = of(Provider::Gemini, LateSystem::Mark);
    assert_eq!(
        marked[2],
        json!({"role": "user", "content": "[System message]\nlate"})
    );
    let (alternating, _) = of(Provider::Perplexity, LateSystem::Mark);
    assert_eq!(
        alternating,
        json!([
            {"role": "system", "content": "a\n\nb"},
            {"role": "user", "content": "u\n\n[System message]\nlate\n\nv"}
        ])
    );
}

#[test]
fn orders_that_providers_refuse() {
    for (turns, provider, param) in [
        (vec![system("s")], Provider::Groq, "input"),
        (vec![], Provider::Groq, "input"),
        (vec![says("a"), user("u")], Provider::Perplexity, "input[2]"),
        (vec![user("u"), says("a")], Provider::Perplexity, "input[2]"),
        (vec![user("u"), says("a")], Provider::Gemini, "input[2]"),
        (vec![user("u"), calls(&["a"])], Provider::Gemini, "input[3]"),
        (
            vec![user("u"), calls(&["a"]), result("a")],
            Provider::Perplexity,
            "input[3]",
        ),
    ] {
        assert_eq!(refused(turns, provider).0, param);
    }
    written(vec![says("a"), user("u"), says("b")], Provider::Groq, "m");
}

#[test]
fn users_merge_where_roles_alternate_and_pictures_make_a_list() {
    let picture = Turn::User {
        at: 1,
        parts: vec![Part::Media(Media::FileUrl {
            url: "JVBERi".into(),
            name: Some("a.pdf".into()),
        })],
        speaks: true,
    };
    assert_eq!(
        written(
            vec![user("a"), picture, user("b")],
            Provider::Perplexity,
            "sonar"
        ),
        json!([{"role": "user", "content": [
            {"type": "text", "text": "a"},
            {"type": "file_url", "file_url": {"url": "JVBERi"}, "file_name": "a.pdf"},
            {"type": "text", "text": "b"}
        ]}])
    );
}

#[test]
fn signatures_go_back_to_their_calls_and_missing_ones_are_made_up_for() {
    let mut conversation = Conversation::default();
    conversation.push(user("old"));
    conversation.push(calls(&["o"]));
    conversation.push(result("o"));
    conversation.push(user("u"));
    conversation.push(calls(&["a", "b"]));
    conversation.push(result("a"));
    conversation.push(result("b"));
    conversation.push(calls(&["c__thought__c2ln", "d"]));
    conversation.push(result("c__thought__c2ln"));
    conversation.push(result("d"));
    conversation.push(calls(&["e"]));
    conversation.push(result("e"));
    let envelope = gemini_envelope::write(&[
        Signature::Call {
            id: "a".into(),
            value: "QQ==".into(),
        },
        Signature::Message { value: "bQ".into() },
    ]);
    let opaque = format!("\"{envelope}\"");
    assert_eq!(
        conversation
            .read_envelope(RawStr::from_json(&opaque).unwrap())
            .as_deref(),
        Some("bQ")
    );
    for foreign in ["\"gAAAA\"", "\"tlg1.openai.e30\"", "\"tlg1.gemini.%\""] {
        assert_eq!(
            conversation.read_envelope(RawStr::from_json(foreign).unwrap()),
            None
        );
    }
    let (messages, _) = finish(conversation, Provider::Gemini, GEMINI, LateSystem::Merge).unwrap();
    let signature = |message: usize, call: usize| {
        messages[message]["tool_calls"][call]["extra_content"]["google"]["thought_signature"]
            .clone()
    };
    // Calls before the current turn need none.
    assert_eq!(signature(1, 0), Value::Null);
    assert_eq!(signature(4, 0), "QQ==");
    assert_eq!(signature(4, 1), Value::Null);
    assert_eq!(signature(7, 0), "c2ln");
    assert_eq!(messages[7]["tool_calls"][0]["id"], "c");
    assert_eq!(messages[8]["tool_call_id"], "c");
    assert_eq!(signature(7, 1), Value::Null);
    assert_eq!(signature(10, 0), "skip_thought_signature_validator");
    let older = written(
        vec![user("u"), calls(&["a"]), result("a")],
        Provider::Gemini,
        "gemini-2.5-pro",
    );
    assert!(older[1]["tool_calls"][0].get("extra_content").is_none());
    let groq = written(
        vec![user("u"), calls(&["a__thought__x"]), result("a")],
        Provider::Groq,
        "m",
    );
    assert!(groq[1]["tool_calls"][0].get("extra_content").is_none());
}

#[test]
fn reasoning_goes_back_within_the_current_turn_and_to_models_that_take_it() {
    let turns = || {
        let thinks = |id| {
            Turn::Assistant(Assistant {
                reasoning: vec!["because".into()],
                calls: vec![Call::new(id, "f", Arguments::Text("".into()))],
                ..Assistant::default()
            })
        };
        vec![
            user("u"),
            thinks("a"),
            result("a"),
            user("v"),
            thinks("b"),
            result("b"),
        ]
    };
    let messages = written(turns(), Provider::Groq, "openai/gpt-oss-120b");
    assert_eq!(messages[1].get("reasoning"), None);
    assert_eq!(messages[4]["reasoning"], "because");
    assert_eq!(messages[4]["tool_calls"][0]["function"]["arguments"], "{}");
    let messages = written(turns(), Provider::Groq, "llama");
    assert_eq!(messages[4].get("reasoning"), None);
    assert_eq!(messages[4]["content"], Value::Null);
}

#[test]
fn arguments_become_strings() {
    for (arguments, expected) in [
        (Arguments::Text(r#"{\"a\":1}"#.into()), r#"{"a":1}"#),
        (
            Arguments::Json("{ \"a\" : \"x \\\" y\",\n\t\"é\":[1 , 2.50] }"),
            r#"{"a":"x \" y","é":[1,2.50]}"#,
        ),
        (Arguments::Json("{}"), "{}"),
        (
            Arguments::Input(RawStr::from_json(r#""*** \"Begin\"\n""#).unwrap()),
            r#"{"input":"*** \"Begin\"\n"}"#,
        ),
    ] {
        let messages = written(
            vec![
                user("u"),
                Turn::Assistant(Assistant {
                    calls: vec![Call::new("a", "f", arguments)],
                    ..Assistant::default()
                }),
            ],
            Provider::Groq,
            "m",
        );
        assert_eq!(
            messages[1]["tool_calls"][0]["function"]["arguments"],
            expected
        );
    }
}

#[test]
fn a_json_text_that_is_cut_does_not_panic() {
    for json in ["{\"a", "\"\\", "\"", ""] {
        let messages = written(
            vec![
                user("u"),
                Turn::Assistant(Assistant {
                    calls: vec![Call::new("a", "f", Arguments::Json(json))],
                    ..Assistant::default()
                }),
            ],
            Provider::Groq,
            "m",
        );
        assert!(messages[1]["tool_calls"][0]["function"]["arguments"].is_string());
    }
}

#[test]
fn texts_as_the_inside_of_strings() {
    assert!(matches!(escaped("plain é"), Cow::Borrowed("plain é")));
    assert_eq!(escaped("a\"\\\n\u{1}"), r#"a\"\\\n\u0001"#);
}
