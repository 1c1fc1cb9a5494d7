//! OpenAI Chat Completions: borrowed views of its requests and answers.

pub(crate) mod answer;
pub(crate) mod request;
