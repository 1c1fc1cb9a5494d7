//! Answers to Chat Completions clients: the pieces that whole answers and the chunks of streams are made of.
//!
//! OpenAI's `stream()` helpers merge every key of every delta: strings are joined, numbers added, and lists need an integer
//! `index` in each entry from the second list on. So list entries that are not Chat's own carry an `index` that is sent once,
//! `annotations` (which have none) come in a single chunk, and no delta has a number of its own.

pub(in crate::convert) mod annotations;
pub(in crate::convert) mod call;
pub(in crate::convert) mod chunk;
pub(in crate::convert) mod cutter;
pub(in crate::convert) mod head;
pub(in crate::convert) mod reasoning;
pub(in crate::convert) mod usage;
#[cfg(test)]
pub(in crate::convert) mod validate;
