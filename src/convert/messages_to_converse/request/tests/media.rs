//! Images, documents, search results.

use serde_json::{Value, json};

use super::{NOVA, OSS, SONNET, to};

const PNG: &str = "iVBORw0KGgo=";
const PDF: &str = "JVBERi0xLjQgbWluaW1hbA==";

fn document(source: Value) -> Value {
    json!({"type": "document", "source": source})
}

fn image(source: Value) -> Value {
    json!({"type": "image", "source": source})
}

#[test]
fn images() {
    let png = json!({"type": "base64", "media_type": "image/png", "data": PNG});
    let block = json!([{"image": {"format": "png", "source": {"bytes": PNG}}}]);
    assert_eq!(to(NOVA).blocks(json!([image(png.clone())])), block);
    let url = json!({"type": "url", "url": format!("data:image/png;base64,{PNG}")});
    assert_eq!(to(SONNET).blocks(json!([image(url)])), block);
    let s3 = json!({"type": "url", "url": "s3://my-bucket/a.webp"});
    assert_eq!(
        to(SONNET).blocks(json!([image(s3)])),
        json!([{"image": {"format": "webp", "source": {"s3Location": {"uri": "s3://my-bucket/a.webp"}}}}])
    );
    let refused =
        |source: Value| json!({"messages": [{"role": "user", "content": [image(source)]}]});
    let at = "messages[0].content[0].source";
    to(SONNET).unsupported(
        at,
        refused(json!({"type": "url", "url": "https://ex.org/a.png"})),
    );
    to(SONNET).unsupported(at, refused(json!({"type": "file", "file_id": "f"})));
    to(SONNET).unsupported(
        at,
        refused(json!({"type": "base64", "media_type": "image/tiff", "data": PNG})),
    );
    to(SONNET).invalid(
        at,
        refused(json!({"type": "base64", "media_type": "image/png", "data": "!"})),
    );
    to(SONNET).invalid(
        "messages[0].content[0].source.data",
        refused(json!({"type": "base64"})),
    );
    to(SONNET).invalid("messages[0].content[0].source.type", refused(json!({})));
    let mut changed = image(png);
    changed["transformations"] = json!([]);
    let members = json!({"messages": [{"role": "user", "content": [changed]}]});
    assert_eq!(
        to(SONNET).with(members).dropped,
        ["messages[].content[].transformations"]
    );
    for block in [
        image(json!({"type": "base64"})),
        document(json!({"type": "text"})),
    ] {
        let members = json!({"messages": [{"role": "assistant", "content": [block]}]});
        to(SONNET).unsupported("messages[0].content[0]", members);
    }
}

#[test]
fn documents() {
    let text = json!({"type": "text", "media_type": "text/plain", "data": "Grass."});
    let names = |blocks: &Value| -> Vec<String> {
        let blocks = blocks.as_array().unwrap();
        let names = blocks.iter().filter_map(|b| b["document"]["name"].as_str());
        names.map(str::to_owned).collect()
    };
    // Names are the request's own, and a text stands beside them.
    let blocks = to(SONNET).blocks(json!([
        document(text.clone()),
        document(json!({"type": "base64", "media_type": "application/pdf", "data": PDF})),
        {"type": "document", "title": "Q3_report (final).pdf", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}},
    ]));
    assert_eq!(
        names(&blocks),
        ["document", "document (2)", "Q3-report (final)"]
    );
    assert_eq!(blocks[3], json!({"text": "(see attached)"}));
    assert_eq!(blocks[0]["document"]["source"], json!({"text": "Grass."}));
    let blocks = to(OSS).blocks(json!([document(text)]));
    assert_eq!(
        blocks[0]["document"]["source"],
        json!({"bytes": "R3Jhc3Mu"})
    );

    let content = |content: Value| document(json!({"type": "content", "content": content}));
    let blocks = to(SONNET).blocks(json!([
        content(json!("one")),
        content(json!([{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": "b"}])),
        {"type": "text", "text": "What?"},
    ]));
    assert_eq!(
        blocks[0]["document"],
        json!({"name": "document", "source": {"content": [{"text": "one"}]}})
    );
    assert_eq!(
        blocks[1]["document"]["source"],
        json!({"content": [{"text": "a"}, {"text": "b"}]})
    );

    let refused = |block: Value| json!({"messages": [{"role": "user", "content": [block]}]});
    let at = "messages[0].content[0].source";
    to(SONNET).unsupported(
        &format!("{at}.content[1]"),
        refused(content(
            json!([{"type": "text", "text": "a"}, {"type": "image"}]),
        )),
    );
    to(SONNET).unsupported(
        at,
        refused(document(
            json!({"type": "url", "url": "https://ex.org/a.pdf"}),
        )),
    );
    to(SONNET).unsupported(
        at,
        refused(document(json!({"type": "file", "file_id": "f"}))),
    );
    let zip = json!({"type": "base64", "media_type": "application/zip", "data": PNG});
    to(SONNET).unsupported(at, refused(document(zip)));
    let empty = json!({"type": "text", "media_type": "text/plain", "data": ""});
    to(SONNET).invalid(&format!("{at}.data"), refused(document(empty)));
}

#[test]
fn names_are_unique_over_turns_and_results() {
    let pdf = json!({"type": "document", "title": "Spec", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}});
    let messages = to(SONNET).messages(json!([
        {"role": "user", "content": [pdf, {"type": "text", "text": "x"}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "w", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [pdf]}, pdf]},
    ]));
    let text = messages.to_string();
    for name in [r#""Spec""#, r#""Spec (2)""#, r#""Spec (3)""#] {
        assert_eq!(text.matches(name).count(), 1, "{name}");
    }
    assert_eq!(messages[2]["content"][2], json!({"text": "(see attached)"}));
}

#[test]
fn search_results() {
    let found = json!({
        "type": "search_result", "source": "https://e.x/1", "title": "One",
        "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "citations": {"enabled": true},
    });
    assert_eq!(
        to(SONNET).blocks(json!([found])),
        json!([{"searchResult": {
            "source": "https://e.x/1", "title": "One", "content": [{"text": "a"}, {"text": "b"}], "citations": {"enabled": true}
        }}])
    );
    let members = json!({"messages": [{"role": "user", "content": [found]}]});
    let done = to(OSS).with(members);
    assert_eq!(
        done.body["messages"][0]["content"],
        json!([{"text": "[One](https://e.x/1)\na\nb"}])
    );
    assert_eq!(done.approximated, ["messages[].content[]"]);
    let bad = json!({"messages": [{"role": "user", "content": [{"type": "search_result", "title": "x"}]}]});
    to(SONNET).invalid("messages[0].content[0].source", bad);
    let unknown = json!({"messages": [{"role": "user", "content": [{"type": "hologram"}]}]});
    to(SONNET).unsupported("messages[0].content[0]", unknown);
}
