//! Borrowed views of Anthropic Messages: requests, whole messages, stream events and token counts.
//!
//! The views of answers are lenient: a member that is absent, `null` or of another type than the format's reads as absent, so that a
//! newer or merely compatible server never fails an answer. Sources: the `Message`, `RawMessageStreamEvent` and `Usage`
//! types of Anthropic's SDKs.

mod answer;
mod event;
mod member;
pub(crate) mod request;
mod usage;

pub(crate) use answer::{Answer, Block, Citation, StopDetails, StopReason};
pub(crate) use event::{Delta, Event};
pub(crate) use member::{Count, Text};
pub(crate) use usage::{Counts, ServiceTier};
