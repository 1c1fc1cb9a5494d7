//! Doors for `benches/`: the conversions without the layers around them.
//!
//! Not part of the public API: a benchmark is a crate of its own, sees public items only, and shall measure a conversion
//! rather than routing, retrying and a runtime.

use bytes::{Bytes, BytesMut};

use crate::codec::sse::Decoder;
use crate::convert::context::{AnswerContext, RequestContext};
use crate::convert::machine::Machine;
use crate::convert::pair::Conversion;
use crate::convert::report::LossReport;
use crate::models::ModelTable;
use crate::provider::Provider;
use crate::provider::spec::Pair;
use crate::target::Options;

/// What a stream conversion may hold back, as by default.
const LIMIT: usize = 16 * 1024 * 1024;

/// The conversion of a Chat client's requests for Anthropic.
#[derive(Debug, Default)]
pub struct ChatToMessages {
    models: ModelTable,
    options: Options,
}

impl ChatToMessages {
    fn convert(&self, model: &str, body: &[u8]) -> Option<(Bytes, Conversion)> {
        let mut report = LossReport::default();
        let capabilities = self.models.lookup(model);
        let mut cx = RequestContext {
            model,
            provider: Provider::Anthropic,
            options: &self.options,
            headers: &http::HeaderMap::new(),
            capabilities: &capabilities,
            lossy: false,
            report: &mut report,
        };
        let converted = Conversion::request(Pair::ChatToMessages, body, &mut cx).ok()?;
        Some((converted.body, converted.state))
    }

    /// Converts one request; `None`: it was refused.
    #[must_use]
    pub fn request(&self, model: &str, body: &[u8]) -> Option<Bytes> {
        self.convert(model, body).map(|(body, _)| body)
    }

    /// Begins the conversion of a stream that answers this request.
    #[must_use]
    pub fn stream(&self, model: &str, body: &[u8]) -> Option<MessagesToChat> {
        let (_, state) = self.convert(model, body)?;
        Some(MessagesToChat {
            decoder: Decoder::new(LIMIT),
            machine: state.machine(AnswerContext::at(0), LIMIT),
            out: BytesMut::new(),
        })
    }
}

/// The conversion of one Anthropic stream for a Chat client.
pub struct MessagesToChat {
    decoder: Decoder,
    machine: Box<dyn Machine>,
    out: BytesMut,
}

impl MessagesToChat {
    /// Takes one event, and gives the bytes for the client; `None`: the stream is over.
    pub fn event(&mut self, name: &str, data: &[u8]) -> Option<&[u8]> {
        self.out.clear();
        self.machine.event(name, data, &mut self.out).ok()?;
        Some(&self.out)
    }

    /// Takes a piece of the stream as it is on the wire, and gives the bytes for the client; `None`: the stream is over.
    pub fn piece(&mut self, mut piece: &[u8]) -> Option<&[u8]> {
        self.out.clear();
        while let Some(event) = self.decoder.next(&mut piece).ok()? {
            self.machine
                .event(event.name, event.data, &mut self.out)
                .ok()?;
        }
        Some(&self.out)
    }
}

impl std::fmt::Debug for MessagesToChat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MessagesToChat").finish_non_exhaustive()
    }
}
