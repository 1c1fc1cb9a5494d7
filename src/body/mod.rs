//! Bodies: what requests are gathered into, and what answers are made of.

mod payload;

pub use payload::Payload;
