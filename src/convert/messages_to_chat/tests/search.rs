use serde_json::{Value, json};

use super::{answer, cited_chunk, complete, delta, finish, groq, searching, sonar, state};
use crate::provider::Provider;

#[test]
fn searches_and_citations() {
    let chunks = [
        cited_chunk("x [2] y"),
        cited_chunk(" [1][2] [9]"),
        finish("stop"),
    ];
    let citations = json!([
        {"type": "web_search_result_location", "url": "https://b", "title": "", "cited_text": "s\n", "encrypted_index": ""},
        {"type": "web_search_result_location", "url": "https://a", "title": "A \"q\"", "cited_text": "é".repeat(150), "encrypted_index": ""}
    ]);
    // Nobody asked for a search: only what the text cites is told.
    let message = complete(sonar(), &chunks);
    assert_eq!(message["content"].as_array().unwrap().len(), 1);
    assert_eq!(message["content"][0]["citations"], citations);
    assert_eq!(message["usage"].get("server_tool_use"), None);

    let message = complete(searching(sonar()), &chunks);
    assert_eq!(
        message["content"][0],
        json!({"type": "server_tool_use", "id": "srvtoolu_A1_0", "name": "web_search", "input": {}})
    );
    let result = |url: &str, title: &str, age: Value| json!({"type": "web_search_result", "url": url, "title": title, "encrypted_content": "", "page_age": age});
    assert_eq!(
        message["content"][1],
        json!({"type": "web_search_tool_result", "tool_use_id": "srvtoolu_A1_0", "content": [
            result("https://a", "A \"q\"", json!("2026-01-02")),
            result("https://b", "", json!(null)),
            result("https://c", "C", json!(null))
        ]})
    );
    assert_eq!(message["content"][2]["citations"], citations);
    assert_eq!(
        message["usage"]["server_tool_use"],
        json!({"web_search_requests": 1, "web_fetch_requests": 0})
    );

    let mut counted = cited_chunk("x");
    counted["usage"]["num_search_queries"] = json!(3);
    let message = complete(sonar(), &[counted, finish("stop")]);
    assert_eq!(
        message["usage"]["server_tool_use"]["web_search_requests"],
        3
    );
}

#[test]
fn searches_that_groq_ran() {
    let tools = json!([
        {"index": 0, "type": "browser_search", "arguments": "{\"query\":\"q \\\"1\\\"\"}", "search_results": {"results": [{"url": "https://a", "title": "A"}]}},
        {"index": 1, "type": "python", "arguments": "{}"},
        {"index": 2, "type": "search", "arguments": "{\"query\":\"two\"}", "search_results": {"results": []}}
    ]);
    let streamed = complete(
        searching(groq()),
        &[
            delta(json!({"reasoning": "hm"})),
            delta(json!({"executed_tools": tools})),
            delta(json!({"content": "x"})),
            finish("stop"),
        ],
    );
    let kinds: Vec<&str> = streamed["content"]
        .as_array()
        .unwrap()
        .iter()
        .map(|block| block["type"].as_str().unwrap())
        .collect();
    let search = ["server_tool_use", "web_search_tool_result"];
    assert_eq!(
        kinds,
        [&["thinking"][..], &search, &search, &["text"]].concat()
    );
    assert_eq!(streamed["content"][1]["input"], json!({"query": "q \"1\""}));
    let whole = answer(
        searching(groq()),
        &json!({"id": "chatcmpl-A1", "model": "m", "usage": {"prompt_tokens": 1, "completion_tokens": 1},
            "choices": [{"finish_reason": "stop", "message": {"reasoning": "hm", "content": "x", "executed_tools": tools}}]}),
    );
    assert_eq!(whole["content"], streamed["content"]);
    assert_eq!(whole["usage"]["server_tool_use"]["web_search_requests"], 2);
    let plain = answer(
        groq(),
        &json!({"choices": [{"message": {"content": "x", "executed_tools": tools}}]}),
    );
    assert_eq!(plain["content"], json!([{"type": "text", "text": "x"}]));
}

#[test]
fn citations_that_the_server_placed() {
    let annotation = |url: &str| json!({"type": "url_citation", "url_citation": {"url": url, "title": "T", "start_index": 0, "end_index": 1}});
    let annotations = json!([annotation("https://a"), annotation("https://b"), annotation("https://a"), {"type": "document_citation"}]);
    let other = state(Provider::OpenAiCompatible, "m");
    let streamed = complete(
        other.clone(),
        &[
            delta(json!({"content": "x", "annotations": annotations})),
            finish("stop"),
        ],
    );
    let whole = answer(
        other,
        &json!({"choices": [{"message": {"content": "x", "annotations": annotations}}]}),
    );
    for content in [&streamed["content"], &whole["content"]] {
        let urls: Vec<&str> = content[0]["citations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|citation| citation["url"].as_str().unwrap())
            .collect();
        assert_eq!(urls, ["https://a", "https://b"]);
    }
}
