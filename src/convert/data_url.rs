//! `data:` URLs that carry base64, and what kind of file they carry.

/// The parts of a base64 `data:` URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DataUrl<'a> {
    /// The media type without parameters, as it was written; may be empty.
    pub(crate) media_type: &'a str,
    /// The base64 text.
    pub(crate) data: &'a str,
}

impl<'a> DataUrl<'a> {
    /// The parts of `url`, if it is a base64 `data:` URL.
    pub(crate) fn parse(url: &'a str) -> Option<Self> {
        let rest = strip_data(url)?;
        let (head, data) = rest.split_once(',')?;
        let mut parameters = head.split(';');
        let media_type = parameters.next().unwrap_or_default().trim();
        let base64 = parameters.next_back()?.trim();
        base64
            .eq_ignore_ascii_case("base64")
            .then_some(Self { media_type, data })
    }
}

/// Whether `text` is a `data:` URL of any encoding.
pub(crate) fn is_data_url(text: &str) -> bool {
    strip_data(text).is_some()
}

fn strip_data(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_at_checked(5)?;
    scheme.eq_ignore_ascii_case("data:").then_some(rest)
}

/// What kind of file a media type stands for, as far as models read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// An image, with its media type in the registered spelling.
    Image(&'static str),
    Pdf,
    Text,
}

impl FileKind {
    /// The kind of a media type.
    pub(crate) fn from_media_type(media_type: &str) -> Option<Self> {
        const KNOWN: [(&str, FileKind); 11] = [
            ("image/png", FileKind::Image("image/png")),
            ("image/jpeg", FileKind::Image("image/jpeg")),
            ("image/jpg", FileKind::Image("image/jpeg")),
            ("image/gif", FileKind::Image("image/gif")),
            ("image/webp", FileKind::Image("image/webp")),
            ("application/pdf", FileKind::Pdf),
            ("application/x-pdf", FileKind::Pdf),
            ("application/json", FileKind::Text),
            ("application/csv", FileKind::Text),
            ("application/markdown", FileKind::Text),
            ("application/x-ndjson", FileKind::Text),
        ];
        KNOWN
            .into_iter()
            .find(|(known, _)| media_type.eq_ignore_ascii_case(known))
            .map(|(_, kind)| kind)
            .or_else(|| {
                let (top, _) = media_type.split_at_checked(5)?;
                top.eq_ignore_ascii_case("text/").then_some(Self::Text)
            })
    }

    /// The kind that the first bytes of a file show, given its base64 text.
    pub(crate) fn from_base64(data: &str) -> Option<Self> {
        const MAGIC: [(&str, FileKind); 5] = [
            ("JVBERi", FileKind::Pdf),
            ("iVBORw0KGgo", FileKind::Image("image/png")),
            ("/9j/", FileKind::Image("image/jpeg")),
            ("R0lGOD", FileKind::Image("image/gif")),
            ("UklGR", FileKind::Image("image/webp")),
        ];
        MAGIC
            .into_iter()
            .find(|(magic, _)| data.starts_with(magic))
            .map(|(_, kind)| kind)
    }

    /// The kind that a file's name shows.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        let known = |list: &[&str]| list.iter().any(|e| extension.eq_ignore_ascii_case(e));
        if known(&[
            "txt", "md", "markdown", "csv", "tsv", "json", "jsonl", "xml", "html", "yaml", "yml",
            "log",
        ]) {
            Some(Self::Text)
        } else if known(&["pdf"]) {
            Some(Self::Pdf)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (url, expected) in [
            ("data:image/png;base64,iVBO", Some(("image/png", "iVBO"))),
            ("DATA:image/png;BASE64,iVBO", Some(("image/png", "iVBO"))),
            (
                "data:text/plain;charset=utf-8;base64,aGk=",
                Some(("text/plain", "aGk=")),
            ),
            ("data:;base64,aGk=", Some(("", "aGk="))),
            ("data:text/plain,hi", None),
            ("data:image/png;base64", None),
            ("https://ex.org/a,b", None),
            ("dat", None),
            ("dataé", None),
        ] {
            let found = DataUrl::parse(url).map(|u| (u.media_type, u.data));
            assert_eq!(found, expected, "{url}");
        }
    }

    #[test]
    fn kinds() {
        assert_eq!(
            FileKind::from_media_type("image/JPG"),
            Some(FileKind::Image("image/jpeg"))
        );
        assert_eq!(
            FileKind::from_media_type("text/x-rust"),
            Some(FileKind::Text)
        );
        assert_eq!(FileKind::from_media_type("image/tiff"), None);
        assert_eq!(FileKind::from_media_type(""), None);
        assert_eq!(FileKind::from_base64("JVBERi0="), Some(FileKind::Pdf));
        assert_eq!(FileKind::from_base64("aGk="), None);
        assert_eq!(FileKind::from_name("a.b.MD"), Some(FileKind::Text));
        assert_eq!(FileKind::from_name("README"), None);
    }
}
