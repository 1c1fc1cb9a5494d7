//! Whatever the request, the result is a refusal or a request that Converse takes; [`Case::try_run`] checks that.

use proptest::prelude::*;

use super::*;
use crate::target::{MidSystem, NoneStrategy, UnsupportedTools};

const ALL: [&str; 9] = [
    SONNET, SONNET_4, OPUS_4_6, OPUS_4_7, NOVA, NOVA_2, GPT_OSS, GPT, LLAMA,
];

fn word() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => prop::sample::select(vec!["a", "b", "", " ", "é\"\\\n", PNG, "s3://buck/a.png", "{}", "tlg1.a.b", "YSxi"]).prop_map(|s| json!(s)),
        1 => prop::sample::select(vec![json!(null), json!(1), json!([]), json!({}), json!(true), json!({"type": "text"})]),
    ]
}

fn part() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec![
        "input_text",
        "input_text",
        "output_text",
        "input_image",
        "input_file",
        "input_audio",
        "refusal",
        "odd",
    ]);
    let mark = prop::sample::select(vec![
        json!(null),
        json!({"mode": "explicit"}),
        json!({"mode": "explicit", "ttl": "12h"}),
        json!(5),
    ]);
    (kind, word(), mark).prop_map(|(kind, word, mark)| {
        json!({"type": kind, "text": word, "refusal": word, "image_url": word, "file_data": word, "filename": "a.txt",
            "input_audio": {"data": word, "format": "wav"}, "prompt_cache_breakpoint": mark})
    })
}

fn content() -> impl Strategy<Value = Value> {
    prop_oneof![2 => word(), 1 => prop::collection::vec(part(), 0..4).prop_map(Value::from)]
}

fn item() -> impl Strategy<Value = Value> {
    let id = prop::sample::select(vec!["a", "b", "c/1", "c_1", ""]);
    let name = prop::sample::select(vec!["f", "g.h", "odd name"]);
    let arguments = prop::sample::select(vec!["{}", "", "{\"a\":[1.0]}"]);
    let role = prop::sample::select(vec!["user", "user", "assistant", "developer", "odd"]);
    prop_oneof![
        4 => (role, content()).prop_map(|(role, content)| json!({"role": role, "content": content})),
        2 => prop::sample::select(vec!["hi", " x "]).prop_map(user),
        2 => prop::sample::select(vec!["yes", "", " y "]).prop_map(assistant),
        1 => Just(signed()),
        1 => word().prop_map(|word| json!({"type": "reasoning", "summary": [], "encrypted_content": word})),
        1 => prop::sample::select(vec!["web_search_call", "compaction", "additional_tools", "configuration_update"]).prop_map(|kind| json!({"type": kind})),
        3 => (id.clone(), name, arguments).prop_map(|(id, name, arguments)| call(id, name, arguments)),
        1 => id.clone().prop_map(|id| json!({"type": "custom_tool_call", "call_id": id, "name": "p", "input": "i"})),
        2 => (id, content()).prop_map(|(id, content)| output(id, content)),
    ]
}

/// Items in which each call is answered, mostly.
fn conversation() -> impl Strategy<Value = Vec<Value>> {
    let items = prop::collection::vec(item(), 0..12);
    (items, prop::bool::weighted(0.8)).prop_map(|(mut items, answered)| {
        if answered {
            let is_call = |item: &Value| {
                item["type"]
                    .as_str()
                    .is_some_and(|k| k.ends_with("tool_call") || k == "function_call")
            };
            let calls: Vec<Value> = items
                .iter()
                .filter(|item| is_call(item))
                .map(|item| item["call_id"].clone())
                .collect();
            items.retain(|item| item["type"] != "function_call_output");
            items.extend(
                calls
                    .iter()
                    .map(|id| output(id.as_str().unwrap(), json!("r"))),
            );
            items.push(user("end"));
        }
        items
    })
}

fn member() -> impl Strategy<Value = (&'static str, Value)> {
    let name = prop::sample::select(vec![
        "instructions",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "reasoning",
        "text",
        "temperature",
        "top_p",
        "max_output_tokens",
        "metadata",
        "user",
        "service_tier",
        "include",
        "store",
        "stream",
        "prompt_cache_options",
        "other",
    ]);
    let value = prop_oneof![
        word(),
        prop::sample::select(vec![
            json!("auto"),
            json!("none"),
            json!("required"),
            json!(0.5),
            json!(100),
            json!(false),
            json!({"effort": "high", "summary": "auto"}),
            json!({"format": {"type": "json_schema", "schema": {"type": "object"}}}),
            json!({"format": {"type": "json_object"}}),
            json!([function("f"), {"type": "custom", "name": "p"}]),
            json!([{"type": "namespace", "name": "n", "tools": [function("g.h")]}, {"type": "web_search"}]),
            json!({"type": "function", "name": "f"}),
            json!({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]}),
        ]),
    ];
    (name, value)
}

fn case() -> impl Strategy<Value = Case> {
    (prop::sample::select(ALL.to_vec()), any::<[bool; 6]>()).prop_map(
        |(model, [lossy, stub, native, drop, strip, forward])| {
            let mut case = Case::model(model).options(|options| {
                options.none_strategy = stub.then_some(NoneStrategy::Stub);
                options.mid_system = native.then_some(MidSystem::Native);
                options.unsupported_tools = drop.then_some(UnsupportedTools::Drop);
                options.strip_foreign_reasoning = Some(strip);
                options.forward_user = Some(forward);
            });
            case.lossy = lossy;
            case
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn a_refusal_or_a_request_that_converse_takes(items in conversation(), members in prop::collection::vec(member(), 0..5), case in case()) {
        let mut body = json!({"model": "m", "input": items});
        for (key, value) in members {
            body[key] = value;
        }
        let body = body.to_string();
        match case.try_run_text(&body) {
            // The same request is always converted the same.
            Ok(done) => prop_assert_eq!(&done.text, &case.try_run_text(&body).unwrap().text),
            Err(refusal) => prop_assert!(!refusal.message.is_empty()),
        }
    }

    /// The beginning of a conversation is always sent in the same way, as prompt caches want it.
    #[test]
    fn what_was_said_stays_as_it_was(items in conversation(), model in prop::sample::select(ALL.to_vec())) {
        let case = Case::model(model);
        let sent = |items: &[Value]| case.try_with(json!({ "input": items })).ok();
        let longer: Vec<Value> = items.iter().cloned().chain([assistant("more"), user("and")]).collect();
        if let (Some(short), Some(long)) = (sent(&items), sent(&longer))
            && items.last().is_some_and(|last| last["role"] == "user")
        {
            let short = short.body["messages"].as_array().unwrap();
            let long = long.body["messages"].as_array().unwrap();
            prop_assert_eq!(short.as_slice(), &long[..short.len()]);
        }
    }
}
