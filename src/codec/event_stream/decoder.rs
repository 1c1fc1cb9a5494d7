//! The push parser.

use super::error::FrameError;
use super::header::{self, Headers};

/// The length of the prelude: two lengths and their checksum.
pub(super) const PRELUDE: usize = 12;
/// The length of the checksum at a frame's end.
pub(super) const CHECKSUM: usize = 4;

/// The largest frame that any decoder takes, in bytes. AWS's own SDKs draw the line there for a payload.
pub const LARGEST_FRAME: usize = 24 * 1024 * 1024;
/// The largest headers that AWS's own SDKs take, in bytes.
const LARGEST_HEADERS: usize = 128 * 1024;

/// What the buffer may keep of its capacity once its frame is gone, so that an idle stream holds little.
const KEPT_CAPACITY: usize = 8 * 1024;

/// A frame of the stream.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Its headers.
    pub headers: Headers<'a>,
    /// What is behind the headers.
    pub payload: &'a [u8],
}

/// A push parser of AWS event streams.
///
/// A frame that lies whole in one input is handed out as slices of that input; only what spans inputs goes through a
/// buffer, which is reused. Nothing is gathered on the word of a length before that length has been checked.
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    /// The beginning of a frame whose end has not come.
    held: Vec<u8>,
    /// The lengths of the frame in `held`, once all of its prelude is there.
    prelude: Option<Prelude>,
    /// The frame in `held` was handed out.
    handed_out: bool,
    failed: Option<FrameError>,
}

/// The lengths that a frame states, checked.
#[derive(Debug, Clone, Copy)]
struct Prelude {
    total: usize,
    headers: usize,
}

impl Decoder {
    /// A decoder that takes frames of at most `limit` bytes, and never of more than [`LARGEST_FRAME`].
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit: limit.min(LARGEST_FRAME),
            held: Vec::new(),
            prelude: None,
            handed_out: false,
            failed: None,
        }
    }

    /// Takes the next frame from `input`, and advances it past what was read. `None`: the input is used up.
    ///
    /// # Errors
    ///
    /// When a frame is over the limit or corrupt, as soon as that can be told: impossible lengths at a frame's twelfth byte.
    /// The decoder cannot go on after that: it fails each further call.
    pub fn next<'a, 'i: 'a>(
        &'a mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<Frame<'a>>, FrameError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.release();
        if self.held.is_empty() {
            if let Some(prelude) = input.first_chunk() {
                let prelude = Prelude::read(prelude, self.limit).map_err(|e| self.fail(e))?;
                if let Some((frame, rest)) = input.split_at_checked(prelude.total) {
                    prelude.check(frame).map_err(|error| self.fail(error))?;
                    *input = rest;
                    return Ok(Some(prelude.frame(frame)));
                }
            } else if input.is_empty() {
                return Ok(None);
            }
        }
        let prelude = if let Some(prelude) = self.prelude {
            prelude
        } else {
            self.hold(PRELUDE, input);
            let Some(prelude) = self.held.first_chunk() else {
                return Ok(None);
            };
            let prelude = Prelude::read(prelude, self.limit).map_err(|error| self.fail(error))?;
            *self.prelude.insert(prelude)
        };
        self.hold(prelude.total, input);
        if self.held.len() < prelude.total {
            return Ok(None);
        }
        prelude.check(&self.held).map_err(|e| self.fail(e))?;
        self.handed_out = true;
        Ok(Some(prelude.frame(&self.held)))
    }

    /// Whether nothing of a further frame has begun: an end here does not cut one.
    #[must_use]
    pub fn is_between_frames(&self) -> bool {
        (self.held.is_empty() || self.handed_out) && self.failed.is_none()
    }

    /// Moves bytes from `input` to those that are held, until these are `length` ones.
    fn hold(&mut self, length: usize, input: &mut &[u8]) {
        let missing = length.saturating_sub(self.held.len()).min(input.len());
        let (part, rest) = input.split_at(missing);
        self.held.extend_from_slice(part);
        *input = rest;
    }

    /// Lets go of the frame that was handed out of the buffer.
    fn release(&mut self) {
        if std::mem::take(&mut self.handed_out) {
            self.prelude = None;
            if self.held.capacity() > KEPT_CAPACITY {
                self.held = Vec::new();
            } else {
                self.held.clear();
            }
        }
    }

    /// Makes the failure last, and gives the memory back.
    fn fail(&mut self, error: FrameError) -> FrameError {
        self.failed = Some(error);
        self.held = Vec::new();
        self.prelude = None;
        error
    }
}

impl Prelude {
    fn read(bytes: &[u8; PRELUDE], limit: usize) -> Result<Self, FrameError> {
        let [t0, t1, t2, t3, h0, h1, h2, h3, sum @ ..] = *bytes;
        if crc32fast::hash(&[t0, t1, t2, t3, h0, h1, h2, h3]) != u32::from_be_bytes(sum) {
            return Err(FrameError::PreludeChecksum);
        }
        let length = |bytes| usize::try_from(u32::from_be_bytes(bytes)).unwrap_or(usize::MAX);
        let (total, headers) = (length([t0, t1, t2, t3]), length([h0, h1, h2, h3]));
        if total > limit {
            return Err(FrameError::TooLarge { limit });
        }
        let room = total
            .checked_sub(PRELUDE + CHECKSUM)
            .ok_or(FrameError::Length)?;
        if headers > room.min(LARGEST_HEADERS) {
            return Err(FrameError::Length);
        }
        Ok(Self { total, headers })
    }

    /// Checks a whole frame.
    fn check(self, frame: &[u8]) -> Result<(), FrameError> {
        let summed = frame.split_last_chunk();
        let intact =
            summed.is_some_and(|(rest, sum)| crc32fast::hash(rest) == u32::from_be_bytes(*sum));
        if !intact {
            return Err(FrameError::Checksum);
        }
        header::check(self.frame(frame).headers.block())
    }

    /// The parts of a whole frame.
    fn frame(self, frame: &[u8]) -> Frame<'_> {
        let part = |from: usize, to: usize| frame.get(from..to).unwrap_or_default();
        let headers_end = PRELUDE + self.headers;
        Frame {
            headers: Headers::new(part(PRELUDE, headers_end)),
            payload: part(headers_end, self.total - CHECKSUM),
        }
    }
}

#[cfg(test)]
#[path = "decoder_tests.rs"]
mod tests;
