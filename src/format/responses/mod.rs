//! Borrowed views of OpenAI Responses: requests, answers and stream events.
//!
//! The views of answers are lenient: a member that is absent, `null` or of another type than the format's reads as absent,
//! so that a newer or merely compatible server never fails an answer. Sources: the `Response`, `ResponseOutputItem` and
//! `ResponseStreamEvent` types of OpenAI's SDKs.

mod answer;
mod event;
pub(crate) mod request;

pub(crate) use answer::{Action, Annotation, Answer, Counts, Item, Part, ServiceTier};
pub(crate) use event::Event;
