//! A small HTTP/1.1 reader for requests: exact about bytes, tolerant of nothing. It exists so that a test sees what really came over
//! the wire (header order, spelling, framing) and not what a library made of it.

use std::io;
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest request head taken.
const HEAD_LIMIT: usize = 256 * 1024;
/// The longest request body taken.
const BODY_LIMIT: usize = 128 * 1024 * 1024;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The method, as sent.
    pub method: String,
    /// Path and query, as sent.
    pub target: String,
    /// The headers in order, names in the case they were sent in.
    pub headers: Vec<(String, String)>,
    /// The body without its transfer framing.
    pub body: Vec<u8>,
    /// The head byte for byte, with the empty line that ends it.
    pub head: Vec<u8>,
    /// Whether the body came in chunks.
    pub chunked: bool,
    /// The connection that carried it, counted from 0.
    pub connection: usize,
    /// When its last byte had arrived.
    pub at: Instant,
}

impl Recorded {
    /// The only value of a header; `None` when it is absent. Panics when it was sent twice.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self
            .headers
            .iter()
            .filter(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.as_str());
        let first = values.next();
        assert!(values.next().is_none(), "header {name} was sent twice");
        first
    }

    /// The path without the query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The body as text. Panics when it is not UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the request body is UTF-8")
    }

    /// The body as JSON. Panics when it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("the request body is JSON")
    }

    /// Whether these bytes occur anywhere in the request, head or body.
    pub fn contains(&self, needle: &str) -> bool {
        let found = |hay: &[u8]| hay.windows(needle.len()).any(|w| w == needle.as_bytes());
        found(&self.head) || found(&self.body)
    }
}

/// Reads one request. `Ok(None)` is an end before its first byte. `held` keeps what came after it.
pub async fn read_request<R>(
    input: &mut R,
    held: &mut Vec<u8>,
    connection: usize,
) -> io::Result<Option<Recorded>>
where
    R: AsyncRead + Unpin,
{
    let head_len = loop {
        if let Some(at) = find(held, b"\r\n\r\n") {
            break at + 4;
        }
        if held.len() > HEAD_LIMIT {
            return Err(bad("request head too long"));
        }
        if input.read_buf(held).await? == 0 {
            return if held.is_empty() {
                Ok(None)
            } else {
                Err(bad("end inside a request head"))
            };
        }
    };
    let rest = held.split_off(head_len);
    let head = std::mem::replace(held, rest);
    let text = std::str::from_utf8(&head).map_err(|_| bad("request head is not UTF-8"))?;
    let mut lines = text.trim_end_matches("\r\n").split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some("HTTP/1.1"), None) =
        (first.next(), first.next(), first.next(), first.next())
    else {
        return Err(bad("not an HTTP/1.1 request line"));
    };
    let (method, target) = (method.to_owned(), target.to_owned());
    let mut headers = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':').ok_or_else(|| bad("header line"))?;
        if name.is_empty() || name.ends_with(' ') {
            return Err(bad("header name"));
        }
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let all = |name: &str| -> Vec<&str> {
        headers
            .iter()
            .filter(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.as_str())
            .collect()
    };
    let (lengths, encodings) = (all("content-length"), all("transfer-encoding"));
    let chunked = match (lengths.as_slice(), encodings.as_slice()) {
        ([] | [_], []) => false,
        ([], ["chunked"]) => true,
        _ => return Err(bad("ambiguous framing")),
    };
    let body = if chunked {
        read_chunked(input, held).await?
    } else if let [length] = lengths.as_slice() {
        let length: usize = length.parse().map_err(|_| bad("content-length"))?;
        take(input, held, length).await?
    } else {
        Vec::new()
    };
    Ok(Some(Recorded {
        method,
        target,
        headers,
        body,
        head,
        chunked,
        connection,
        at: Instant::now(),
    }))
}

/// Reads a chunked body with its trailers, which are thrown away.
async fn read_chunked<R>(input: &mut R, held: &mut Vec<u8>) -> io::Result<Vec<u8>>
where
    R: AsyncRead + Unpin,
{
    let mut body = Vec::new();
    loop {
        let line = take_line(input, held).await?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(digits, 16).map_err(|_| bad("chunk size"))?;
        if size == 0 {
            while !take_line(input, held).await?.is_empty() {}
            return Ok(body);
        }
        if body.len().saturating_add(size) > BODY_LIMIT {
            return Err(bad("request body too long"));
        }
        body.extend(take(input, held, size).await?);
        if !take_line(input, held).await?.is_empty() {
            return Err(bad("chunk end"));
        }
    }
}

/// Takes one line that ends in CRLF.
async fn take_line<R>(input: &mut R, held: &mut Vec<u8>) -> io::Result<String>
where
    R: AsyncRead + Unpin,
{
    loop {
        if let Some(at) = find(held, b"\r\n") {
            let rest = held.split_off(at + 2);
            let mut line = std::mem::replace(held, rest);
            line.truncate(at);
            return String::from_utf8(line).map_err(|_| bad("line is not UTF-8"));
        }
        if held.len() > HEAD_LIMIT {
            return Err(bad("line too long"));
        }
        if input.read_buf(held).await? == 0 {
            return Err(bad("end inside a line"));
        }
    }
}

/// Takes exactly `length` bytes.
async fn take<R>(input: &mut R, held: &mut Vec<u8>, length: usize) -> io::Result<Vec<u8>>
where
    R: AsyncRead + Unpin,
{
    if length > BODY_LIMIT {
        return Err(bad("request body too long"));
    }
    while held.len() < length {
        if input.read_buf(held).await? == 0 {
            return Err(bad("end inside a request body"));
        }
    }
    let rest = held.split_off(length);
    Ok(std::mem::replace(held, rest))
}

/// Where `needle` starts in `hay`.
fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len()).position(|w| w == needle)
}

/// An error about what the peer sent.
fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
