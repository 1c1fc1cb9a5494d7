//! Why a stream of frames cannot be read.

use std::fmt;

/// Why a stream of frames cannot be read. There is no way back into step: nothing after it can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    /// The first bytes of a frame do not match their checksum.
    PreludeChecksum,
    /// The lengths that a frame states contradict each other, or its headers are over what AWS allows.
    Length,
    /// A frame is over the limit.
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// A frame does not match its checksum.
    Checksum,
    /// A frame's headers cannot be read, or two of them have the same name.
    Headers,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PreludeChecksum => {
                f.write_str("the beginning of a frame does not match its checksum")
            }
            Self::Length => f.write_str("a frame states lengths that are impossible"),
            Self::TooLarge { limit } => write!(f, "a frame exceeds {limit} bytes"),
            Self::Checksum => f.write_str("a frame does not match its checksum"),
            Self::Headers => f.write_str("the headers of a frame cannot be read"),
        }
    }
}

impl std::error::Error for FrameError {}
