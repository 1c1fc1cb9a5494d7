//! Images, sound, films and files.

use super::*;

fn part(case: &Case, part: Value) -> Done {
    case.say(json!([user(json!([part]))]))
}

fn image(url: &str) -> Value {
    json!({"type": "image_url", "image_url": {"url": url}})
}

#[test]
fn media_by_url() {
    let case = Case::default();
    for (url, expected) in [
        (
            "data:image/jpg;base64,/9j/",
            json!({"inlineData": {"mimeType": "image/jpeg", "data": "/9j/"}}),
        ),
        (
            "data:image/png;name=x;base64,iVBO",
            json!({"inlineData": {"mimeType": "image/png", "data": "iVBO"}}),
        ),
        (
            "data:application/pdf;base64,JVBERi0=",
            json!({"inlineData": {"mimeType": "application/pdf", "data": "JVBERi0="}}),
        ),
        (
            "https://generativelanguage.googleapis.com/v1beta/files/x.png",
            json!({"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/x.png"}}),
        ),
        ("files/x", json!({"fileData": {"fileUri": "files/x"}})),
        (
            "https://www.youtube.com/watch?v=1.mp4",
            json!({"fileData": {"fileUri": "https://www.youtube.com/watch?v=1.mp4"}}),
        ),
        (
            "https://ex.org/a/b.PNG?size=1#x",
            json!({"fileData": {"mimeType": "image/png", "fileUri": "https://ex.org/a/b.PNG?size=1#x"}}),
        ),
        (
            "gs://bucket/a.pdf",
            json!({"fileData": {"mimeType": "application/pdf", "fileUri": "gs://bucket/a.pdf"}}),
        ),
    ] {
        part(&case, image(url))
            .exact()
            .has("/contents/0/parts/0", expected.clone());
        // Some clients send the bare URL.
        part(&case, json!({"type": "image_url", "image_url": url}))
            .exact()
            .has("/contents/0/parts/0", expected);
    }
    for url in [
        "data:image/png,abc",
        "ftp://x",
        "data:image/png;base64,a%20b",
        "data:image/png;base64,",
        "x",
    ] {
        case.invalid(
            "messages[0].content[0].image_url.url",
            json!({"messages": [user(json!([image(url)]))]}),
        );
    }
}

#[test]
fn details_are_resolutions_of_the_newest_models() {
    let detail = |word: &str| json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA", "detail": word}});
    let level = |done: &Done| done.body["contents"][0]["parts"][0]["mediaResolution"].clone();
    let case = Case::default();
    for (word, expected) in [
        ("low", "MEDIA_RESOLUTION_LOW"),
        ("high", "MEDIA_RESOLUTION_HIGH"),
        ("original", "MEDIA_RESOLUTION_HIGH"),
    ] {
        assert_eq!(
            level(&part(&case, detail(word))),
            json!({"level": expected})
        );
    }
    part(&case, detail("auto"))
        .exact()
        .has("/contents/0/parts/0/mediaResolution", Value::Null);
    part(&case, detail("odd")).dropped("messages[].content[].image_url.detail");
    let old = Case::model(OLD);
    let done = part(&old, detail("low"));
    assert_eq!(level(&done), Value::Null);
    done.dropped("messages[].content[].image_url.detail");
}

#[test]
fn sound_films_and_files() {
    let case = Case::default();
    part(
        &case,
        json!({"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}),
    )
    .exact()
    .has(
        "/contents/0/parts/0",
        json!({"inlineData": {"mimeType": "audio/wav", "data": "UklGRg=="}}),
    );
    part(
        &case,
        json!({"type": "input_audio", "input_audio": {"data": "AA", "format": "mp3"}}),
    )
    .has(
        "/contents/0/parts/0/inlineData/mimeType",
        json!("audio/mp3"),
    );
    case.unsupported(
        "messages[0].content[0].input_audio.format",
        json!({"messages": [user(json!([{"type": "input_audio", "input_audio": {"data": "AA", "format": "midi"}}]))]}),
    );
    part(
        &case,
        json!({"type": "video_url", "video_url": {"url": "https://ex.org/a.mp4"}, "video_metadata": {"start_offset": "1s", "fps": 2}}),
    )
    .exact()
    .has(
        "/contents/0/parts/0",
        json!({"fileData": {"mimeType": "video/mp4", "fileUri": "https://ex.org/a.mp4"},
            "videoMetadata": {"startOffset": "1s", "fps": 2}}),
    );
    let file = |file: Value| json!({"type": "file", "file": file});
    for (given, expected) in [
        (
            json!({"file_data": "data:text/csv;base64,YQ=="}),
            json!({"inlineData": {"mimeType": "text/csv", "data": "YQ=="}}),
        ),
        (
            json!({"file_data": "YQ==", "filename": "a.b.MD"}),
            json!({"inlineData": {"mimeType": "text/markdown", "data": "YQ=="}}),
        ),
        (
            json!({"file_data": "JVBERi0="}),
            json!({"inlineData": {"mimeType": "application/pdf", "data": "JVBERi0="}}),
        ),
        (
            json!({"file_id": "files/x"}),
            json!({"fileData": {"fileUri": "files/x"}}),
        ),
    ] {
        part(&case, file(given)).has("/contents/0/parts/0", expected);
    }
    case.unsupported(
        "messages[0].content[0].file.file_id",
        json!({"messages": [user(json!([file(json!({"file_id": "file-abc"}))]))]}),
    );
    case.unsupported(
        "messages[0].content[0].file.file_data",
        json!({"messages": [user(json!([file(json!({"file_data": "YQ=="}))]))]}),
    );
}

#[test]
fn other_parts() {
    let case = Case::default();
    part(&case, json!({"type": "refusal", "refusal": "no"}))
        .has("/contents/0/parts/0", json!({"text": "no"}));
    part(
        &case,
        json!({"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}, "prompt_cache_breakpoint": {}}),
    )
    .dropped("messages[].content[].cache_control")
    .dropped("messages[].content[].prompt_cache_breakpoint");
    case.unsupported(
        "messages[0].content[0]",
        json!({"messages": [user(json!([{"type": "document"}]))]}),
    );
    case.invalid(
        "messages[0].content[0].type",
        json!({"messages": [user(json!([{}]))]}),
    );
    case.invalid(
        "messages[0].content[0].text",
        json!({"messages": [user(json!([{"type": "text"}]))]}),
    );
    case.invalid("messages[0].content", json!({"messages": [user(json!(5))]}));
}

#[test]
fn what_results_show() {
    let conversation = json!([
        user(json!("u")),
        {"role": "assistant", "tool_calls": [call("a", "shot", "{}")]},
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "done"}, image("data:image/png;base64,AA")]},
        user(json!("next"))
    ]);
    let blob = json!({"inlineData": {"mimeType": "image/png", "data": "AA"}});
    Case::default().say(conversation.clone()).exact().has(
        "/contents/2/parts",
        json!([{"functionResponse": {"id": "a", "name": "shot", "response": {"output": "done"}, "parts": [blob]}}]),
    );
    let done = Case::model(OLD).say(conversation);
    done.approximated("messages[].content[]")
        .has(
            "/contents/2/parts",
            json!([{"functionResponse": {"name": "shot", "response": {"output": "done"}}}]),
        )
        .has(
            "/contents/3",
            json!({"role": "user", "parts": [{"text": "[image returned by shot]"}, blob, {"text": "next"}]}),
        );
}
