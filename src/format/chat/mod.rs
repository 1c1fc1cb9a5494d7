//! OpenAI Chat Completions: borrowed views of its requests.

pub(crate) mod request;
