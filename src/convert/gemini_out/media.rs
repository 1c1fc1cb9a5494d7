//! Images, sound, films and files.

use std::borrow::Cow;

use bytes::BufMut;

use crate::codec::write::{self, Object};
use crate::convert::data_url::{self, DataUrl, FileKind};
use crate::convert::path;
use crate::convert::report::Refusal;
use crate::format::raw::RawStr;
use crate::format::walk;

/// A file in a part.
#[derive(Debug, Clone)]
pub(crate) enum Media<'a> {
    /// In base64.
    Inline {
        media_type: Cow<'a, str>,
        /// The base64 text, which needs no escaping.
        data: Cow<'a, str>,
    },
    /// Uploaded to Google, or somewhere on the web.
    File {
        /// A JSON string.
        uri: RawStr<'a>,
        /// `None` where Google knows it, or nobody does.
        media_type: Option<&'static str>,
    },
}

impl<'a> Media<'a> {
    /// What a URL names: a `data:` URL, a file that was uploaded to Google, or a page of the web.
    ///
    /// # Errors
    /// Google takes no such URL, for this reason.
    pub(crate) fn of_url(url: RawStr<'a>) -> Result<Self, &'static str> {
        let text = url.decode();
        if data_url::is_data_url(&text) {
            return Self::of_data_url(text, "");
        }
        let starts = |scheme: &str| {
            text.get(..scheme.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        };
        let uploaded = text.starts_with("files/") || is_uploaded(&text);
        if uploaded || ["https://", "http://", "gs://"].into_iter().any(starts) {
            return Ok(Self::File {
                uri: url,
                media_type: if uploaded { None } else { type_of_path(&text) },
            });
        }
        Err("the URL must be a data, https or gs URL, or name a file that was uploaded to Google")
    }

    /// A file that a client sends in a `data:` URL or in bare base64, with its name.
    ///
    /// # Errors
    /// It is not base64, or nobody knows what it is.
    pub(crate) fn of_file(data: RawStr<'a>, name: &str) -> Result<Self, &'static str> {
        Self::of_data_url(data.decode(), name)
    }

    /// A file in bare base64 that says what it is.
    ///
    /// # Errors
    /// It is not base64.
    pub(crate) fn of_base64(media_type: &str, data: Cow<'a, str>) -> Result<Self, &'static str> {
        if !is_base64(&data) {
            return Err(NO_BASE64);
        }
        Ok(Self::Inline {
            media_type: Cow::Owned(registered(media_type).to_owned()),
            data,
        })
    }

    fn of_data_url(text: Cow<'a, str>, name: &str) -> Result<Self, &'static str> {
        let (media_type, data) = match DataUrl::parse(&text) {
            Some(url) => (registered(url.media_type).to_owned(), url.data),
            None if data_url::is_data_url(&text) => return Err("a data URL must be in base64"),
            None => (String::new(), &*text),
        };
        if !is_base64(data) {
            return Err(NO_BASE64);
        }
        let media_type = match media_type.as_str() {
            "" | "application/octet-stream" => type_of_name(name)
                .or_else(|| type_of_data(data))
                .ok_or("nobody can tell what kind of file this is: name its media type")?
                .to_owned(),
            _ => media_type,
        };
        // The data ends the text: it is cut out without a copy where the text was not escaped.
        let data_at = text.len() - data.len();
        let data = match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.get(data_at..).unwrap_or_default()),
            Cow::Owned(mut text) => Cow::Owned(text.split_off(data_at)),
        };
        Ok(Self::Inline {
            media_type: Cow::Owned(media_type),
            data,
        })
    }

    /// Writes the member of a part.
    pub(crate) fn write(&self, part: &mut Object<'_>) {
        match self {
            Self::Inline { media_type, data } => {
                let mut blob = part.object("inlineData");
                blob.string("mimeType", media_type);
                let out = blob.key("data");
                out.reserve(data.len() + 3);
                out.put_u8(b'"');
                out.extend_from_slice(data.as_bytes());
                out.put_u8(b'"');
                blob.end();
            }
            Self::File { uri, media_type } => {
                let mut file = part.object("fileData");
                if let Some(media_type) = media_type {
                    file.string("mimeType", media_type);
                }
                write_uri(&mut file, *uri);
                file.end();
            }
        }
    }
}

const NO_BASE64: &str = "the file is empty, or is no base64";

fn is_base64(data: &str) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_');
    !data.is_empty() && data.bytes().all(plain)
}

fn write_uri(file: &mut Object<'_>, uri: RawStr<'_>) {
    write::string(file.key("fileUri"), &uri.decode());
}

/// Whether a URL names a file that was uploaded to Google.
fn is_uploaded(url: &str) -> bool {
    url.strip_prefix("https://generativelanguage.googleapis.com/")
        .is_some_and(|path| path.contains("files/"))
}

/// The media type as it is registered.
fn registered(media_type: &str) -> &str {
    if media_type.eq_ignore_ascii_case("image/jpg") {
        "image/jpeg"
    } else {
        media_type
    }
}

/// Media types by the ending of a file's name. Source: the pages on images, audio, video and documents of the Gemini API.
const ENDINGS: [(&str, &str); 41] = [
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("webp", "image/webp"),
    ("gif", "image/gif"),
    ("heic", "image/heic"),
    ("heif", "image/heif"),
    ("pdf", "application/pdf"),
    ("wav", "audio/wav"),
    ("mp3", "audio/mp3"),
    ("aiff", "audio/aiff"),
    ("aac", "audio/aac"),
    ("ogg", "audio/ogg"),
    ("flac", "audio/flac"),
    ("m4a", "audio/m4a"),
    ("mp4", "video/mp4"),
    ("mpeg", "video/mpeg"),
    ("mpg", "video/mpg"),
    ("mov", "video/mov"),
    ("avi", "video/avi"),
    ("flv", "video/x-flv"),
    ("webm", "video/webm"),
    ("wmv", "video/wmv"),
    ("3gp", "video/3gpp"),
    ("3gpp", "video/3gpp"),
    ("txt", "text/plain"),
    ("log", "text/plain"),
    ("md", "text/markdown"),
    ("markdown", "text/markdown"),
    ("html", "text/html"),
    ("htm", "text/html"),
    ("css", "text/css"),
    ("csv", "text/csv"),
    ("tsv", "text/tab-separated-values"),
    ("xml", "text/xml"),
    ("rtf", "text/rtf"),
    ("js", "text/javascript"),
    ("py", "text/x-python"),
    ("yaml", "text/yaml"),
    ("yml", "text/yaml"),
    ("json", "application/json"),
];

/// The media type that a file's name shows.
fn type_of_name(name: &str) -> Option<&'static str> {
    let (_, ending) = name.rsplit_once('.')?;
    let row = ENDINGS
        .iter()
        .find(|(known, _)| ending.eq_ignore_ascii_case(known));
    row.map(|(_, media_type)| *media_type)
}

/// The media type that the path of a URL shows.
fn type_of_path(url: &str) -> Option<&'static str> {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let (_, name) = path.rsplit_once('/')?;
    type_of_name(name)
}

