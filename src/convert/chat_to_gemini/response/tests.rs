//! Whole answers, beside the documented ones.

#![expect(
    clippy::needless_pass_by_value,
    reason = "cases read better without references"
)]

use serde_json::{Value, json};

use super::super::state::State;
use super::convert;
use crate::convert::context::AnswerContext;
use crate::convert::tool_names::ToolNames;
use crate::format::error::ClientError;
use crate::target::ChatReasoning;
use crate::usage::Usage;

fn state() -> State {
    let mut tools = ToolNames::default();
    tools.insert("sql", "sql", true);
    tools.insert("_1a", "1a", false);
    State {
        model: "\"asked\"".into(),
        tools,
        ..State::default()
    }
}

fn try_answer(state: &State, upstream: &Value) -> Result<(Value, Usage), ClientError> {
    // As Google writes it: indented.
    let body = serde_json::to_string_pretty(upstream).unwrap();
    let answer = convert(body.as_bytes(), state, AnswerContext::at(7))?;
    Ok((serde_json::from_slice(&answer.body).unwrap(), answer.usage))
}

fn answer(upstream: Value) -> Value {
    try_answer(&state(), &upstream).unwrap().0
}

/// An answer of one candidate with these parts.
fn parts(parts: Value) -> Value {
    json!({"responseId": "r-1", "modelVersion": "m", "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]})
}

fn message(upstream: Value) -> Value {
    answer(upstream)["choices"][0]["message"].clone()
}

fn finish(upstream: Value) -> Value {
    answer(upstream)["choices"][0]["finish_reason"].clone()
}

#[test]
fn calls_keep_their_ids_and_signatures() {
    let upstream = parts(json!([
        {"text": "t", "thought": true, "thoughtSignature": "b24="},
        {"functionCall": {"id": "x", "name": "_1a", "args": {"a": [1, "b c"]}}, "thoughtSignature": "YQ=="},
        {"functionCall": {"name": "f"}},
        {"functionCall": {"name": "sql", "args": {"input": "select \"1\""}}},
        {"functionCall": {"name": "sql", "args": {"other": 1}}}
    ]));
    let message = message(upstream.clone());
    assert_eq!(message["content"], Value::Null);
    assert_eq!(message["reasoning_content"], "t");
    assert_eq!(
        message["tool_calls"],
        json!([
            {"id": "x", "type": "function", "function": {"name": "1a", "arguments": "{\"a\":[1,\"b c\"]}"},
                "extra_content": {"google": {"thought_signature": "YQ=="}}},
            {"id": "call_r1_1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            {"id": "call_r1_2", "type": "custom", "custom": {"name": "sql", "input": "select \"1\""}},
            {"id": "call_r1_3", "type": "custom", "custom": {"name": "sql", "input": "{\"other\":1}"}}
        ])
    );
    assert_eq!(
        message["extra_content"],
        json!({"google": {"thought_signature": "b24="}})
    );
    assert_eq!(finish(upstream), "tool_calls");
}

#[test]
fn heads() {
    let found = answer(parts(json!([{"text": "a"}])));
    assert_eq!(
        (&found["id"], &found["model"], &found["created"]),
        (&json!("chatcmpl-r1"), &json!("m"), &json!(7))
    );
    let found = answer(json!({"candidates": [{"content": {"parts": [{"text": "a"}]}}]}));
    assert_eq!(found["model"], "asked");
    assert!(found["id"].as_str().unwrap().len() > "chatcmpl-".len());
    assert_eq!(found["usage"]["total_tokens"], 0);
}

#[test]
fn finish_reasons() {
    let with = |reason: Value, parts: Value| json!({"candidates": [{"finishReason": reason, "content": {"parts": parts}}]});
    let text = || json!([{"text": "a"}]);
    let call = || json!([{"functionCall": {"name": "f"}}]);
    for (reason, parts, expected) in [
        (json!("STOP"), text(), "stop"),
        (json!("FINISH_REASON_UNSPECIFIED"), text(), "stop"),
        (Value::Null, text(), "stop"),
        (json!("STOP"), json!([]), "stop"),
        (json!("MAX_TOKENS"), text(), "length"),
        (json!("MAX_TOKENS"), json!([]), "length"),
        (json!("CONTINUATION"), text(), "length"),
        (json!("SAFETY"), json!([]), "content_filter"),
        (json!("RECITATION"), text(), "content_filter"),
        (json!("PROHIBITED_CONTENT"), text(), "content_filter"),
        (json!("IMAGE_SAFETY"), json!([]), "content_filter"),
        (json!("STOP"), call(), "tool_calls"),
        (Value::Null, call(), "tool_calls"),
        (json!("OTHER"), call(), "tool_calls"),
        (json!("OTHER"), text(), "stop"),
        (json!("MALFORMED_FUNCTION_CALL"), text(), "stop"),
        (json!("BRAND_NEW"), text(), "stop"),
        (json!("MAX_TOKENS"), call(), "length"),
    ] {
        assert_eq!(finish(with(reason.clone(), parts)), expected, "{reason}");
    }
    // Google's own word goes along, where it says more.
    let extra = |reason: &str| message(with(json!(reason), text()))["extra_content"].clone();
    assert_eq!(
        extra("RECITATION"),
        json!({"google": {"finish_reason": "RECITATION"}})
    );
    assert_eq!(extra("MAX_TOKENS"), Value::Null);
}

#[test]
fn an_answer_that_failed_with_nothing_to_show_is_an_error() {
    for (upstream, code, message) in [
        (
            json!({"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL", "finishMessage": "bad call: f("}]}),
            "malformed_function_call",
            "bad call: f(",
        ),
        (
            json!({"candidates": [{"finishReason": "OTHER", "content": {"parts": [{"text": "hm", "thought": true}]}}]}),
            "other",
            "the model gave no answer: OTHER",
        ),
        (
            json!({"usageMetadata": {"promptTokenCount": 3}}),
            "empty_response",
            "the provider's answer holds nothing",
        ),
        (
            json!({"candidates": []}),
            "empty_response",
            "the provider's answer holds nothing",
        ),
    ] {
        let error = try_answer(&state(), &upstream).unwrap_err();
        assert_eq!(error.status, 502);
        assert_eq!(error.kind, "server_error");
        assert_eq!(error.code.as_deref(), Some(code));
        assert_eq!(error.message, message);
    }
}

