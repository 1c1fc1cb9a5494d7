//! Responses.

use serde_json::{Value, json};

use super::{RESPONSES, arguments, call, ok, parameters, request, send, stream, streamed, with};

fn body(text: &str) -> Value {
    json!({"model": "gpt-5", "input": text})
}

fn tools(body: &Value) -> Value {
    with(
        body,
        "tools",
        json!([
            {"type": "function", "name": "get_weather", "parameters": parameters(), "strict": false},
            {"type": "custom", "name": "run"},
        ]),
    )
}

fn thinking(body: &Value) -> Value {
    let body = with(body, "include", json!(["reasoning.encrypted_content"]));
    with(
        &body,
        "reasoning",
        json!({"effort": "low", "summary": "auto"}),
    )
}

/// The error that this is refused with.
async fn refused(body: &Value) -> Value {
    let (status, value) = call(RESPONSES, body).await;
    assert_eq!(status, 400, "{value}");
    value["error"].clone()
}

/// The response at the end of a stream whose events are checked against it.
async fn streamed_response(body: &Value) -> Value {
    let (events, is_done) = stream(RESPONSES, &streamed(body)).await;
    assert!(!is_done);
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], index);
    }
    assert_eq!(events[0]["type"], "response.created");
    assert_eq!(events[1]["type"], "response.in_progress");
    assert_eq!(events[0]["response"]["output"], json!([]));
    let response = events.last().expect("events")["response"].clone();
    assert_eq!(response["id"], events[0]["response"]["id"]);
    let output = response["output"].as_array().expect("output");
    for (index, item) in output.iter().enumerate() {
        let of_item: Vec<_> = events
            .iter()
            .filter(|event| event["output_index"] == index)
            .collect();
        assert_eq!(of_item[0]["type"], "response.output_item.added");
        assert_eq!(of_item[0]["item"]["id"], item["id"]);
        let last = of_item.last().expect("done");
        assert_eq!(
            (&last["type"], &last["item"]),
            (&json!("response.output_item.done"), item)
        );
        let deltas: String = of_item
            .iter()
            .filter_map(|event| event["delta"].as_str())
            .collect();
        let whole = [
            item.pointer("/content/0/text"),
            item.pointer("/content/0/refusal"),
            item.pointer("/summary/0/text"),
            item.get("arguments"),
            item.get("input"),
        ];
        let whole = whole
            .into_iter()
            .flatten()
            .next()
            .and_then(Value::as_str)
            .unwrap_or_default();
        assert_eq!(deltas, whole);
    }
    let items = events
        .iter()
        .filter(|event| event["type"] == "response.output_item.added");
    assert_eq!(items.count(), output.len());
    response
}

#[tokio::test]
async fn text_is_quoted_whole_and_streamed() {
    let response = ok(RESPONSES, &body("Grüß Gott")).await;
    assert_eq!(
        (&response["object"], &response["status"]),
        (&json!("response"), &json!("completed"))
    );
    assert_eq!(
        response["output"][0]["content"][0]["text"],
        "You said: “Grüß Gott” (demo openai responses, gpt-5)"
    );
    let same = streamed_response(&body("Grüß Gott")).await;
    assert_eq!(
        same["output"][0]["content"],
        response["output"][0]["content"]
    );
    let items = json!([{"role": "user", "content": [{"type": "input_text", "text": "Grüß Gott"}]}]);
    let listed = ok(RESPONSES, &with(&body(""), "input", items)).await;
    assert_eq!(
        listed["output"][0]["content"],
        response["output"][0]["content"]
    );
}

#[tokio::test]
async fn signed_reasoning_and_calls_survive_a_loop() {
    let first = thinking(&tools(&body("both tools")));
    let response = streamed_response(&first).await;
    let output = response["output"].as_array().expect("output").clone();
    let types: Vec<_> = output
        .iter()
        .filter_map(|item| item["type"].as_str())
        .collect();
    assert_eq!(
        types,
        ["reasoning", "message", "function_call", "custom_tool_call"]
    );
    let text = output[2]["arguments"].as_str().expect("text");
    assert_eq!(
        serde_json::from_str::<Value>(text).expect("JSON"),
        arguments()
    );
    assert!(response["usage"]["output_tokens_details"]["reasoning_tokens"].as_u64() > Some(0));

    let mut items = vec![json!({"role": "user", "content": "both tools"})];
    items.extend(output.iter().cloned());
    items.push(
        json!({"type": "function_call_output", "call_id": output[2]["call_id"], "output": "18 °C"}),
    );
    items.push(json!({"type": "custom_tool_call_output", "call_id": output[3]["call_id"], "output": "done"}));
    let second = |items: &[Value]| with(&first, "input", json!(items));
    let answer = ok(RESPONSES, &second(&items)).await;
    let text = answer["output"][1]["content"][0]["text"]
        .as_str()
        .expect("text");
    assert!(text.contains("“18 °C” and “done”"), "{text}");

    let mut foreign = items.clone();
    foreign[1]["encrypted_content"] = json!("tlg1.anthropic.e30");
    assert_eq!(
        refused(&second(&foreign)).await["code"],
        "invalid_encrypted_content"
    );
    let error = refused(&second(&items[..6])).await;
    let expected = format!(
        "No tool output found for function call {}.",
        output[3]["call_id"].as_str().expect("id")
    );
    assert_eq!(error["message"], expected);
    let mut orphan = items.clone();
    orphan.remove(3);
    let message = refused(&second(&orphan)).await["message"].clone();
    assert!(
        message
            .as_str()
            .expect("text")
            .starts_with("No tool call found for function call output"),
        "{message}"
    );
    let mut lonely = items;
    lonely.drain(2..5);
    lonely.drain(2..);
    let message = refused(&second(&lonely)).await["message"].clone();
    assert!(
        message
            .as_str()
            .expect("text")
            .contains("without its required following item"),
        "{message}"
    );
}

