//! Bodies: what requests are gathered into, and what answers are made of.

mod answer;
mod frames;
mod gather;
mod hide;
mod payload;
mod stream;
#[cfg(test)]
mod tests;
mod transcode;

pub use answer::AnswerBody;
pub(crate) use gather::{GatherError, Gathered};
pub use payload::Payload;
pub(crate) use stream::{Stream, StreamSettings, Work};
pub use transcode::TranscodeBody;
