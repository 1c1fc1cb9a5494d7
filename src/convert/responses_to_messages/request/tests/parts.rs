//! Content parts of user messages and outputs.

use super::*;

fn parts(parts: Value) -> Value {
    json!([{"role": "user", "content": parts}])
}

#[test]
fn every_part() {
    for (part, block) in [
        (
            json!({"type": "input_image", "image_url": "data:image/jpg;base64,/9j/", "detail": "auto"}),
            json!({"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "/9j/"}}),
        ),
        (
            json!({"type": "input_image", "image_url": "https://ex.org/a.png"}),
            json!({"type": "image", "source": {"type": "url", "url": "https://ex.org/a.png"}}),
        ),
        (
            json!({"type": "input_image", "file_id": "file_011"}),
            json!({"type": "image", "source": {"type": "file", "file_id": "file_011"}}),
        ),
        (
            json!({"type": "input_file", "file_data": "data:application/pdf;base64,JVBERi0=", "filename": "r.pdf"}),
            json!({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
                "title": "r.pdf"}),
        ),
        (
            json!({"type": "input_file", "file_data": "aGk=", "filename": "a.md"}),
            json!({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hi"},
                "title": "a.md"}),
        ),
        (
            json!({"type": "input_file", "file_data": "iVBORw0KGgo="}),
            json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}),
        ),
        (
            json!({"type": "input_file", "file_url": "https://ex.org/a.pdf"}),
            json!({"type": "document", "source": {"type": "url", "url": "https://ex.org/a.pdf"}}),
        ),
        (
            json!({"type": "input_file", "file_id": "file_011"}),
            json!({"type": "document", "source": {"type": "file", "file_id": "file_011"}}),
        ),
    ] {
        let done = Case::default().say(parts(json!([part])));
        assert_eq!(
            done.body["messages"][0]["content"],
            json!([block]),
            "{part}"
        );
        done.exact();
        // The same inside an output.
        let done = Case::default().say(json!([
            user("x"),
            call("c", "f", "{}"),
            output("c", json!([part])),
        ]));
        let result = &done.body["messages"][2]["content"][0];
        assert_eq!(result["content"], json!([block]), "{part}");
    }
}

#[test]
fn refused_parts() {
    let case = Case::default();
    for (param, part) in [
        (
            "input[0].content[0]",
            json!({"type": "input_audio", "input_audio": {}}),
        ),
        ("input[0].content[0]", json!({"type": "video"})),
        (
            "input[0].content[0].file_id",
            json!({"type": "input_image", "file_id": "file-abc"}),
        ),
        (
            "input[0].content[0].file_id",
            json!({"type": "input_file", "file_id": "file-abc"}),
        ),
        (
            "input[0].content[0].image_url",
            json!({"type": "input_image", "image_url": "data:image/tiff;base64,AA=="}),
        ),
        (
            "input[0].content[0].file_data",
            json!({"type": "input_file", "file_data": "AAAA", "filename": "a.docx"}),
        ),
    ] {
        case.unsupported(param, json!({"input": parts(json!([part]))}));
    }
    for (param, part) in [
        (
            "input[0].content[0].image_url",
            json!({"type": "input_image", "image_url": "ftp://x"}),
        ),
        (
            "input[0].content[0].image_url",
            json!({"type": "input_image"}),
        ),
        (
            "input[0].content[0].file_data",
            json!({"type": "input_file"}),
        ),
        ("input[0].content[0].text", json!({"type": "input_text"})),
        (
            "input[0].content[0]",
            json!({"type": "input_image", "image_url": "data:image/png;base64,"}),
        ),
    ] {
        case.invalid(param, json!({"input": parts(json!([part]))}));
    }
    let bedrock = Case {
        provider: Provider::AwsBedrockInvoke,
        ..Case::default()
    };
    let url = json!({"type": "input_image", "image_url": "https://ex.org/a.png"});
    bedrock.unsupported(
        "input[0].content[0].image_url",
        json!({"input": parts(json!([url]))}),
    );
}

#[test]
fn lost_members_are_reported() {
    let done = Case::default().say(parts(json!([
        {"type": "input_image", "image_url": "https://ex.org/a.png", "detail": "original"},
        {"type": "input_text", "text": "x", "new": 1}
    ])));
    done.dropped("input[].content[].detail")
        .dropped("input[].content[].new");
}

#[test]
fn blank_texts_vanish() {
    let done = Case::default().say(json!([
        {"role": "user", "content": [{"type": "input_text", "text": " \n"}, {"type": "input_text", "text": "x"}]},
        {"role": "user", "content": ""},
    ]));
    done.has(
        "messages",
        json!([{"role": "user", "content": [{"type": "text", "text": "x"}]}]),
    );
}
