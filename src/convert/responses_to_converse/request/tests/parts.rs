//! The parts of messages and of outputs.

use super::*;

fn part(part: Value) -> Value {
    json!({"input": [{"role": "user", "content": [{"type": "input_text", "text": "t"}, part]}]})
}

#[test]
fn images() {
    let image = json!({"image": {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}});
    for (url, block) in [
        (PNG, image),
        (
            "data:image/jpg;base64,-_8",
            json!({"image": {"format": "jpeg", "source": {"bytes": "+/8="}}}),
        ),
        (
            "s3://bucket/a.webp",
            json!({"image": {"format": "webp", "source": {"s3Location": {"uri": "s3://bucket/a.webp"}}}}),
        ),
    ] {
        let done = Case::default().with(part(json!({"type": "input_image", "image_url": url})));
        done.has("/messages/0/content/1", block).exact();
    }
    let case = Case::default();
    let at = "input[0].content[1].image_url";
    for url in ["https://e.x/a.png", "data:image/tiff;base64,AAAA"] {
        case.unsupported(at, part(json!({"type": "input_image", "image_url": url})));
    }
    for url in ["data:image/png;base64,!!", "data:image/png,abc"] {
        case.invalid(at, part(json!({"type": "input_image", "image_url": url})));
    }
    case.unsupported(
        "input[0].content[1].file_id",
        part(json!({"type": "input_image", "file_id": "file-1"})),
    );
    case.invalid(at, part(json!({"type": "input_image"})));
    case.with(part(
        json!({"type": "input_image", "image_url": PNG, "detail": "high", "file_id": "f"}),
    ))
    .dropped("input[].content[].detail")
    .dropped("input[].content[].file_id");
}

#[test]
fn documents() {
    for (file, block) in [
        (
            json!({"file_data": "data:application/pdf;base64,JVBERi0x", "filename": "Q3_report (final).pdf"}),
            json!({"document": {"format": "pdf", "name": "Q3-report (final)", "source": {"bytes": "JVBERi0x"}}}),
        ),
        (
            json!({"file_data": "JVBERi0x"}),
            json!({"document": {"format": "pdf", "name": "document", "source": {"bytes": "JVBERi0x"}}}),
        ),
        (
            json!({"file_data": "YSxi", "filename": "a.csv"}),
            json!({"document": {"format": "csv", "name": "a", "source": {"bytes": "YSxi"}}}),
        ),
        (
            json!({"file_url": "s3://bucket/x.docx"}),
            json!({"document": {"format": "docx", "name": "document", "source": {"s3Location": {"uri": "s3://bucket/x.docx"}}}}),
        ),
        (
            json!({"file_data": PNG, "filename": "a.png"}),
            json!({"image": {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}}),
        ),
        (
            json!({"file_data": "iVBORw0KGgo="}),
            json!({"image": {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}}),
        ),
    ] {
        let mut sent = json!({"type": "input_file"});
        for (key, value) in file.as_object().unwrap() {
            sent[key] = value.clone();
        }
        Case::default()
            .with(part(sent))
            .has("/messages/0/content/1", block);
    }
    let case = Case::default();
    for (file, param) in [
        (
            json!({"type": "input_file", "file_url": "https://e.x/a.pdf"}),
            "file_url",
        ),
        (
            json!({"type": "input_file", "file_id": "file-1"}),
            "file_id",
        ),
        (
            json!({"type": "input_file", "file_data": "data:application/zip;base64,AAAA"}),
            "file_data",
        ),
        (
            json!({"type": "input_file", "file_data": "AAAA", "filename": "a.zip"}),
            "file_data",
        ),
    ] {
        case.unsupported(&format!("input[0].content[1].{param}"), part(file));
    }
    case.invalid(
        "input[0].content[1].file_data",
        part(json!({"type": "input_file"})),
    );
}

#[test]
fn documents_get_names_of_their_own_and_a_text_beside_them() {
    let file = json!({"type": "input_file", "filename": "a b.csv", "file_data": "data:text/csv;base64,YSxi"});
    let done = Case::default().say(json!([
        {"role": "user", "content": [file]},
        assistant("ok"),
        {"role": "user", "content": [file, {"type": "input_text", "text": "again"}]},
    ]));
    done.has("/messages/0/content/0/document/name", json!("a b"))
        .has("/messages/0/content/1", json!({"text": "(see attached)"}))
        .has("/messages/2/content/0/document/name", json!("a b (2)"))
        .has("/messages/2/content/1", json!({"text": "again"}));
}

#[test]
fn sound() {
    let sound = json!({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}});
    Case::default().with(part(sound.clone())).has(
        "/messages/0/content/1",
        json!({"audio": {"format": "wav", "source": {"bytes": "AAAA"}}}),
    );
    let case = Case::default();
    case.invalid(
        "input[0].content[1].input_audio",
        part(json!({"type": "input_audio"})),
    );
    case.invalid(
        "input[0].content[1].input_audio.format",
        part(json!({"type": "input_audio", "input_audio": {"data": "AAAA"}})),
    );
    case.unsupported(
        "input[0].content[1].input_audio",
        part(json!({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "odd"}})),
    );
    case.unsupported(
        "input[2].output[0]",
        json!({"input": [user("a"), call("1", "f", "{}"), output("1", json!([sound]))]}),
    );
}

#[test]
fn outputs_hold_what_messages_hold() {
    let done = Case::default().say(json!([
        user("a"),
        call("1", "f", "{}"),
        output("1", json!([
            {"type": "input_text", "text": "chart:"},
            {"type": "input_text", "text": " "},
            {"type": "input_image", "image_url": PNG},
            {"type": "input_file", "file_data": "data:text/plain;base64,YSxi", "filename": "n.txt"}])),
    ]));
    done.has(
        "/messages/2/content/0/toolResult/content",
        json!([{"text": "chart:"}, {"image": {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}},
            {"document": {"format": "txt", "name": "n", "source": {"bytes": "YSxi"}}}]),
    );
    for empty in [
        json!([]),
        json!([{"type": "input_text", "text": ""}]),
        json!(null),
    ] {
        Case::default()
            .say(json!([user("a"), call("1", "f", "{}"), output("1", empty)]))
            .has(
                "/messages/2/content/0/toolResult/content",
                json!([{"text": "(empty)"}]),
            );
    }
}

#[test]
fn odd_parts() {
    let case = Case::default();
    case.unsupported("input[0].content[1]", part(json!({"type": "odd"})));
    case.invalid("input[0].content[1].type", part(json!({"text": "x"})));
    case.invalid(
        "input[0].content[1].text",
        part(json!({"type": "input_text"})),
    );
    case.invalid("input[0].content[1]", part(json!(5)));
    case.unsupported(
        "input[0].content[0]",
        json!({"input": [{"role": "developer", "content": [{"type": "input_image", "image_url": PNG}]}]}),
    );
    case.unsupported(
        "input[0].content[0]",
        json!({"input": [{"type": "message", "role": "assistant", "content": [{"type": "input_image", "image_url": PNG}]}]}),
    );
    let done = case.say(json!([user("q"), {"type": "message", "role": "assistant", "id": "msg_1",
        "content": [{"type": "output_text", "text": "a", "annotations": [{"type": "url_citation"}], "logprobs": [{}]}]}, user("b")]));
    done.dropped("input[].content[].annotations")
        .dropped("input[].content[].logprobs")
        .dropped("input[].id");
}
