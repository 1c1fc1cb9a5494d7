//! Images and documents of a request, in words: their type and size, so that one that was lost or changed on its way is noticed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::check::{Check, Refusal};

/// A data URL or an address.
pub(super) fn url(url: &str) -> Check<String> {
    if let Some(inline) = url.strip_prefix("data:") {
        let Some((media, data)) = inline.split_once(";base64,") else {
            return Err(Refusal::invalid(
                "Invalid base64 data URL: expected 'data:<type>;base64,<data>'.",
            ));
        };
        return base64(media, data);
    }
    if url.starts_with("https://") || url.starts_with("http://") {
        return Ok(format!("what is at {url}"));
    }
    Err(Refusal::invalid(format!(
        "Invalid URL: {:?}. Expected a valid URL.",
        url.chars().take(40).collect::<String>()
    )))
}

/// Data of this type.
pub(super) fn base64(media: &str, data: &str) -> Check<String> {
    let bytes = STANDARD
        .decode(data)
        .map_err(|error| Refusal::invalid(format!("Invalid base64 data: {error}.")))?;
    let magic: &[u8] = match media {
        "image/png" => b"\x89PNG",
        "image/jpeg" => b"\xff\xd8",
        "image/gif" => b"GIF8",
        "application/pdf" => b"%PDF",
        _ => b"",
    };
    if bytes.starts_with(magic) && !bytes.is_empty() {
        Ok(format!("{media} of {} bytes", bytes.len()))
    } else {
        Err(Refusal::invalid(format!(
            "The data does not match the provided media type {media}."
        )))
    }
}

/// What a part of a message holds besides text, in any of the three formats; none when it is text or anything else.
pub(super) fn part(part: &Value) -> Option<Check<String>> {
    let text = |path: &str| part.pointer(path).and_then(Value::as_str);
    match text("/type")? {
        // Chat.
        "image_url" => Some(url(text("/image_url/url")?)),
        "file" => Some(url(text("/file/file_data")?)),
        "file_url" => Some(match text("/file_url/url")? {
            address if address.starts_with("http") => url(address),
            data => base64("application/pdf", data),
        }),
        // Responses.
        "input_image" => Some(url(text("/image_url")?)),
        "input_file" => Some(url(text("/file_data").or_else(|| text("/file_url"))?)),
        // Messages.
        "image" | "document" => Some(match text("/source/type")? {
            "base64" => base64(text("/source/media_type")?, text("/source/data")?),
            "url" => url(text("/source/url")?),
            _ => return None,
        }),
        _ => None,
    }
}

/// All that the parts of a content hold besides text; what is broken was refused before.
pub(super) fn all(content: &Value) -> Vec<String> {
    let parts = content.as_array().into_iter().flatten();
    parts.filter_map(part).filter_map(Result::ok).collect()
}
