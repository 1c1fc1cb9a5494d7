//! The push parser.

use std::fmt;
use std::mem;

use memchr::memchr2;

/// What a buffer may keep of its capacity once its event is gone, so that an idle stream holds little.
const KEPT_CAPACITY: usize = 8 * 1024;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// An event of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// What the `event` field says; empty when there was none, or when it is not UTF-8.
    pub name: &'a str,
    /// What the `data` fields say, joined by line feeds.
    pub data: &'a [u8],
}

/// An event of the stream is larger than the decoder's limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTooLarge {
    limit: usize,
}

impl EventTooLarge {
    /// The limit in bytes.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }
}

impl fmt::Display for EventTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an event of the stream exceeds {} bytes", self.limit)
    }
}

impl std::error::Error for EventTooLarge {}

/// A push parser of server-sent events.
///
/// An event that lies whole in one input and has one data line is handed out as slices of that input. Only what spans
/// inputs, or joins several lines, goes through buffers, which are reused.
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    /// The beginning of a line whose end has not come.
    line: Vec<u8>,
    /// What earlier inputs said of the event that is being read.
    held: Held,
    /// The event being read has a line that is neither blank nor a comment.
    begun: bool,
    /// No line has ended yet: the next one may open with a byte order mark.
    first_line: bool,
    /// The last line ended in CR: an LF right after it belongs to it.
    after_cr: bool,
    failed: bool,
}

/// The fields of an event whose lines came in several inputs, or that has several data lines.
#[derive(Debug, Default)]
struct Held {
    /// Its content counts only while `has_data`.
    data: Vec<u8>,
    /// Where the data starts in `data`: a first data line is moved here whole, with its field name.
    data_start: usize,
    has_data: bool,
    /// Its content counts only while `has_name`.
    name: Vec<u8>,
    has_name: bool,
}

/// What a line says.
enum Line<'a> {
    Blank,
    Comment,
    Event(&'a [u8]),
    Data(&'a [u8]),
    /// `id`, `retry` and unknown fields, none of which concerns us.
    Other,
}

impl Decoder {
    /// A decoder that holds at most `limit` bytes of an event.
    ///
    /// What counts is its name, its data, and its current line, comments too; the limit strikes at the same events
    /// however the stream is cut into inputs.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            line: Vec::new(),
            held: Held::default(),
            begun: false,
            first_line: true,
            after_cr: false,
            failed: false,
        }
    }

    /// Takes the next event from `input`, and advances it past what was read. `None`: the input is used up.
    ///
    /// # Errors
    ///
    /// When an event is over the limit. The decoder cannot go on after that: it fails each further call.
    pub fn next<'a, 'i: 'a>(
        &'a mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<Event<'a>>, EventTooLarge> {
        if self.failed {
            return Err(EventTooLarge { limit: self.limit });
        }
        self.held.release();
        release(&mut self.line);
        if self.after_cr
            && let Some(&first) = input.first()
        {
            self.after_cr = false;
            if first == b'\n' {
                *input = input.get(1..).unwrap_or_default();
            }
        }

        // What this input alone says of the event, as slices of it.
        let mut name: Option<&'i [u8]> = None;
        let mut data: Option<&'i [u8]> = None;
        while !input.is_empty() {
            let fields = self.held.len(name, data);
            let Some((part, after_cr)) = take_line(input) else {
                if fields + self.line.len() + input.len() > self.limit {
                    return Err(self.fail());
                }
                self.line.extend_from_slice(input);
                *input = &[];
                break;
            };
            self.after_cr = after_cr;
            if fields + self.line.len() + part.len() > self.limit {
                return Err(self.fail());
            }
            let bom = mem::take(&mut self.first_line);
            if self.line.is_empty() {
                match Line::parse(part, bom) {
                    Line::Blank => {
                        self.begun = false;
                        if self.held.has_data || data.is_some() {
                            return Ok(Some(self.held.dispatch(name, data)));
                        }
                        self.held.has_name = false;
                        name = None;
                    }
                    Line::Comment => {}
                    Line::Event(value) => {
                        self.begun = true;
                        name = Some(value);
                    }
                    Line::Data(value) => {
                        self.begun = true;
                        if self.held.has_data || data.is_some() {
                            if let Some(first) = data.take() {
                                self.held.append_data(first);
                            }
                            self.held.append_data(value);
                        } else {
                            data = Some(value);
                        }
                    }
                    Line::Other => self.begun = true,
                }
            } else {
                // The line began in an earlier input, so it is the first to end in this one: nothing is in `data`
                // or `name` yet.
                self.line.extend_from_slice(part);
                let mut line = mem::take(&mut self.line);
                match Line::parse(&line, bom) {
                    // A byte order mark alone on the first line.
                    Line::Blank | Line::Comment => {}
                    Line::Event(value) => {
                        self.begun = true;
                        self.held.set_name(value);
                    }
                    Line::Data(value) => {
                        self.begun = true;
                        if self.held.has_data {
                            self.held.append_data(value);
                        } else {
                            self.held.data_start = line.len() - value.len();
                            self.held.has_data = true;
                            mem::swap(&mut self.held.data, &mut line);
                        }
                    }
                    Line::Other => self.begun = true,
                }
                line.clear();
                self.line = line;
            }
        }

        if let Some(name) = name {
            self.held.set_name(name);
        }
        if let Some(data) = data {
            self.held.append_data(data);
        }
        Ok(None)
    }

    /// Whether nothing of a further event has begun: no partial line, no field.
    ///
    /// What stands after the last event then is at most comments, and perhaps the LF of a CRLF is still to come.
    #[must_use]
    pub fn is_between_events(&self) -> bool {
        let no_line = self.line.is_empty() || (self.first_line && self.line == BOM);
        no_line && !self.begun && !self.failed
    }

    /// Makes the failure last, and gives the memory back.
    fn fail(&mut self) -> EventTooLarge {
        self.failed = true;
        self.line = Vec::new();
        self.held = Held::default();
        EventTooLarge { limit: self.limit }
    }
}

