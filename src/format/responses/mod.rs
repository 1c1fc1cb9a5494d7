//! Borrowed views of OpenAI Responses: requests here, answers and stream events beside.

pub(crate) mod request;
