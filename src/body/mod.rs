//! Bodies: what requests are gathered into, and what answers are made of.

mod answer;
mod frames;
mod gather;
mod hide;
mod or_payload;
mod payload;
mod reading;
mod stream;
#[cfg(test)]
mod tests;
mod transcode;

pub use answer::AnswerBody;
pub(crate) use gather::{GatherError, Gathered};
pub use or_payload::OrPayload;
pub use payload::Payload;
pub(crate) use reading::{Reading, too_large};
pub(crate) use stream::{Stream, StreamSettings, Work};
pub use transcode::TranscodeBody;
