//! The parts of messages.

use serde_json::{Value, json};

use super::{Case, Done, text, user};
use crate::provider::Provider;

#[test]
fn images() {
    let case = Case::default();
    let image = |url: &str| json!({"messages": [user(json!([{"type": "image_url", "image_url": {"url": url}}]))]});
    let block = |done: &Done| done.body["messages"][0]["content"][0].clone();
    let base64 = |kind: &str| json!({"type": "image", "source": {"type": "base64", "media_type": kind, "data": "iVBO/w=="}});
    assert_eq!(
        block(case.with(image("data:image/png;base64,iVBO/w==")).exact()),
        base64("image/png")
    );
    assert_eq!(
        block(&case.with(image("data:image/jpg;base64,iVBO/w=="))),
        base64("image/jpeg")
    );
    assert_eq!(
        block(&case.with(image("HTTPS://ex.org/a.png?b=\"c\""))),
        json!({"type": "image", "source": {"type": "url", "url": "HTTPS://ex.org/a.png?b=\"c\""}})
    );
    // Some JSON writers escape slashes.
    let escaped = r#"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image\/png;base64,iVBO\/w=="}}]}]}"#;
    assert_eq!(
        block(&case.try_run_text(escaped).unwrap()),
        base64("image/png")
    );
    let hostile = r#"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,a\"\u0001b"}}]}]}"#;
    assert_eq!(
        block(&case.try_run_text(hostile).unwrap())["source"]["data"],
        "a\"\u{1}b"
    );
    case.with(json!({"messages": [user(json!([{"type": "image_url", "image_url": {"url": "https://x", "detail": "high"}}]))]}))
        .dropped("messages[].content[].image_url.detail");
    let at = "messages[0].content[0].image_url.url";
    case.unsupported(at, image("data:image/tiff;base64,AAAA"));
    case.invalid(at, image("ftp://ex.org/a.png"));
    case.invalid(at, image("data:image/png,abc"));
    case.invalid("messages[0].content[0]", image("data:image/png;base64,"));
    case.invalid(
        "messages[0].content[0].image_url",
        json!({"messages": [user(json!([{"type": "image_url"}]))]}),
    );
    Case {
        provider: Provider::AwsBedrockInvoke,
        ..Case::default()
    }
    .unsupported(at, image("https://ex.org/a.png"));
}

#[test]
fn files() {
    let case = Case::default();
    let file = |file: Value| json!({"messages": [user(json!([{"type": "file", "file": file}]))]});
    let block = |f: Value| case.with(file(f)).body["messages"][0]["content"][0].clone();
    let pdf = json!({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}, "title": "r.pdf"});
    for data in [
        "data:application/pdf;base64,JVBERi0=",
        "JVBERi0=",
        "data:application/octet-stream;base64,JVBERi0=",
    ] {
        assert_eq!(block(json!({"file_data": data, "filename": "r.pdf"})), pdf);
    }
    let note = |title: Option<&str>| {
        let mut block = json!({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "h\u{e9}\n"}});
        if let Some(title) = title {
            block["title"] = json!(title);
        }
        block
    };
    assert_eq!(
        block(json!({"file_data": "data:text/markdown;base64,aMOpCg=="})),
        note(None)
    );
    assert_eq!(
        block(json!({"file_data": "aMOpCg", "filename": "a.CSV"})),
        note(Some("a.CSV"))
    );
    assert_eq!(
        block(json!({"file_data": "data:image/webp;base64,UklGRg==", "filename": "a.webp"})),
        json!({"type": "image", "source": {"type": "base64", "media_type": "image/webp", "data": "UklGRg=="}})
    );
    assert_eq!(
        block(json!({"file_id": "file_01"})),
        json!({"type": "document", "source": {"type": "file", "file_id": "file_01"}})
    );
    case.unsupported(
        "messages[0].content[0].file.file_id",
        file(json!({"file_id": "file-abc"})),
    );
    case.unsupported(
        "messages[0].content[0].file.file_data",
        file(json!({"file_data": "data:application/zip;base64,UEsD"})),
    );
    case.invalid(
        "messages[0].content[0].file.file_data",
        file(json!({"file_data": "data:text/plain;base64,/w=="})),
    );
    case.invalid(
        "messages[0].content[0].file.file_data",
        file(json!({"file_data": "data:text/plain,hi"})),
    );
    case.invalid(
        "messages[0].content[0].file.file_data",
        file(json!({"filename": "x"})),
    );
}

#[test]
fn other_parts() {
    let case = Case::default();
    let part = |part: Value| json!({"messages": [user(json!([part]))]});
    case.unsupported(
        "messages[0].content[0]",
        part(json!({"type": "input_audio", "input_audio": {}})),
    );
    case.unsupported("messages[0].content[0]", part(json!({"type": "hologram"})));
    case.unsupported(
        "messages[0].content[0]",
        part(json!({"type": "tool_result"})),
    );
    let found = json!({"type": "search_result", "source": "https://x", "title": "t", "content": [text("c")], "citations": {"enabled": true}});
    assert_eq!(
        case.with(part(found.clone())).body["messages"][0]["content"][0],
        found
    );
    let mut marked = found.clone();
    marked["cache_control"] = json!({"type": "ephemeral", "scope": "x"});
    let mut expected = found;
    expected["cache_control"] = json!({"type": "ephemeral"});
    assert_eq!(
        case.with(part(marked)).body["messages"][0]["content"][0],
        expected
    );
    case.unsupported(
        "messages[1].audio",
        json!({"messages": [user(json!("u")), {"role": "assistant", "audio": {"id": "a"}}]}),
    );
    case.unsupported("messages[1].content[0]", json!({"messages": [user(json!("u")),
        {"role": "assistant", "content": [{"type": "image_url", "image_url": {"url": "https://x"}}]}]}));
}
