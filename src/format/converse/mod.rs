//! Borrowed views of Bedrock's Converse: whole answers, the events of a stream, and their parts.
//!
//! Lenient as the views of Messages answers are: a member that is absent, `null` or of another type than the format's reads
//! as absent, and members not known here (Bedrock pads its events with one named `p`) are passed over. Sources: the
//! `ConverseResponse` and `ConverseStreamOutput` shapes of the Bedrock runtime's service model, version 2023-09-30.

mod answer;
mod citation;
mod event;
mod usage;

pub(crate) use answer::{Answer, Block};
pub(crate) use citation::{Citation, Location};
pub(crate) use event::{Delta, Event, ReasoningDelta, ToolUse};
pub(crate) use usage::{AdditionalFields, TokenUsage, service_tier};