fn type_of_data(data: &str) -> Option<&'static str> {
    match FileKind::from_base64(data)? {
        FileKind::Image(media_type) => Some(media_type),
        FileKind::Pdf => Some("application/pdf"),
        FileKind::Text => None,
    }
}

/// Reads an `input_audio` of OpenAI's, JSON text; `at` names its members.
///
/// # Errors
/// It lacks something, or Google does not hear it.
pub(crate) fn input_audio<'a>(
    audio: &'a str,
    at: impl Fn(&str) -> String,
) -> Result<Media<'a>, Refusal> {
    if !walk::is_object(audio) {
        return Err(path::missing(at("input_audio")));
    }
    let text = |name: &str| walk::member(audio, name).and_then(RawStr::from_json);
    let Some(data) = text("data") else {
        return Err(path::missing(at("input_audio.data")));
    };
    let Some(format) = text("format").map(RawStr::decode) else {
        return Err(path::missing(at("input_audio.format")));
    };
    let media_type = audio_type(&format).ok_or_else(|| {
        Refusal::unsupported(at("input_audio.format"), "Gemini does not hear this format")
    })?;
    // Told by its name, whatever the data look like.
    let media = Media::of_file(data, &format!("x.{format}"));
    let media = media.map_err(|reason| Refusal::invalid(at("input_audio.data"), reason))?;
    Ok(match media {
        Media::Inline { data, .. } => Media::Inline {
            media_type: media_type.into(),
            data,
        },
        file @ Media::File { .. } => file,
    })
}

/// Whether an id names a file that was uploaded to Google.
pub(crate) fn is_of_google(id: &str) -> bool {
    id.starts_with("files/") || id.starts_with("https://generativelanguage.googleapis.com/")
}

/// The media type of a format of sound.
fn audio_type(format: &str) -> Option<&'static str> {
    let row = ENDINGS
        .iter()
        .find(|(known, media_type)| *known == format && media_type.starts_with("audio/"));
    row.map(|(_, media_type)| *media_type)
}