#[tokio::test]
async fn ends_are_named() {
    let cut = with(
        &body("a long text that is cut"),
        "max_output_tokens",
        json!(16),
    );
    let (events, _) = stream(RESPONSES, &streamed(&cut)).await;
    let last = events.last().expect("events");
    assert_eq!(last["type"], "response.incomplete");
    assert_eq!(
        last["response"]["incomplete_details"]["reason"],
        "max_output_tokens"
    );
    let refusal = streamed_response(&body("please refuse")).await;
    assert_eq!(refusal["output"][0]["content"][0]["type"], "refusal");
    let format = json!({"format": {"type": "json_schema", "name": "x", "strict": false, "schema": parameters()}});
    let structured = ok(RESPONSES, &with(&body("hi"), "text", format)).await;
    let text = structured["output"][0]["content"][0]["text"]
        .as_str()
        .expect("text");
    assert_eq!(
        serde_json::from_str::<Value>(text).expect("JSON"),
        arguments()
    );
}

#[tokio::test]
async fn members_are_checked() {
    let cases = [
        ("messages", json!([]), "unknown_parameter"),
        ("max_output_tokens", json!(3), "integer_below_min_value"),
        (
            "previous_response_id",
            json!("resp_1"),
            "previous_response_not_found",
        ),
        ("input", Value::Null, "missing_required_parameter"),
        ("input", json!([{"type": "what"}]), "invalid_value"),
        (
            "input",
            json!([{"role": "user", "content": [{"type": "text", "text": "x"}]}]),
            "invalid_value",
        ),
        (
            "tools",
            json!([{"type": "function", "function": {"name": "x"}}]),
            "unknown_parameter",
        ),
        (
            "tools",
            json!([{"type": "function", "name": "x", "strict": true, "parameters": parameters()}]),
            "invalid_function_parameters",
        ),
        (
            "text",
            json!({"format": {"type": "json_schema", "schema": {}}}),
            "missing_required_parameter",
        ),
    ];
    for (name, value, code) in cases {
        let error = refused(&with(&body("hi"), name, value)).await;
        assert_eq!(error["code"], code, "{error}");
    }
}

#[tokio::test]
async fn troubles_come_on_demand() {
    let (status, _, _) = send(request(RESPONSES, &body("demo:overloaded"))).await;
    assert_eq!(status, 503);
    let (status, headers, _) = send(request(RESPONSES, &body("demo:ratelimit"))).await;
    assert_eq!(
        (status, &headers["retry-after"]),
        (429, &"1".parse().expect("header"))
    );
    let (events, _) = stream(RESPONSES, &streamed(&body("demo:first-event-error"))).await;
    assert_eq!((events.len(), &events[0]["type"]), (1, &json!("error")));
    let (events, _) = stream(RESPONSES, &streamed(&body("demo:error-event"))).await;
    let last = events.last().expect("events");
    assert_eq!(last["type"], "response.failed");
    assert_eq!(last["sequence_number"], events.len() - 1);
    let (events, _) = stream(RESPONSES, &streamed(&body("demo:cut"))).await;
    assert_eq!(
        events.last().expect("events")["type"],
        "response.output_text.delta"
    );
}

/// A user message with this part beside its text.
fn with_part(part: Value) -> Value {
    let text = json!({"type": "input_text", "text": "look"});
    let items = json!([{"role": "user", "content": [text, part]}]);
    with(&body(""), "input", items)
}

#[tokio::test]
async fn images_and_files_are_named() {
    let pixel = "data:image/png;base64,iVBORw0KGgo=";
    let pdf = "data:application/pdf;base64,JVBERi0x";
    let cases = [
        (
            json!({"type": "input_image", "image_url": pixel, "detail": "auto"}),
            "image/png of 8 bytes",
        ),
        (
            json!({"type": "input_image", "image_url": "https://example.com/a.png"}),
            "what is at https://example.com/a.png",
        ),
        (
            json!({"type": "input_file", "filename": "a.pdf", "file_data": pdf}),
            "application/pdf of 6 bytes",
        ),
    ];
    for (part, seen) in cases {
        let response = ok(RESPONSES, &with_part(part)).await;
        let text = response["output"][0]["content"][0]["text"].as_str();
        let text = text.expect("text");
        assert!(
            text.contains(&format!("“look” and sent {seen} (demo")),
            "{text}"
        );
    }
}

