//! Cells where client and provider speak the same format: the bytes are watched, not changed.

mod ask_usage;
mod error;
pub(crate) mod request;
mod tap;
mod usage;

pub(crate) use error::{redacted, retry_after, rewrite, stream_error};
pub(crate) use tap::{Tap, is_keep_alive};
pub(crate) use usage::answer_usage;
