//! Documents: how many, under which names, and beside which text.

use serde_json::Value;

use super::super::aws::validation;
use super::super::check::Check;
use super::super::media;
use super::check::{blocks, kind};

/// The documents of a message, those in results of tools too, with their places.
fn of(message: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    for (position, block) in blocks(message).iter().enumerate() {
        match kind(block) {
            "document" => found.push((format!("content.{position}.document"), &block["document"])),
            "toolResult" => {
                let parts = blocks(&block["toolResult"]).iter().enumerate();
                let documents = parts.filter(|(_, part)| kind(part) == "document");
                found.extend(documents.map(|(index, part)| {
                    (
                        format!("content.{position}.toolResult.content.{index}.document"),
                        &part["document"],
                    )
                }));
            }
            _ => {}
        }
    }
    found
}

/// Refuses documents that the service would.
pub(super) fn check(messages: &[Value]) -> Check {
    let mut names = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let documents = of(message);
        if documents.len() > 5 {
            return Err(validation(format!(
                "The model doesn't support more than 5 documents in a message; messages.{index} has {}.",
                documents.len()
            )));
        }
        let is_direct = blocks(message)
            .iter()
            .any(|block| kind(block) == "document");
        let has_text = blocks(message).iter().any(|block| kind(block) == "text");
        if is_direct && !has_text {
            return Err(validation(
                "A text block must be included when using documents in the message content.",
            ));
        }
        for (place, document) in documents {
            let at = format!("messages.{index}.{place}");
            let name = document["name"].as_str().unwrap_or_default();
            let is_plain = name
                .chars()
                .all(|char| char.is_ascii_alphanumeric() || " -()[]".contains(char));
            if !is_plain || name.contains("  ") {
                return Err(validation(format!(
                    "The document file name at {at}.name can only contain alphanumeric characters, whitespace characters, hyphens, parentheses, and square brackets. The name can't contain more than one consecutive whitespace character."
                )));
            }
            if names.contains(&name) {
                return Err(validation(format!(
                    "The document file name at {at}.name is a duplicate: {name}."
                )));
            }
            names.push(name);
            if let Some(bytes) = document["source"]["bytes"].as_str() {
                let Some(format) = document["format"].as_str() else {
                    return Err(validation(format!("The format field at {at} is missing.")));
                };
                media::base64(mime(format), bytes).map_err(|_| {
                    validation(format!("The document at {at} is no valid {format} file."))
                })?;
            }
        }
    }
    Ok(())
}

/// The media type of a format.
pub(super) fn mime(format: &str) -> &'static str {
    match format {
        "pdf" => "application/pdf",
        "csv" => "text/csv",
        "doc" => "application/msword",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xls" => "application/vnd.ms-excel",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "html" => "text/html",
        "md" => "text/markdown",
        _ => "text/plain",
    }
}

/// Images and documents of a message, in words.
pub(super) fn seen(message: &Value) -> Vec<String> {
    let seen = blocks(message).iter().filter_map(|block| {
        let (media, source) = match kind(block) {
            "image" => {
                let format = block["image"]["format"].as_str()?;
                (format!("image/{format}"), &block["image"]["source"])
            }
            "document" => {
                let format = block["document"]["format"].as_str().unwrap_or("txt");
                (mime(format).to_owned(), &block["document"]["source"])
            }
            _ => return None,
        };
        if let Some(uri) = source["s3Location"]["uri"].as_str() {
            return Some(format!("what is at {uri}"));
        }
        match source["bytes"].as_str() {
            Some(bytes) => media::base64(&media, bytes).ok(),
            None => Some(format!("{media} in text")),
        }
    });
    seen.collect()
}
