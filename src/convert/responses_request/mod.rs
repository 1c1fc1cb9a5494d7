//! What Responses requests say, apart from how a provider is told: shared by the converters for Responses clients whose
//! providers know blocks.

pub(in crate::convert) mod checks;
pub(in crate::convert) mod choice;
pub(in crate::convert) mod content;
pub(in crate::convert) mod format;
pub(in crate::convert) mod heads;
pub(in crate::convert) mod input;
pub(in crate::convert) mod path;
pub(in crate::convert) mod tools;
