//! Clients that speak Chat Completions, providers that speak Anthropic Messages.

pub(crate) mod state;
pub(crate) mod request {
    use super::state::State;
    use crate::convert::{context::*, report::*};
    pub(crate) fn convert(
        _: &[u8],
        _: &mut RequestContext<'_>,
    ) -> Result<ConvertedRequest<State>, Refusal> {
        Err(Refusal::unsupported("x", "stub"))
    }
}
pub(crate) mod response {
    use super::state::State;
    use crate::{convert::context::*, format::error::*};
    pub(crate) fn convert(
        _: &[u8],
        _: &State,
        _: &AnswerContext,
    ) -> Result<ConvertedAnswer, ClientError> {
        unimplemented!()
    }
}
pub(crate) mod stream {
    use super::state::State;
    use crate::{
        convert::{context::*, machine::*},
        format::error::*,
        usage::Usage,
    };
    use bytes::BytesMut;
    pub(crate) struct MessagesToChat;
    impl MessagesToChat {
        pub(crate) fn new(_: State, _: AnswerContext, _: usize) -> Self {
            Self
        }
    }
    impl Machine for MessagesToChat {
        fn event(&mut self, _: &str, _: &[u8], _: &mut BytesMut) -> Result<Flow, StreamError> {
            unimplemented!()
        }
        fn finish(&mut self, _: &mut BytesMut) -> Result<(), StreamError> {
            Ok(())
        }
        fn fail(&mut self, _: &StreamError, _: &mut BytesMut) {}
        fn usage(&self) -> Usage {
            Usage::default()
        }
    }
    pub(crate) fn replay(
        _: &[u8],
        _: State,
        _: AnswerContext,
        _: &mut BytesMut,
    ) -> Result<Usage, ClientError> {
        unimplemented!()
    }
}
pub(crate) mod error {
    use crate::format::error::*;
    use http::*;
    pub(crate) fn convert(_: StatusCode, _: &[u8]) -> ClientError {
        unimplemented!()
    }
    pub(crate) fn rate_limit_headers(_: &HeaderMap, _: u64, _: &mut HeaderMap) {}
}
