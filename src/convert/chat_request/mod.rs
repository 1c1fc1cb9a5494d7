//! What Chat Completions requests say, apart from how a provider is told: shared by the converters for Chat clients.

pub(in crate::convert) mod checks;
pub(in crate::convert) mod choice;
pub(in crate::convert) mod content;
pub(in crate::convert) mod limits;
pub(in crate::convert) mod pairing;
pub(in crate::convert) mod path;
pub(in crate::convert) mod roles;
pub(in crate::convert) mod stops;
pub(in crate::convert) mod thinking;
pub(in crate::convert) mod wish;