#[test]
fn what_is_no_answer_is_an_error() {
    for (body, status, message) in [
        ("[]", 502, "the provider's answer is no answer of Gemini's"),
        ("7", 502, "the provider's answer is no answer of Gemini's"),
        ("{", 502, "the provider's answer is no answer of Gemini's"),
        (
            r#"{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}"#,
            503,
            "busy",
        ),
        (
            r#"[{"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED"}}]"#,
            429,
            "slow",
        ),
    ] {
        let error = convert(body.as_bytes(), &state(), AnswerContext::at(7)).unwrap_err();
        assert_eq!(error.status, status, "{body}");
        assert_eq!(error.message, message);
    }
}

#[test]
fn several_candidates_are_several_choices() {
    let found = answer(json!({"responseId": "r", "candidates": [
        {"index": 1, "content": {"parts": [{"text": "b"}, {"functionCall": {"name": "f"}}]}, "finishReason": "STOP"},
        {"content": {"parts": [{"functionCall": {"name": "g"}}]}, "finishReason": "STOP"},
        {"index": 2, "finishReason": "OTHER"}
    ]}));
    let choices = found["choices"].as_array().unwrap();
    assert_eq!(choices.len(), 3);
    assert_eq!(
        (&choices[0]["index"], &choices[0]["message"]["content"]),
        (&json!(1), &json!("b"))
    );
    // Ids differ over the whole answer.
    assert_eq!(choices[0]["message"]["tool_calls"][0]["id"], "call_r_0");
    assert_eq!(choices[1]["message"]["tool_calls"][0]["id"], "call_r_1");
    assert_eq!(choices[1]["index"], 1);
    assert_eq!(choices[2]["message"]["content"], Value::Null);
}

