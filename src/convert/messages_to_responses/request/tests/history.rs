use serde_json::{Value, json};

use super::{Case, user};
use crate::convert::openai_envelope;
use crate::format::raw::RawStr;
use crate::target::Options;

fn input(done: &super::Done) -> &Vec<Value> {
    done.body["input"].as_array().unwrap()
}

/// The parts of the only message.
fn parts(done: &super::Done) -> &Value {
    assert_eq!(input(done).len(), 1, "{}", done.text);
    &done.body["input"][0]["content"]
}

fn envelope(encrypted: &str) -> String {
    let quoted = format!("\"{encrypted}\"");
    openai_envelope::pack(RawStr::from_json(&quoted), None::<[RawStr<'_>; 0]>)
}

#[test]
fn user_texts() {
    let done = user(json!("a\nb"));
    done.exact();
    assert_eq!(
        parts(&done),
        &json!([{"type": "input_text", "text": "a\nb"}])
    );
    let done = user(
        json!([{"type": "text", "text": "a"}, {"type": "text", "text": ""}, {"type": "text", "text": " "}]),
    );
    assert_eq!(
        parts(&done),
        &json!([{"type": "input_text", "text": "a"}, {"type": "input_text", "text": " "}])
    );
    user(json!([{"type": "text", "text": "a", "citations": [{}], "x": 1}]))
        .dropped("messages[].content[].citations")
        .dropped("messages[].content[].x");
    // A message that has nothing to say is no item.
    let done = Case::default().say(json!([
        {"role": "user", "content": ""},
        {"role": "user", "content": [{"type": "text", "text": ""}]},
        {"role": "assistant", "content": []},
        {"role": "user", "content": "x"},
    ]));
    assert_eq!(input(&done).len(), 1);
}

#[test]
fn images() {
    let done = user(json!([
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}},
        {"type": "image", "source": {"type": "url", "url": "https://ex.org/a.png"}, "cache_control": {"type": "ephemeral"}, "transformations": []},
    ]));
    done.dropped("messages[].content[].cache_control")
        .dropped("messages[].content[].transformations");
    assert_eq!(
        parts(&done),
        &json!([
            {"type": "input_image", "image_url": "data:image/png;base64,iVBO", "detail": "auto"},
            {"type": "input_image", "image_url": "https://ex.org/a.png", "detail": "auto"},
        ])
    );
    let refuse = |source: Value, member: &str| {
        let content = json!([{"type": "image", "source": source}]);
        Case::default().unsupported(
            &format!("messages[0].content[0].{member}"),
            json!({"messages": [{"role": "user", "content": content}]}),
        );
    };
    refuse(json!({"type": "file", "file_id": "file_1"}), "source");
    refuse(json!({"type": "new"}), "source.type");
    Case::default().invalid(
        "messages[0].content[0].source.data",
        json!({"messages": [{"role": "user", "content": [
            {"type": "image", "source": {"type": "base64", "media_type": "image/png"}}]}]}),
    );
}

