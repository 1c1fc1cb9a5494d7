//! Turns of every shape.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::convert::anthropic_out::cache::MarkPaths;
use crate::convert::converse_out::Rules;

const PATHS: MarkPaths = MarkPaths {
    tools: "tools[].cache_control",
    blocks: "messages[].content[].cache_control",
};

const CACHING: Rules = Rules {
    cache_content: true,
    cache_tools: true,
    cache_ttl: true,
    anthropic: true,
    parallel_switch: false,
    strict_tools: false,
    grounding: false,
    plain_stubs: false,
    native_system: false,
};

/// One step of a client's conversation.
#[derive(Debug, Clone)]
enum Step {
    User,
    Says(&'static str),
    Answers(&'static str),
    System(&'static str),
    Document,
    Thinks,
    Calls(&'static str),
    Result(&'static str, &'static str),
    Mark,
}

use Step::{Answers, Calls, Document, Mark, Result as Gives, Says, System, Thinks, User};

fn raw(json: &str) -> RawStr<'_> {
    RawStr::from_json(json).unwrap()
}

fn play<'a>(
    turns: &mut Turns<'_, 'a>,
    steps: &'a [Step],
    report: &mut LossReport,
) -> Result<(), Unpaired> {
    for (at, step) in steps.iter().enumerate() {
        match step {
            User => turns.user_message(),
            Says(text) => {
                turns.text(Role::User, raw(text))?;
            }
            Answers(text) => {
                turns.text(Role::Assistant, raw(text))?;
            }
            System(text) => turns.system_text(raw(text))?,
            Document => {
                turns.begin(Role::User)?;
                turns.buf().extend_from_slice(b"{\"document\":{}}");
                turns.end(Kind::Document);
            }
            Thinks => {
                turns.begin(Role::Assistant)?;
                turns.buf().extend_from_slice(b"{\"reasoningContent\":{}}");
                turns.end(Kind::Reasoning);
            }
            Calls(id) => {
                turns.begin_call(*id, "t.1", at)?;
                turns.buf().extend_from_slice(b"{\"a\":\"b\"}");
                turns.end_call();
            }
            Gives(id, text) => {
                turns.begin_result(id)?;
                turns.result_text(raw(text));
                if text.contains("image") {
                    turns
                        .result_block(Kind::Other)
                        .extend_from_slice(b"{\"image\":{}}");
                }
                turns.end_result(None)?;
            }
            Mark => turns.mark(Ttl::Unsaid, report),
        }
    }
    Ok(())
}

fn run(
    steps: &[Step],
    rules: Rules,
    as_text: bool,
) -> Result<(Value, Facts, LossReport), Unpaired> {
    let mut out = Out::begin(0, PATHS, rules);
    let mut report = LossReport::default();
    let mut turns = Turns::begin_list(&mut out, as_text);
    play(&mut turns, steps, &mut report)?;
    let facts = turns.finish()?;
    let body = out.finish(&mut report);
    let mut value: Value = serde_json::from_slice(&body).unwrap();
    Ok((value["messages"].take(), facts, report))
}

/// The conversation in short: `u` and `a` for the roles, the kind or the text of each block.
fn short(messages: &Value) -> String {
    let mut all = String::new();
    for message in messages.as_array().unwrap() {
        all.push_str(&message["role"].as_str().unwrap()[..1]);
        all.push('[');
        for block in message["content"].as_array().unwrap() {
            if let Some(text) = block["text"].as_str() {
                all.push_str(text);
            } else if let Some(call) = block["toolUse"].as_object() {
                all.push_str(&format!("call {}", call["toolUseId"].as_str().unwrap()));
            } else if let Some(result) = block["toolResult"].as_object() {
                let id = result["toolUseId"].as_str().unwrap();
                all.push_str(&format!(
                    "result {id}={}",
                    result["content"][0]["text"].as_str().unwrap_or("?")
                ));
            } else {
                all.push_str(block.as_object().unwrap().keys().next().unwrap());
            }
            all.push('|');
        }
        all.pop();
        all.push(']');
    }
    all
}

fn shape(steps: &[Step]) -> String {
    short(&run(steps, CACHING, false).unwrap().0)
}

#[test]
fn neighbours_merge_and_blanks_vanish() {
    for (steps, expected) in [
        (&[User, Says("\"a\""), User, Says("\"b\"")][..], "u[a|b]"),
        (
            &[User, Says("\"a\""), Answers("\" \""), User, Says("\"b\"")],
            "u[a|b]",
        ),
        (
            &[
                User,
                Says("\"a\""),
                Answers("\"x\""),
                User,
                Says("\"\\n\""),
                Answers("\"y\""),
            ],
            "u[a]a[x]u[(empty)]a[y]",
        ),
        (
            &[User, Says("\"a\""), Answers("\"x\""), User, Says("\"\"")],
            "u[a]a[x]u[(empty)]",
        ),
        (&[User, Says("\"\"")], "u[(empty)]"),
        (&[User, Says("\"\""), User, Says("\"b\"")], "u[b]"),
        (
            &[Answers("\"x\""), User, Says("\"b\"")],
            "u[(continued)]a[x]u[b]",
        ),
        (&[User, Document], "u[document|(see attached)]"),
        (&[User, Document, Says("\"x\"")], "u[document|x]"),
        (&[], ""),
    ] {
        assert_eq!(shape(steps), expected, "{steps:?}");
    }
}

#[test]
fn results_lead_and_texts_stand_before_calls() {
    let steps = [
        User,
        Says("\"a\""),
        Thinks,
        Calls("1"),
        Answers("\"late\""),
        Thinks,
        Calls("2"),
        User,
        Says("\"b\""),
        System("\"s\""),
        Gives("2", "\"two\""),
        Gives("1", "\"\""),
        Gives("1", "\"again\""),
    ];
    let (messages, facts, _) = run(&steps, CACHING, false).unwrap();
    assert_eq!(
        short(&messages),
        "u[a]a[reasoningContent|late|call 1|reasoningContent|call 2]\
u[result 2=two|result 1=(empty)|b|<system>\ns\n</system>]"
    );
    assert!(facts.has_repeated_results && facts.has_folded_system && facts.replays_reasoning);
    assert!(!facts.loop_without_reasoning && !facts.is_prefilled);
    assert_eq!(facts.called, ["t.1"]);
}

#[test]
fn calls_need_their_results() {
    let unanswered = |key: &str, at| {
        Err(Unpaired::Unanswered {
            key: key.to_owned(),
            at,
        })
    };
    for (steps, expected) in [
        (&[Calls("1"), User, Says("\"x\"")][..], unanswered("1", 0)),
        (&[Calls("1")], unanswered("1", 0)),
        (&[Calls("1"), User, Answers("\"x\"")], unanswered("1", 0)),
        (
            &[
                Calls("1"),
                Calls("2"),
                Gives("1", "\"x\""),
                Answers("\"x\""),
            ],
            unanswered("2", 1),
        ),
        (&[Says("\"x\""), Gives("1", "\"x\"")], Err(Unpaired::Orphan)),
        (
            &[
                Calls("1"),
                Gives("1", "\"x\""),
                Answers("\"x\""),
                Gives("1", "\"x\""),
            ],
            Err(Unpaired::Orphan),
        ),
    ] {
        let found = run(steps, CACHING, false).map(|_| ());
        assert_eq!(found, expected, "{steps:?}");
    }
    let steps = [Says("\"x\""), Calls("1"), Gives("1", "\"x\"")];
    assert!(
        run(&steps, CACHING, false)
            .unwrap()
            .1
            .loop_without_reasoning
    );
}

#[test]
fn ids_become_valid_and_different() {
    let steps = [
        Calls("a/b"),
        Calls("a/b"),
        Gives("a/b", "\"one\""),
        Gives("a/b", "\"two\""),
        Gives("a/b", "\"three\""),
        Calls("a/b"),
        Gives("a/b", "\"four\""),
    ];
    assert_eq!(
        shape(&steps),
        "u[(continued)]a[call a_b_c14cddc0|call a_b_c14cddc0_2]\
u[result a_b_c14cddc0=one|result a_b_c14cddc0_2=two]a[call a_b_c14cddc0_3]u[result a_b_c14cddc0_3=four]"
    );
}

#[test]
fn marks_find_their_place() {
    for (steps, expected) in [
        (
            &[User, Says("\"a\""), Mark, Mark, Says("\"b\"")][..],
            "u[a|cachePoint|b]",
        ),
        (
            &[User, Document, Mark],
            "u[document|(see attached)|cachePoint]",
        ),
        (
            &[
                User,
                Says("\"a\""),
                Answers("\"x\""),
                Thinks,
                Thinks,
                Mark,
                Calls("1"),
                Gives("1", "\"r\""),
                Mark,
            ],
            "u[a]a[x|cachePoint|reasoningContent|reasoningContent|call 1]u[result 1=r|cachePoint]",
        ),
        (
            &[
                User,
                Says("\"a\""),
                Mark,
                Calls("1"),
                Answers("\"x\""),
                Mark,
                Says("\"b\""),
                Mark,
                Gives("1", "\"r\""),
            ],
            "u[a|cachePoint]a[x|cachePoint|call 1]u[result 1=r|b|cachePoint]",
        ),
    ] {
        let (messages, _, report) = run(steps, CACHING, false).unwrap();
        assert_eq!(short(&messages), expected, "{steps:?}");
        assert!(report.dropped().is_empty());
    }
    let steps = [User, Says("\"a\""), Thinks, Mark, Answers("\"x\"")];
    let (messages, _, report) = run(&steps, CACHING, false).unwrap();
    assert_eq!(short(&messages), "u[a]a[reasoningContent|x]");
    assert_eq!(report.dropped(), [PATHS.blocks]);
    let (messages, _, report) = run(&[User, Says("\"a\""), Mark], Rules::default(), false).unwrap();
    assert_eq!(short(&messages), "u[a]");
    assert_eq!(report.dropped(), [PATHS.blocks]);
    let (_, _, report) = run(&[Mark], CACHING, false).unwrap();
    assert_eq!(report.dropped(), [PATHS.blocks]);
}

#[test]
fn a_prefill_loses_the_space_at_its_end() {
    for (text, expected, trimmed) in [
        ("\"x \\n\"", "u[a]a[x|cachePoint]", true),
        ("\" x\"", "u[a]a[ x|cachePoint]", false),
        ("\"é\\u00a0\"", "u[a]a[é|cachePoint]", true),
    ] {
        let steps = [User, Says("\"a\""), Answers(text), Mark];
        let (messages, facts, _) = run(&steps, CACHING, false).unwrap();
        assert_eq!(short(&messages), expected);
        assert!(facts.is_prefilled);
        assert_eq!(facts.is_trimmed, trimmed);
    }
}

#[test]
fn system_messages_may_stay_what_they_are() {
    let native = Rules {
        native_system: true,
        ..CACHING
    };
    let shape = |steps: &[Step]| short(&run(steps, native, false).unwrap().0);
    // They never part a call from its result.
    assert_eq!(
        shape(&[
            Says("\"a\""),
            Calls("1"),
            System("\"s\""),
            Gives("1", "\"r\""),
            System("\" \""),
            System("\"t\""),
            Answers("\"x\""),
            System("\"v\""),
            User,
            Says("\"b\"")
        ]),
        "u[a]a[call 1]u[result 1=r]s[s]s[t]a[x]u[b]s[v]"
    );
    // Behind the assistant they need a turn of the user's.
    assert_eq!(
        shape(&[Says("\"a\""), Answers("\"x\""), System("\"s\"")]),
        "u[a]a[x]u[<system>\ns\n</system>]"
    );
}

#[test]
fn calls_can_become_texts() {
    let steps = [
        Says("\"a\""),
        Calls("1"),
        Calls("2"),
        Gives("1", "\"r\\n\""),
        Gives("2", "\"image\""),
    ];
    let (messages, facts, _) = run(&steps, CACHING, true).unwrap();
    assert_eq!(
        short(&messages),
        "u[a]a[[called t.1 with {\"a\":\"b\"}]|[called t.1 with {\"a\":\"b\"}]]\
u[[result of t.1: r\n]|[result of t.1: image]|image]"
    );
    assert!(facts.has_written_calls && !facts.has_calls);
    let (messages, ..) = run(&[Calls("1"), Gives("1", "\"\"")], CACHING, true).unwrap();
    assert!(short(&messages).ends_with("u[[result of t.1: (empty)]]"));
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(User),
        prop_oneof![Just("\"a\""), Just("\"\""), Just("\"b \"")].prop_map(Says),
        prop_oneof![Just("\"x \""), Just("\" \""), Just("\"y\"")].prop_map(Answers),
        prop_oneof![Just("\"s\""), Just("\"\"")].prop_map(System),
        Just(Document),
        Just(Thinks),
        prop_oneof![Just("1"), Just("2/"), Just("")].prop_map(Calls),
        (
            prop_oneof![Just("1"), Just("2/"), Just("")],
            prop_oneof![Just("\"r\""), Just("\"\""), Just("\"image\"")]
        )
            .prop_map(|(id, text)| Gives(id, text)),
        Just(Mark),
    ]
}

/// Whether Converse would take the conversation.
fn check(messages: &Value) {
    let list = messages.as_array().unwrap();
    let mut before: Option<&Value> = None;
    for (at, message) in list.iter().enumerate() {
        let role = message["role"].as_str().unwrap();
        assert_eq!(role, if at % 2 == 0 { "user" } else { "assistant" });
        let blocks = message["content"].as_array().unwrap();
        assert!(!blocks.is_empty());
        let kinds: Vec<&str> = blocks
            .iter()
            .map(|block| {
                let object = block.as_object().unwrap();
                assert_eq!(object.len(), 1);
                object.keys().next().unwrap().as_str()
            })
            .collect();
        for (index, kind) in kinds.iter().enumerate() {
            if *kind == "cachePoint" {
                assert!(index > 0 && kinds[index - 1] != "reasoningContent");
            }
            if *kind == "text" {
                assert!(!blocks[index]["text"].as_str().unwrap().trim().is_empty());
                assert!(!kinds[..index].contains(&"toolUse"));
            }
            if *kind == "toolResult" {
                assert!(
                    kinds[..index]
                        .iter()
                        .all(|k| matches!(*k, "toolResult" | "cachePoint"))
                );
            }
        }
        assert!(!kinds.contains(&"document") || kinds.contains(&"text"));
        let ids = |message: Option<&Value>, kind: &str| -> Vec<String> {
            let blocks = message.and_then(|message| message["content"].as_array());
            let mut ids: Vec<String> = blocks
                .into_iter()
                .flatten()
                .filter_map(|block| block[kind]["toolUseId"].as_str())
                .map(str::to_owned)
                .collect();
            ids.sort();
            ids
        };
        if role == "user" {
            assert_eq!(ids(before, "toolUse"), ids(Some(message), "toolResult"));
        }
        before = Some(message);
    }
}

proptest! {
    #[test]
    fn any_steps_give_a_conversation_that_converse_takes(
        steps in prop::collection::vec(any_step(), 0..24),
        as_text: bool,
    ) {
        if let Ok((messages, facts, _)) = run(&steps, CACHING, as_text) {
            check(&messages);
            prop_assert_eq!(facts.is_empty, messages.as_array().unwrap().is_empty());
            let marks = messages.to_string().matches("cachePoint").count();
            prop_assert!(marks <= 4);
        }
    }
}