impl Held {
    /// Gives back what the last event made the buffers grow beyond [`KEPT_CAPACITY`].
    fn release(&mut self) {
        if !self.has_data && self.data.capacity() > KEPT_CAPACITY {
            self.data = Vec::new();
        }
        if !self.has_name && self.name.capacity() > KEPT_CAPACITY {
            self.name = Vec::new();
        }
    }

    /// The bytes of the event's name and data, these of the current input before those that are held.
    fn len(&self, name: Option<&[u8]>, data: Option<&[u8]>) -> usize {
        let held_name = if self.has_name { self.name.len() } else { 0 };
        let held_data = if self.has_data {
            self.data.len() - self.data_start
        } else {
            0
        };
        name.map_or(held_name, <[u8]>::len) + data.map_or(held_data, <[u8]>::len)
    }

    fn set_name(&mut self, name: &[u8]) {
        self.name.clear();
        self.name.extend_from_slice(name);
        self.has_name = true;
    }

    /// Adds a data line.
    fn append_data(&mut self, line: &[u8]) {
        if self.has_data {
            self.data.push(b'\n');
        } else {
            self.data.clear();
            self.data_start = 0;
            self.has_data = true;
        }
        self.data.extend_from_slice(line);
    }

    /// The event, which is over: its parts of the current input before those that are held.
    fn dispatch<'a>(&'a mut self, name: Option<&'a [u8]>, data: Option<&'a [u8]>) -> Event<'a> {
        let held_name: &[u8] = if self.has_name { &self.name } else { &[] };
        let held_data = self.data.get(self.data_start..).unwrap_or_default();
        self.has_name = false;
        self.has_data = false;
        Event {
            name: std::str::from_utf8(name.unwrap_or(held_name)).unwrap_or_default(),
            data: data.unwrap_or(held_data),
        }
    }
}

/// Gives back the memory of a buffer that is empty and large.
fn release(buffer: &mut Vec<u8>) {
    if buffer.is_empty() && buffer.capacity() > KEPT_CAPACITY {
        *buffer = Vec::new();
    }
}

/// Takes the bytes up to the next line end, without it; `None` when there is none.
///
/// Also says whether the line ended in a CR that is the input's last byte: the next input may open with its LF.
fn take_line<'i>(input: &mut &'i [u8]) -> Option<(&'i [u8], bool)> {
    let at = memchr2(b'\n', b'\r', input)?;
    let (line, rest) = input.split_at_checked(at)?;
    let (rest, after_cr) = match rest {
        [b'\r'] => (&[][..], true),
        [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => (rest, false),
        [] => return None,
    };
    *input = rest;
    Some((line, after_cr))
}

impl<'a> Line<'a> {
    /// Reads a line; `bom`: a byte order mark may stand before it.
    fn parse(mut line: &'a [u8], bom: bool) -> Self {
        if bom && let Some(rest) = line.strip_prefix(BOM) {
            line = rest;
        }
        match line {
            [] => Self::Blank,
            [b':', ..] => Self::Comment,
            [b'd', b'a', b't', b'a', rest @ ..] => value(rest).map_or(Self::Other, Self::Data),
            [b'e', b'v', b'e', b'n', b't', rest @ ..] => {
                value(rest).map_or(Self::Other, Self::Event)
            }
            _ => Self::Other,
        }
    }
}

/// The value of a field, of what follows its name; `None` when the name goes on.
fn value(after_name: &[u8]) -> Option<&[u8]> {
    match after_name {
        [b':', b' ', value @ ..] | [b':', value @ ..] => Some(value),
        [] => Some(&[]),
        _ => None,
    }
}

#[cfg(test)]
#[path = "decoder_tests.rs"]
mod tests;