#[test]
fn code_that_failed_says_so_and_citations_count_around_it() {
    let mut upstream = parts(json!([
        {"text": "Zwölf:"},
        {"executableCode": {"language": "PYTHON", "code": "1/0"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "ZeroDivisionError"}},
        {"text": "Broken."}
    ]));
    upstream["candidates"][0]["groundingMetadata"] = json!({
        "groundingChunks": [{"web": {"uri": "u0"}}, {"retrievedContext": {"text": "no uri"}}, {"maps": {"uri": "u2", "title": "t2"}}],
        "groundingSupports": [
            {"segment": {"endIndex": 7, "text": "Zwölf:"}, "groundingChunkIndices": [0, 1, 9]},
            {"segment": {"partIndex": 3, "endIndex": 7, "text": "Broken."}, "groundingChunkIndices": [2, 0]},
            {"segment": {"startIndex": 400, "endIndex": 500, "text": "nowhere"}, "groundingChunkIndices": [0]},
            {"segment": {"partIndex": 3, "startIndex": 1, "endIndex": 2, "text": "Bro"}, "groundingChunkIndices": [0]}
        ]
    });
    upstream["candidates"][0]["citationMetadata"] = json!({"citationSources": [
        {"startIndex": 7, "endIndex": 14, "uri": "c", "title": "ct"}, {"endIndex": 3}, {"startIndex": 3, "endIndex": 5, "uri": "inside a character"}
    ]});
    let message = message(upstream);
    let content = message["content"].as_str().unwrap();
    assert_eq!(
        content,
        "Zwölf:\n```python\n1/0\n```\n\n```text\n# OUTCOME_FAILED\nZeroDivisionError\n```\nBroken."
    );
    let cited: Vec<(String, String, String)> = message["annotations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|annotation| {
            let page = &annotation["url_citation"];
            let index = |name: &str| usize::try_from(page[name].as_u64().unwrap()).unwrap();
            let (start, end) = (index("start_index"), index("end_index"));
            let text: String = content.chars().skip(start).take(end - start).collect();
            let word = |name: &str| page[name].as_str().unwrap().to_owned();
            (word("url"), word("title"), text)
        })
        .collect();
    let expected = [
        ("u0", "", "Zwölf:"),
        ("u2", "t2", "Broken."),
        ("u0", "", "Broken."),
        ("u0", "", "Bro"),
        ("c", "ct", "Broken."),
    ];
    assert_eq!(
        cited,
        expected.map(|(url, title, text)| (url.to_owned(), title.to_owned(), text.to_owned()))
    );
    assert_eq!(
        message["extra_content"]["google"]["parts"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
}

#[test]
fn what_chat_has_no_place_for_is_kept_beside_it() {
    let mut upstream = parts(json!([
        {"toolCall": {"id": "t", "toolType": "GOOGLE_SEARCH_WEB", "args": {"q": "a  b"}}, "thoughtSignature": "cw=="},
        {"toolResponse": {"id": "t", "response": {}}},
        {"text": "a"}
    ]));
    let candidate = &mut upstream["candidates"][0];
    candidate["urlContextMetadata"] = json!({"urlMetadata": [{"retrievedUrl": "u"}]});
    candidate["safetyRatings"] = json!([{"category": "c", "blocked": true}]);
    candidate["groundingMetadata"] = json!({});
    let parts = candidate["content"]["parts"].clone();
    let found = message(upstream);
    assert_eq!(found["content"], "a");
    assert_eq!(
        found["extra_content"]["google"],
        json!({"url_context_metadata": {"urlMetadata": [{"retrievedUrl": "u"}]},
            "safety_ratings": [{"category": "c", "blocked": true}], "parts": parts})
    );
    let mut harmless = json!({"candidates": [{"content": {"parts": [{"text": "a"}]}, "safetyRatings": [{"category": "c"}]}]});
    assert_eq!(message(harmless.clone())["extra_content"], Value::Null);
    harmless["candidates"][0]["safetyRatings"] = json!(7);
    message(harmless);
}

#[test]
fn images_and_sound() {
    let blob = |media_type: &str, data: &str| json!({"inlineData": {"mimeType": media_type, "data": data}});
    let found = message(parts(json!([
        blob("image/png", "AA=="),
        {"text": "between"},
        blob("image/webp", "BB=="),
        blob("audio/L16;rate=24000", "CC=="),
        blob("application/x", "DD=="),
        {"inlineData": {"mimeType": "image/png", "data": "EE=="}, "thought": true}
    ])));
    assert_eq!(
        found["images"],
        json!([
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
            {"type": "image_url", "image_url": {"url": "data:image/webp;base64,BB=="}}
        ])
    );
    assert_eq!(
        found["audio"],
        json!({"id": "audio_r1", "data": "CC==", "expires_at": 86_407, "transcript": ""})
    );
    assert_eq!(found["content"], "between");
}

#[test]
fn log_probabilities() {
    let mut upstream = parts(json!([{"text": "é"}]));
    upstream["candidates"][0]["logprobsResult"] = json!({
        "chosenCandidates": [{"token": "é", "logProbability": -0.5, "tokenId": 3}, {"token": "x"}],
        "topCandidates": [{"candidates": [{"token": "é", "logProbability": -0.5}, {"token": "e", "logProbability": -2}]}]
    });
    assert_eq!(
        answer(upstream)["choices"][0]["logprobs"],
        json!({"content": [
            {"token": "é", "logprob": -0.5, "bytes": [195, 169], "top_logprobs": [
                {"token": "é", "logprob": -0.5, "bytes": [195, 169]}, {"token": "e", "logprob": -2, "bytes": [101]}]},
            {"token": "x", "logprob": 0, "bytes": [120], "top_logprobs": []}
        ], "refusal": null})
    );
}

#[test]
fn tokens() {
    for (usage, expected) in [
        // Thoughts beside the candidates' tokens, and among them.
        (
            json!({"promptTokenCount": 10, "candidatesTokenCount": 5, "thoughtsTokenCount": 7, "totalTokenCount": 22}),
            (10, 12, 7, 0),
        ),
        (
            json!({"promptTokenCount": 10, "candidatesTokenCount": 12, "thoughtsTokenCount": 7, "totalTokenCount": 22}),
            (10, 12, 7, 0),
        ),
        (
            json!({"promptTokenCount": 10, "thoughtsTokenCount": 7, "toolUsePromptTokenCount": 3, "cachedContentTokenCount": 4}),
            (13, 7, 7, 4),
        ),
        (json!({"totalTokenCount": 3}), (0, 0, 0, 0)),
        (json!({}), (0, 0, 0, 0)),
    ] {
        let mut upstream = parts(json!([{"text": "a"}]));
        upstream["usageMetadata"] = usage.clone();
        let found = answer(upstream)["usage"].clone();
        let (prompt, output, reasoning, cached) = expected;
        assert_eq!(found["prompt_tokens"], prompt, "{usage}");
        assert_eq!(found["completion_tokens"], output, "{usage}");
        assert_eq!(found["total_tokens"], prompt + output);
        assert_eq!(
            found["completion_tokens_details"]["reasoning_tokens"],
            reasoning
        );
        assert_eq!(found["prompt_tokens_details"]["cached_tokens"], cached);
    }
    let mut upstream = parts(json!([{"text": "a"}]));
    upstream["candidates"][0]["groundingMetadata"] = json!({"webSearchQueries": ["a", "b"]});
    upstream["usageMetadata"] = json!({"promptTokenCount": 9, "candidatesTokenCount": 2, "promptTokensDetails": [
        {"modality": "TEXT", "tokenCount": 1}, {"modality": "DOCUMENT", "tokenCount": 2}, {"modality": "IMAGE", "tokenCount": 3}, {"modality": "AUDIO", "tokenCount": 3}],
        "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 2}]});
    let (found, usage) = try_answer(&state(), &upstream).unwrap();
    assert_eq!(
        found["usage"]["prompt_tokens_details"],
        json!({"cached_tokens": 0, "text_tokens": 3, "image_tokens": 3, "audio_tokens": 3})
    );
    assert_eq!(
        found["usage"]["completion_tokens_details"],
        json!({"reasoning_tokens": 0, "audio_tokens": 2})
    );
    assert_eq!(
        (usage.input, usage.output, usage.web_searches),
        (Some(9), Some(2), Some(2))
    );
}

#[test]
fn the_fields_for_reasoning_are_the_owners_choice() {
    let upstream = parts(json!([{"text": "t", "thought": true}, {"text": "a"}]));
    for (reasoning, keys) in [
        (ChatReasoning::ThinkingBlocks, &["reasoning_content"][..]),
        (ChatReasoning::ReasoningDetails, &["reasoning"]),
        (ChatReasoning::Both, &["reasoning", "reasoning_content"]),
        (ChatReasoning::None, &[]),
    ] {
        let state = State {
            reasoning,
            ..state()
        };
        let (found, _) = try_answer(&state, &upstream).unwrap();
        let message = found["choices"][0]["message"].as_object().unwrap();
        let found: Vec<&str> = message
            .keys()
            .map(String::as_str)
            .filter(|key| key.starts_with("reasoning"))
            .collect();
        assert_eq!(found, keys);
    }
}
