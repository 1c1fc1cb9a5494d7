//! What the converters to Bedrock's Converse API have in common.

pub(in crate::convert) mod base64_text;
pub(in crate::convert) mod documents;
pub(in crate::convert) mod media;
pub(in crate::convert) mod output;
pub(in crate::convert) mod thinking;
