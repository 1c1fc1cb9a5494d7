//! Images, files and sound.

use super::*;

const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

fn image(url: &str) -> Value {
    json!({"type": "image_url", "image_url": {"url": url}})
}

fn file(file: Value) -> Value {
    json!({"type": "file", "file": file})
}

#[track_caller]
fn blocks(parts: Value, expected: Value) -> Done {
    let done = Case::default().say(json!([user(parts)]));
    done.has("/messages/0/content", expected);
    done
}

#[test]
fn images() {
    let png = json!({"image": {"format": "png", "source": {"bytes": PNG}}});
    blocks(
        json!([image(&format!("data:image/png;base64,{PNG}"))]),
        json!([png]),
    )
    .exact();
    blocks(
        json!([{"type": "image_url", "image_url": format!("data:;base64,{PNG}")}]),
        json!([png]),
    )
    .exact();
    blocks(
        json!([{"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{PNG}"), "detail": "high"}}]),
        json!([png]),
    )
    .dropped("messages[].content[].image_url.detail");
    blocks(
        json!([image("s3://my-bucket/a.jpg")]),
        json!([{"image": {"format": "jpeg", "source": {"s3Location": {"uri": "s3://my-bucket/a.jpg"}}}}]),
    )
    .exact();
    blocks(
        json!([file(json!({"file_data": PNG, "filename": "a.png"}))]),
        json!([png]),
    )
    .dropped("messages[].content[].file.filename");
    let case = Case::default();
    for (url, fault) in [
        ("https://ex.org/a.png", Fault::Unsupported),
        ("data:image/tiff;base64,AAAA", Fault::Unsupported),
        ("data:image/png;base64,%%", Fault::Invalid),
        ("data:image/png,AAAA", Fault::Invalid),
        ("s3://A/b.png", Fault::Invalid),
    ] {
        let refused = case.refuses(json!({"messages": [user(json!([image(url)]))]}));
        assert_eq!(
            refused,
            (fault, "messages[0].content[0].image_url.url".to_owned()),
            "{url}"
        );
    }
    case.invalid(
        "messages[0].content[0].image_url.url",
        json!({"messages": [user(json!([{"type": "image_url", "image_url": {}}]))]}),
    );
    case.invalid(
        "messages[0].content[0].image_url",
        json!({"messages": [user(json!([{"type": "image_url"}]))]}),
    );
}

#[test]
fn documents() {
    let pdf = |name: &str| json!({"document": {"format": "pdf", "name": name, "source": {"bytes": "JVBERi0xLjQ="}}});
    blocks(
        json!([
            file(json!({"file_data": "data:application/pdf;base64,JVBERi0xLjQ=", "filename": "a_b.pdf"})),
            file(json!({"file_data": "JVBERi0xLjQ=", "filename": "a_b.pdf"})),
            file(json!({"file_data": "JVBERi0xLjQ="})),
        ]),
        json!([pdf("a-b"), pdf("a-b (2)"), pdf("document"), text("(see attached)")]),
    )
    .exact();
    blocks(
        json!([{"type": "text", "text": "read"}, file(json!({"file_data": "YSxi", "filename": "t.csv"}))]),
        json!([text("read"), {"document": {"format": "csv", "name": "t", "source": {"bytes": "YSxi"}}}]),
    )
    .exact();
    let case = Case::default();
    let refused = |file_: Value| case.refuses(json!({"messages": [user(json!([file(file_)]))]}));
    for (member, bad) in [
        (
            "file_data",
            json!({"file_data": "AAAA", "filename": "a.bin"}),
        ),
        ("file_data", json!({"file_data": "https://ex.org/a.pdf"})),
        ("file_id", json!({"file_id": "file-1"})),
    ] {
        let param = format!("messages[0].content[0].file.{member}");
        assert_eq!(refused(bad), (Fault::Unsupported, param));
    }
    assert_eq!(
        refused(json!({"file_data": "%", "filename": "a.pdf"})).0,
        Fault::Invalid
    );
    assert_eq!(
        refused(json!({})),
        (
            Fault::Invalid,
            "messages[0].content[0].file.file_data".to_owned()
        )
    );
}

#[test]
fn sound() {
    let audio = |audio: Value| json!([{"type": "input_audio", "input_audio": audio}]);
    blocks(
        audio(json!({"data": "AAAA", "format": "wav"})),
        json!([{"audio": {"format": "wav", "source": {"bytes": "AAAA"}}}]),
    )
    .exact();
    let case = Case::default();
    let refused = |audio: Value| case.refuses(json!({"messages": [user(audio)]})).1;
    assert_eq!(
        refused(audio(json!({"data": "AAAA", "format": "midi"}))),
        "messages[0].content[0].input_audio.format"
    );
    assert_eq!(
        refused(audio(json!({"data": "%", "format": "wav"}))),
        "messages[0].content[0].input_audio.data"
    );
    assert_eq!(
        refused(audio(json!({"format": "wav"}))),
        "messages[0].content[0].input_audio.data"
    );
    assert_eq!(
        refused(json!([{"type": "input_audio"}])),
        "messages[0].content[0].input_audio"
    );
}

#[test]
fn results_hold_images_and_documents() {
    let done = Case::default().say(json!([
        user("q"),
        {"role": "assistant", "tool_calls": [call("a", "f", "{}")]},
        answer("a", json!([{"type": "text", "text": "see"}, image(&format!("data:image/png;base64,{PNG}")),
            file(json!({"file_data": "JVBERi0=", "filename": "r.pdf"}))])),
    ]));
    done.has("/messages/2/content/0/toolResult/content/0", text("see"))
        .has(
            "/messages/2/content/0/toolResult/content/1/image/format",
            json!("png"),
        )
        .has(
            "/messages/2/content/0/toolResult/content/2/document/name",
            json!("r"),
        )
        .has("/messages/2/content/1", json!(null));
    Case::default().unsupported(
        "messages[2].content[0]",
        json!({"messages": [user("q"), {"role": "assistant", "tool_calls": [call("a", "f", "{}")]},
            answer("a", json!([{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}]))]}),
    );
}

#[test]
fn parts_that_nothing_knows_are_refused() {
    let case = Case::default();
    case.unsupported(
        "messages[0].content[0]",
        json!({"messages": [user(json!([{"type": "video"}]))]}),
    );
    case.invalid(
        "messages[0].content[0].type",
        json!({"messages": [user(json!([{"text": "x"}]))]}),
    );
    case.invalid(
        "messages[0].content[0].text",
        json!({"messages": [user(json!([{"type": "text"}]))]}),
    );
    case.invalid(
        "messages[0].content",
        json!({"messages": [{"role": "user", "content": 5}]}),
    );
}
