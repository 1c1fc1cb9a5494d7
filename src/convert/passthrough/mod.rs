//! Cells in which both sides speak the same format: bytes pass, and are only watched.

pub(crate) mod error;
pub(crate) mod request;
pub(crate) mod tap;
pub(crate) mod usage;