#[tokio::test]
async fn parts_are_checked() {
    let cases = [
        (
            json!({"type": "input_text", "text": "x", "cache_control": {}}),
            "input[0].content[1].cache_control",
        ),
        (json!({"type": "input_text"}), "input[0].content[1].text"),
        (
            json!({"type": "input_image"}),
            "input[0].content[1].image_url",
        ),
        (
            json!({"type": "input_image", "image_url": "data:image/png;base64,AAAA"}),
            "input[0].content[1].image_url",
        ),
        (
            json!({"type": "input_image", "image_url": "iVBORw0KGgo="}),
            "input[0].content[1].image_url",
        ),
        (
            json!({"type": "input_image", "image_url": "https://example.com/a", "detail": "all"}),
            "input[0].content[1].detail",
        ),
        (
            json!({"type": "input_file", "file_data": "data:application/pdf;base64,JVBERi0x"}),
            "input[0].content[1].filename",
        ),
        (
            json!({"type": "input_file", "filename": "a.pdf", "file_data": "JVBERi0x"}),
            "input[0].content[1].file_data",
        ),
    ];
    for (part, param) in cases {
        let error = refused(&with_part(part)).await;
        assert_eq!(error["param"], param, "{error}");
    }
}

#[tokio::test]
async fn ids_name_their_kind() {
    for (id, fits) in [("fc_1", true), ("call_1", false), ("", false)] {
        let call = json!({"type": "function_call", "id": id, "call_id": "c", "name": "f", "arguments": "{}"});
        let output = json!({"type": "function_call_output", "call_id": "c", "output": "x"});
        let body = with(&body(""), "input", json!([call, output]));
        if fits {
            ok(RESPONSES, &body).await;
        } else {
            assert_eq!(refused(&body).await["param"], "input[0].id");
        }
    }
}

#[tokio::test]
async fn models_take_what_their_class_takes() {
    let effort = |effort: &str| json!({"reasoning": {"effort": effort}});
    let carrier = json!({"include": ["reasoning.encrypted_content"]});
    let warm = json!({"temperature": 0.5});
    let warm_without = json!({"temperature": 0.5, "reasoning": {"effort": "none"}});
    let cases = [
        ("gpt-4.1", &warm, None),
        ("gpt-4.1", &effort("low"), Some("reasoning.effort")),
        ("gpt-4.1", &carrier, Some("include")),
        ("o3", &effort("low"), None),
        ("o3", &effort("minimal"), Some("reasoning.effort")),
        ("o3", &warm, Some("temperature")),
        ("gpt-5-mini", &effort("minimal"), None),
        ("gpt-5-mini", &effort("none"), Some("reasoning.effort")),
        ("gpt-5.1", &effort("xhigh"), Some("reasoning.effort")),
        ("gpt-5.1", &warm_without, None),
        ("gpt-5.6", &effort("xhigh"), None),
        ("gpt-5.6", &carrier, None),
        ("gpt-5.6", &warm, Some("temperature")),
        (
            "gpt-5.6",
            &json!({"reasoning": {"budget": 1}}),
            Some("reasoning.budget"),
        ),
        (
            "gpt-5.6",
            &json!({"reasoning": {"summary": "all"}}),
            Some("reasoning.summary"),
        ),
        (
            "gpt-5.6",
            &json!({"include": ["everything"]}),
            Some("include[0]"),
        ),
    ];
    for (model, members, param) in cases {
        let mut body = with(&body("hi"), "model", json!(model));
        for (name, value) in members.as_object().expect("members") {
            body[name] = value.clone();
        }
        match param {
            None => drop(ok(RESPONSES, &body).await),
            Some(param) => assert_eq!(refused(&body).await["param"], param, "{model} {members}"),
        }
    }
}

#[tokio::test]
async fn searches_are_cited() {
    let body = with(
        &body("search this"),
        "tools",
        json!([{"type": "web_search"}]),
    );
    let body = with(&body, "include", json!(["web_search_call.action.sources"]));
    let response = streamed_response(&body).await;
    let search = &response["output"][0];
    assert_eq!(search["type"], "web_search_call");
    assert_eq!(search["action"]["query"], "search this");
    let part = &response["output"][1]["content"][0];
    let note = &part["annotations"][0];
    assert_eq!(note["url"], search["action"]["sources"][0]["url"]);
    let place = |name: &str| usize::try_from(note[name].as_u64().expect("place")).expect("place");
    let text = part["text"].as_str().expect("text").chars();
    let cited: String = text
        .skip(place("start_index"))
        .take(place("end_index") - place("start_index"))
        .collect();
    assert_eq!(cited, "Source: the Café 🦀 itself.");
}
