use super::*;

fn raw(json: &str) -> RawStr<'_> {
    RawStr::from_json(json).unwrap()
}

fn text(write: impl FnOnce(&mut BytesMut)) -> String {
    let mut out = BytesMut::new();
    write(&mut out);
    serde_json::from_slice::<serde_json::Value>(&out).unwrap();
    String::from_utf8(out.to_vec()).unwrap()
}

fn image(url: &str) -> Result<String, MediaError> {
    let json = serde_json::to_string(url).unwrap();
    let image = Image::from_url(raw(&json))?;
    Ok(text(|out| image.write(out)))
}

#[test]
fn images() {
    let bytes = |format: &str, data: &str| {
        Ok(format!(
            r#"{{"image":{{"format":"{format}","source":{{"bytes":"{data}"}}}}}}"#
        ))
    };
    for (url, expected) in [
        ("data:image/png;base64,iVBO", bytes("png", "iVBO")),
        ("data:IMAGE/JPG;base64,/9j/\n", bytes("jpeg", "/9j/")),
        ("data:;base64,R0lGODlh", bytes("gif", "R0lGODlh")),
        (
            "data:application/octet-stream;base64,UklGRg",
            bytes("webp", "UklGRg=="),
        ),
        (
            "s3://my-bucket/a/b.PNG",
            Ok(
                r#"{"image":{"format":"png","source":{"s3Location":{"uri":"s3://my-bucket/a/b.PNG"}}}}"#
                    .to_owned(),
            ),
        ),
        ("s3://My_Bucket/a.png", Err(MediaError::S3)),
        ("s3://ab/a.png", Err(MediaError::S3)),
        ("s3://my-bucket/a", Err(MediaError::ImageFormat)),
        ("https://ex.org/a.png", Err(MediaError::Web)),
        ("http://127.0.0.1/a.png", Err(MediaError::Web)),
        ("file:///etc/passwd", Err(MediaError::Web)),
        ("data:image/png,plain", Err(MediaError::DataUrl)),
        ("data:image/png;base64,a", Err(MediaError::Base64)),
        ("data:image/tiff;base64,SUkq", Err(MediaError::ImageFormat)),
        ("data:;base64,JVBERi0=", Err(MediaError::ImageFormat)),
    ] {
        assert_eq!(image(url), expected, "{url}");
    }
    let refusal = MediaError::Web.refusal("messages[0].content[1]");
    assert_eq!(
        refusal.message,
        "messages[0].content[1]: URLs are not supported by Bedrock; send base64"
    );
    // Escapes of the client's do not reach the data.
    let escaped = Image::from_base64(Some(raw(r#""image\/png""#)), raw(r#""iV\/\u002b""#)).unwrap();
    assert!(text(|out| escaped.write(out)).contains(r#""bytes":"iV/+""#));
}

#[test]
fn sound() {
    let audio = Audio::from_base64(raw("\"WAV\""), raw("\"aGk\"")).unwrap();
    assert_eq!(
        text(|out| audio.write(out)),
        r#"{"audio":{"format":"wav","source":{"bytes":"aGk="}}}"#
    );
    let unknown = Audio::from_base64(raw("\"midi\""), raw("\"aGk\""));
    assert_eq!(unknown, Err(MediaError::AudioFormat));
}