#[test]
fn documents() {
    let done = user(json!([
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}, "context": "c"},
        {"type": "document", "title": "r.pdf", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}, "citations": {"enabled": true}},
        {"type": "document", "source": {"type": "url", "url": "https://ex.org/a.pdf"}},
        {"type": "document", "title": "a \"b\" <&>", "context": "d", "source": {"type": "text", "media_type": "text/plain", "data": "x\ny"}},
        {"type": "document", "citations": {"enabled": false}, "source": {"type": "content", "content": [
            {"type": "text", "text": "one"},
            {"type": "image", "source": {"type": "url", "url": "https://ex.org/i.png"}},
            {"type": "text", "text": "two"},
        ]}},
        {"type": "document", "source": {"type": "content", "content": "plain"}},
        {"type": "search_result", "source": "https://s", "title": "T", "content": [{"type": "text", "text": "p"}, {"type": "text", "text": "q"}]},
    ]));
    done.dropped("messages[].content[].context")
        .dropped("messages[].content[].citations")
        .approximated("messages[].content[].source")
        .approximated("messages[].content[]");
    assert_eq!(
        parts(&done),
        &json!([
            {"type": "input_file", "filename": "document.pdf", "file_data": "data:application/pdf;base64,JVBE"},
            {"type": "input_file", "filename": "r.pdf", "file_data": "data:application/pdf;base64,JVBE"},
            {"type": "input_file", "file_url": "https://ex.org/a.pdf"},
            {"type": "input_text", "text": "<document title=\"a &quot;b&quot; &lt;&amp;&gt;\" context=\"d\">\nx\ny\n</document>"},
            {"type": "input_text", "text": "<document>\none\ntwo\n</document>"},
            {"type": "input_image", "image_url": "https://ex.org/i.png", "detail": "auto"},
            {"type": "input_text", "text": "<document>\nplain\n</document>"},
            {"type": "input_text", "text": "<search_result source=\"https://s\" title=\"T\">p\nq</search_result>"},
        ])
    );
    for (block, param) in [
        (
            json!({"type": "document", "source": {"type": "file", "file_id": "f"}}),
            "source",
        ),
        (
            json!({"type": "document", "source": {"type": "base64", "media_type": "text/plain", "data": ""}}),
            "source.media_type",
        ),
        (json!({"type": "container_upload", "file_id": "f"}), "type"),
        (json!({"type": "hologram"}), "type"),
        (
            json!({"type": "tool_use", "id": "a", "name": "b", "input": {}}),
            "type",
        ),
    ] {
        Case::default().unsupported(
            &format!("messages[0].content[0].{param}"),
            json!({"messages": [{"role": "user", "content": [block]}]}),
        );
    }
}

