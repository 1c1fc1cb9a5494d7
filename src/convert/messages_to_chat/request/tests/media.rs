use serde_json::json;

use super::{ALL, GEMINI, OSS, OTHER, SONAR, user};

#[test]
fn images() {
    let base64 = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}});
    let url = json!({"type": "image", "source": {"type": "url", "url": "https://e.x/i.png"}, "transformations": []});
    for to in ALL {
        assert_eq!(
            to.block(base64.clone()),
            json!([{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}])
        );
        assert_eq!(
            to.block(url.clone()),
            json!([{"type": "image_url", "image_url": {"url": "https://e.x/i.png"}}])
        );
        to.no_block(
            "messages[0].content[0].source",
            json!({"type": "image", "source": {"type": "file", "file_id": "f"}}),
        );
        to.no_block(
            "messages[0].content[0]",
            json!({"type": "container_upload", "file_id": "f"}),
        );
        to.unsupported(
            "messages[1].content[0]",
            json!({"messages": [user("x"), {"role": "assistant", "content": [base64]}, user("y")]}),
        );
        to.invalid(
            "messages[0].content[0].source.media_type",
            json!({"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "base64", "data": "x"}}]}]}),
        );
    }
}

#[test]
fn documents() {
    let pdf = json!({"type": "document", "title": "T\n", "context": "c",
        "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}});
    assert_eq!(
        GEMINI.block(pdf.clone()),
        json!([{"type": "image_url", "image_url": {"url": "data:application/pdf;base64,JVBE"}}])
    );
    assert_eq!(
        SONAR.block(pdf.clone()),
        json!([{"type": "file_url", "file_url": {"url": "JVBE"}, "file_name": "T\n"}])
    );
    assert_eq!(
        OTHER.block(pdf.clone()),
        json!([{"type": "file", "file": {"filename": "T\n", "file_data": "data:application/pdf;base64,JVBE"}}])
    );
    OSS.no_block("messages[0].content[0]", pdf.clone());
    GEMINI
        .with(json!({"messages": [{"role": "user", "content": [pdf]}]}))
        .dropped("messages[].content[].title")
        .dropped("messages[].content[].context");

    let by_url = json!({"type": "document", "source": {"type": "url", "url": "https://e.x/d.pdf"}});
    assert_eq!(
        SONAR.block(by_url.clone()),
        json!([{"type": "file_url", "file_url": {"url": "https://e.x/d.pdf"}}])
    );
    for to in [GEMINI, OSS, OTHER] {
        to.no_block("messages[0].content[0].source", by_url.clone());
    }
    for to in ALL {
        for source in [
            json!({"type": "file", "file_id": "f"}),
            json!({"type": "base64", "media_type": "text/csv", "data": "x"}),
        ] {
            to.no_block(
                "messages[0].content[0].source",
                json!({"type": "document", "source": source}),
            );
        }
        assert_eq!(
            to.block(
                json!({"type": "document", "title": "T", "context": "C", "source":
                {"type": "text", "media_type": "text/plain", "data": "body\""}})
            ),
            json!("[document: T]\nC\nbody\"")
        );
        assert_eq!(
            to.block(json!({"type": "document", "source": {"type": "content", "content": "body"}})),
            json!("[document]\nbody")
        );
        let done = to.with(json!({"messages": [{"role": "user", "content": [
            {"type": "document", "title": "T", "citations": {"enabled": true}, "source": {"type": "content", "content": [
                {"type": "text", "text": "a"},
                {"type": "image", "source": {"type": "url", "url": "https://i"}},
                {"type": "text", "text": "b"}
            ]}}
        ]}]}));
        done.approximated("messages[].content[].source")
            .dropped("messages[].content[].citations")
            .has(
                "messages",
                json!([{"role": "user", "content": [
                    {"type": "text", "text": "[document: T]\na\nb"},
                    {"type": "image_url", "image_url": {"url": "https://i"}}
                ]}]),
            );
        let result = json!({"type": "search_result", "title": "R", "source": "https://r",
            "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]});
        assert_eq!(
            to.block(result),
            json!("[search result: R — https://r]\none\ntwo")
        );
    }
}