#[test]
fn results() {
    let output = |block: Value| {
        let mut block = block;
        block["type"] = json!("tool_result");
        block["tool_use_id"] = json!("call_1");
        let done = user(json!([block]));
        assert_eq!(input(&done).len(), 1);
        let item = &done.body["input"][0];
        assert_eq!(item["type"], "function_call_output");
        assert_eq!(item["call_id"], "call_1");
        item["output"].clone()
    };
    let png = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}});
    let image =
        json!({"type": "input_image", "image_url": "data:image/png;base64,iVBO", "detail": "auto"});
    for (block, expected) in [
        (json!({}), json!("")),
        (json!({"content": ""}), json!("")),
        (json!({"content": []}), json!("")),
        (json!({"content": "a\"b"}), json!("a\"b")),
        (
            json!({"content": "denied", "is_error": true}),
            json!("[tool error] denied"),
        ),
        (json!({"is_error": true}), json!("[tool error]")),
        (json!({"content": "fine", "is_error": false}), json!("fine")),
        (
            json!({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": ""}, {"type": "text", "text": "b"}]}),
            json!("a\nb"),
        ),
        (
            json!({"content": [{"type": "tool_reference", "tool_name": "WebFetch"}, {"type": "tool_reference", "tool_name": "X"}]}),
            json!("tool: WebFetch\ntool: X"),
        ),
        (
            json!({"content": [png, {"type": "text", "text": "a"}, {"type": "tool_reference", "tool_name": "X"}], "is_error": true}),
            json!([image, {"type": "input_text", "text": "[tool error] a"}, {"type": "input_text", "text": "tool: X"}]),
        ),
        (
            json!({"content": [png], "is_error": true}),
            json!([image, {"type": "input_text", "text": "[tool error]"}]),
        ),
    ] {
        assert_eq!(output(block.clone()), expected, "{block}");
    }
    // Results interrupt the message around them, and keep their place.
    let done = user(json!([
        {"type": "text", "text": "a"},
        {"type": "tool_result", "tool_use_id": "c", "content": "r"},
        {"type": "text", "text": "b"},
    ]));
    let kinds: Vec<&Value> = input(&done).iter().map(|item| &item["type"]).collect();
    assert_eq!(kinds, ["message", "function_call_output", "message"]);
    Case::default().unsupported(
        "messages[0].content[0].content[1].type",
        json!({"messages": [{"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "c", "content": [{"type": "text", "text": "a"}, {"type": "hologram"}]}]}]}),
    );
    Case::default().invalid(
        "messages[0].content[0].tool_use_id",
        json!({"messages": [{"role": "user", "content": [{"type": "tool_result"}]}]}),
    );
}

#[test]
fn cache_marks() {
    let mark = json!({"type": "ephemeral"});
    let breakpoint = json!({"mode": "explicit"});
    let content = json!([
        {"type": "text", "text": "a", "cache_control": mark},
        {"type": "document", "source": {"type": "url", "url": "u"}, "cache_control": mark},
        {"type": "tool_result", "tool_use_id": "c", "content": "r", "cache_control": mark},
        {"type": "tool_result", "tool_use_id": "d", "content": [{"type": "text", "text": "s", "cache_control": mark}], "cache_control": mark},
        {"type": "tool_result", "tool_use_id": "e", "content": "", "cache_control": mark},
    ]);
    let done = user(content.clone());
    done.dropped("messages[].content[].cache_control");
    assert_eq!(
        done.body["input"],
        json!([
            {"type": "message", "role": "user", "content": [
                {"type": "input_text", "text": "a", "prompt_cache_breakpoint": breakpoint},
                {"type": "input_file", "file_url": "u", "prompt_cache_breakpoint": breakpoint},
            ]},
            {"type": "function_call_output", "call_id": "c", "output": [
                {"type": "input_text", "text": "r", "prompt_cache_breakpoint": breakpoint},
            ]},
            {"type": "function_call_output", "call_id": "d", "output": [
                {"type": "input_text", "text": "s", "prompt_cache_breakpoint": breakpoint},
            ]},
            {"type": "function_call_output", "call_id": "e", "output": ""},
        ])
    );
    let old = Case::model("gpt-5.5").say(json!([{"role": "user", "content": content}]));
    assert!(!old.text.contains("breakpoint"));
    old.dropped("messages[].content[].cache_control");
    assert_eq!(old.body["input"][1]["output"], "r");
    // The last four stay.
    let texts: Vec<Value> = (0..7)
        .map(|n| json!({"type": "text", "text": n.to_string(), "cache_control": mark}))
        .collect();
    let done = user(json!(texts));
    let marked: Vec<&str> = parts(&done)
        .as_array()
        .unwrap()
        .iter()
        .filter(|part| part.get("prompt_cache_breakpoint").is_some())
        .map(|part| part["text"].as_str().unwrap())
        .collect();
    assert_eq!(marked, ["3", "4", "5", "6"]);
    done.dropped("messages[].content[].cache_control");
}

#[test]
fn assistant_turns_keep_their_order() {
    let done = Case::default().say(json!([
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": [
            {"type": "text", "text": "a", "citations": [{"type": "x"}]},
            {"type": "text", "text": "b"},
            {"type": "tool_use", "id": "call_1", "name": "f", "input": {"b": 1, "a": [1.50]}, "caller": {"type": "direct"}, "cache_control": {"type": "ephemeral"}},
            {"type": "text", "text": "c"},
            {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
            {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
            {"type": "mcp_tool_use", "id": "m", "name": "n", "server_name": "s", "input": {}},
            {"type": "mcp_tool_result", "tool_use_id": "m", "content": []},
            {"type": "text", "text": "d"},
        ]},
        {"role": "assistant", "content": "e"},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "r"}]},
    ]));
    done.dropped("messages[].content[]")
        .dropped("messages[].content[].citations")
        .dropped("messages[].content[].cache_control");
    let message = |text: &str| json!({"type": "message", "role": "assistant", "content": text});
    assert_eq!(
        input(&done)[1..6],
        [
            message("ab"),
            json!({"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{\"a\":[1.5],\"b\":1}"}),
            message("c"),
            message("d"),
            message("e"),
        ]
    );
    for (block, param) in [
        (
            json!({"type": "tool_use", "id": "i", "name": "n", "input": {}, "toolset_name": "t"}),
            "type",
        ),
        (
            json!({"type": "tool_use", "id": "i", "name": "n", "input": {}, "caller": {"type": "code_execution_20250825"}}),
            "type",
        ),
        (json!({"type": "image", "source": {}}), "type"),
    ] {
        Case::default().unsupported(
            &format!("messages[0].content[0].{param}"),
            json!({"messages": [{"role": "assistant", "content": [block]}, {"role": "user", "content": "x"}]}),
        );
    }
}

#[test]
fn inputs_keep_their_bytes() {
    let call = |input: &str| {
        let body = format!(
            r#"{{"messages":[{{"role":"assistant","content":[{{"type":"tool_use","id":"i","name":"n","input":{input}}}]}},{{"role":"user","content":"x"}}]}}"#
        );
        let done = Case::default().try_run_text(&body).unwrap();
        done.body["input"][0]["arguments"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    for input in [
        r#"{"b":1.50,"a":"é\u00e9\n"}"#,
        r#"{ "z" : [1e3] }"#,
        "{}",
        r#"{"__raw_arguments":"x","more":1}"#,
    ] {
        assert_eq!(call(input), input);
    }
    assert_eq!(call(r#"{"__raw_arguments":"{\"cut\":"}"#), "{\"cut\":");
    Case::default().invalid(
        "messages[0].content[0].input",
        json!({"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "i", "name": "n", "input": "x"}]}]}),
    );
}

#[test]
fn reasoning_comes_back_as_it_was() {
    let quoted = |text: &str| format!("\"{text}\"");
    let summary = [quoted("A"), quoted("B")];
    let parts: Vec<RawStr<'_>> = summary
        .iter()
        .map(|text| RawStr::from_json(text).unwrap())
        .collect();
    let signed = openai_envelope::pack(RawStr::from_json("\"enc/+==\""), Some(parts));
    let open = openai_envelope::pack(RawStr::from_json("\"enc3\""), Some([]));
    let done = Case::default().say(json!([
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "A\n\nB", "signature": signed},
            {"type": "redacted_thinking", "data": envelope("enc2")},
            {"type": "text", "text": "t"},
            {"type": "thinking", "thinking": "shown", "signature": envelope("enc1")},
            {"type": "tool_use", "id": "i", "name": "n", "input": {}},
            {"type": "thinking", "thinking": "raw", "signature": open},
        ]},
        {"role": "assistant", "content": "u"},
        {"role": "user", "content": "x"},
    ]));
    done.exact();
    let reasoning = |summary: &[&str], encrypted: &str| {
        let summary: Vec<Value> = summary
            .iter()
            .map(|text| json!({"type": "summary_text", "text": text}))
            .collect();
        json!({"type": "reasoning", "summary": summary, "encrypted_content": encrypted})
    };
    assert_eq!(
        input(&done)[..7],
        [
            reasoning(&["A", "B"], "enc/+=="),
            reasoning(&[], "enc2"),
            json!({"type": "message", "role": "assistant", "content": "t"}),
            reasoning(&["shown"], "enc1"),
            json!({"type": "function_call", "call_id": "i", "name": "n", "arguments": "{}"}),
            reasoning(&[], "enc3"),
            json!({"type": "message", "role": "assistant", "content": "u"}),
        ]
    );
}

#[test]
fn reasoning_that_is_not_openais_stays_away() {
    let foreign = |block: Value| {
        let done = Case::default().say(json!([
            {"role": "assistant", "content": [block, {"type": "text", "text": "t"}]},
            {"role": "user", "content": "x"},
        ]));
        done.dropped("messages[].content[].thinking");
        assert_eq!(input(&done).len(), 2, "{}", done.text);
        assert!(!done.text.contains("secret"), "{}", done.text);
    };
    foreign(json!({"type": "thinking", "thinking": "secret", "signature": "EqQBsecret"}));
    foreign(json!({"type": "thinking", "thinking": "secret"}));
    foreign(json!({"type": "thinking", "thinking": "secret", "signature": ""}));
    foreign(json!({"type": "redacted_thinking", "data": "secret"}));
    foreign(json!({"type": "thinking", "thinking": "secret", "signature": "tlg1.gemini.e30"}));
    let without = openai_envelope::pack(None, None::<[RawStr<'_>; 0]>);
    foreign(json!({"type": "thinking", "thinking": "secret", "signature": without}));

    // OpenAI refuses reasoning without what it led to.
    for tail in [
        json!([]),
        json!([{"type": "server_tool_use", "id": "s", "name": "w", "input": {}}]),
    ] {
        let mut content = vec![json!({"type": "redacted_thinking", "data": envelope("enc")})];
        content.extend(tail.as_array().unwrap().clone());
        let done = Case::default().say(json!([
            {"role": "assistant", "content": content},
            {"role": "user", "content": "x"},
        ]));
        assert_eq!(input(&done).len(), 1);
        done.dropped("messages[].content[].thinking");
    }
    let done = Case::model("gpt-4o").say(json!([
        {"role": "assistant", "content": [{"type": "redacted_thinking", "data": envelope("enc")}, {"type": "text", "text": "t"}]},
        {"role": "user", "content": "x"},
    ]));
    assert!(!done.text.contains("reasoning"));
}

#[test]
fn system_messages_stay_in_place() {
    let done = Case::default().say(json!([
        {"role": "user", "content": "a"},
        {"role": "system", "content": "b", "output_config": {"effort": "low"}},
        {"role": "system", "content": [{"type": "text", "text": "c", "cache_control": {"type": "ephemeral"}}]},
        {"role": "user", "content": "d"},
    ]));
    done.dropped("messages[].output_config");
    let said: Vec<(&str, &str)> = input(&done)
        .iter()
        .map(|item| {
            let text = item["content"][0]["text"].as_str().unwrap();
            (item["role"].as_str().unwrap(), text)
        })
        .collect();
    assert_eq!(
        said,
        [
            ("user", "a"),
            ("developer", "b"),
            ("developer", "c"),
            ("user", "d")
        ]
    );
    assert!(done.text.contains("\"c\",\"prompt_cache_breakpoint\""));
    Case::default().unsupported(
        "messages[0].content[0].type",
        json!({"messages": [{"role": "system", "content": [{"type": "image", "source": {}}]}]}),
    );
}

#[test]
fn compaction_becomes_the_users() {
    let done = Case::default().say(json!([
        {"role": "assistant", "content": [{"type": "compaction", "content": "so far"}, {"type": "text", "text": "t"}]},
        {"role": "user", "content": "x"},
    ]));
    done.approximated("messages[].content[]");
    assert_eq!(input(&done)[0]["role"], "user");
    assert_eq!(input(&done)[0]["content"][0]["text"], "so far");
}

#[test]
fn phases() {
    let options = Options {
        emit_phase: Some(true),
        ..Options::default()
    };
    let done = Case::default().options(|o| *o = options).say(json!([
        {"role": "assistant", "content": [
            {"type": "text", "text": "a"}, {"type": "tool_use", "id": "i", "name": "n", "input": {}}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": "c"},
        {"role": "user", "content": "x"},
    ]));
    let phases: Vec<&Value> = input(&done)
        .iter()
        .filter(|item| item["role"] == "assistant")
        .map(|item| &item["phase"])
        .collect();
    assert_eq!(phases, ["commentary", "final_answer", "final_answer"]);
}

#[test]
fn long_ids_agree() {
    let id = "toolu_".repeat(20);
    let done = Case::default().say(json!([
        {"role": "assistant", "content": [{"type": "tool_use", "id": id, "name": "n", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": "r"}]},
    ]));
    let sent = input(&done)[0]["call_id"].as_str().unwrap();
    assert!(sent.starts_with("call_") && sent.len() == 29);
    assert_eq!(input(&done)[1]["call_id"], sent);
}

#[test]
fn a_longer_history_begins_as_the_shorter_one() {
    let mut messages = vec![
        json!({"role": "user", "content": "q"}),
        json!({"role": "assistant", "content": [
            {"type": "thinking", "thinking": "T", "signature": envelope("e")},
            {"type": "tool_use", "id": "i", "name": "n", "input": {"a": 1}}]}),
        json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "i", "content": "r"}]}),
    ];
    let input_of = |messages: &Vec<Value>| {
        let done = Case::default().say(json!(messages));
        let (_, input) = done.text.split_once("\"input\":").unwrap();
        input.trim_end_matches("]}").to_owned()
    };
    let before = input_of(&messages);
    messages.push(json!({"role": "assistant", "content": "done"}));
    messages.push(json!({"role": "user", "content": "more"}));
    let after = input_of(&messages);
    assert!(after.starts_with(&before), "{before}\n{after}");
}
