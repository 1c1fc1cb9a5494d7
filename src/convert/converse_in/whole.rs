//! Whole answers.

use serde_json::value::RawValue;

use super::reader::{call_id, called_name, is_server_tool};
use super::{Closing, Ending, Head, Opening, ServiceTier, Sink, StopReason};
use crate::convert::bedrock_error;
use crate::convert::context::AnswerContext;
use crate::convert::converse_envelope::{self, Redacted};
use crate::endpoint::Format;
use crate::format::converse::{
    AdditionalFields, Answer, Block, Citation, TokenUsage, service_tier,
};
use crate::format::error::{ClientError, Fault};
use crate::format::raw::RawStr;

/// A whole answer, checked.
#[derive(Debug)]
pub(crate) struct Whole<'a> {
    pub(crate) head: Head,
    blocks: Vec<WholeBlock<'a>>,
    pub(crate) ending: Ending,
}

/// A block that has something in it. Texts are the inside of JSON strings.
#[derive(Debug)]
enum WholeBlock<'a> {
    Text {
        texts: Vec<&'a str>,
        citations: Vec<Citation<'a>>,
    },
    Reasoning {
        text: &'a str,
        signature: &'a str,
    },
    Redacted(Redacted),
    Call {
        id: String,
        name: String,
        input: Option<&'a RawValue>,
    },
}

impl<'a> Whole<'a> {
    /// Reads an answer's body; errors are in the words of `client`.
    ///
    /// # Errors
    /// It is no Converse answer, or says that the model's output cannot be understood.
    pub(crate) fn read(
        body: &'a [u8],
        cx: AnswerContext,
        client: Format,
    ) -> Result<Self, ClientError> {
        let malformed = |what| ClientError::gateway(client, Fault::BadGateway, what);
        let answer = Answer::read(body).ok_or_else(|| {
            bedrock_error::in_success(body, client)
                .unwrap_or_else(|| malformed("the provider's answer is no Converse answer"))
        })?;
        let reason = StopReason::read(answer.stop_reason.get())
            .map_err(|malformed| malformed.client_error(client))?;
        let head = Head::new(cx);
        let mut blocks = Vec::new();
        let mut calls = 0;
        for block in answer.blocks() {
            if let Some(block) = read(&block, &head, &mut calls).map_err(malformed)? {
                blocks.push(block);
            }
        }
        let fields = AdditionalFields::read(answer.additional_model_response_fields);
        let mut usage = TokenUsage::read(answer.usage);
        let tier = service_tier(answer.service_tier).get();
        let service_tier = tier.and_then(ServiceTier::read);
        if let Some(usage) = &mut usage {
            usage.reasoning = fields.thinking_tokens;
            usage.service_tier = service_tier.map(ServiceTier::billed);
        }
        let ending = Ending {
            usage,
            service_tier,
            ..Ending::new(reason, calls > 0, &fields)
        };
        Ok(Self {
            head,
            blocks,
            ending,
        })
    }

    /// Tells a sink the answer.
    pub(crate) fn tell(&self, sink: &mut impl Sink) {
        sink.start(&self.head);
        for block in &self.blocks {
            match block {
                WholeBlock::Text { texts, citations } => {
                    sink.open(Opening::Text);
                    for text in texts {
                        sink.delta(text);
                    }
                    for citation in citations {
                        sink.citation(citation);
                    }
                    sink.close(Closing::default());
                }
                WholeBlock::Reasoning { text, signature } => {
                    sink.open(Opening::Reasoning);
                    if !text.is_empty() {
                        sink.delta(text);
                    }
                    let signature = (!signature.is_empty()).then_some(*signature);
                    sink.close(Closing { signature });
                }
                WholeBlock::Redacted(redacted) => sink.redacted(redacted),
                WholeBlock::Call { id, name, input } => {
                    sink.open(Opening::Call { id, name });
                    if let Some(input) = input {
                        sink.input(input.get());
                    }
                    sink.close(Closing::default());
                }
            }
        }
        sink.stopped(&self.ending);
    }
}

/// A block as the client sees it; `None` where there is nothing to see.
fn read<'a>(
    block: &Block<'a>,
    head: &Head,
    calls: &mut u64,
) -> Result<Option<WholeBlock<'a>>, &'static str> {
    if let Some(text) = block.text.non_empty() {
        return Ok(Some(WholeBlock::Text {
            texts: vec![text.content()],
            citations: Vec::new(),
        }));
    }
    if let Some(call) = block.tool_use().filter(|call| !is_server_tool(call)) {
        let name = called_name(&call)?;
        let id = call_id(&call, head, *calls);
        *calls += 1;
        let input = call.input;
        return Ok(Some(WholeBlock::Call { id, name, input }));
    }
    if let Some(reasoning) = block.reasoning_text() {
        let content = |text: Option<RawStr<'a>>| text.map_or("", RawStr::content);
        let text = content(reasoning.text.get());
        let signature = content(reasoning.signature.get());
        let empty = text.is_empty() && signature.is_empty();
        return Ok((!empty).then_some(WholeBlock::Reasoning { text, signature }));
    }
    if let Some(redacted) = block.redacted_content().non_empty() {
        let bytes = converse_envelope::decode(redacted).ok_or("malformed upstream reasoning")?;
        return Ok(Some(WholeBlock::Redacted(Redacted::of(bytes))));
    }
    let (texts, citations) = block.cited();
    let texts: Vec<&str> = texts
        .into_iter()
        .filter_map(|text| text.non_empty().map(RawStr::content))
        .collect();
    let citations: Vec<Citation<'a>> = citations.into_iter().filter_map(Citation::read).collect();
    let empty = texts.is_empty() && citations.is_empty();
    Ok((!empty).then_some(WholeBlock::Text { texts, citations }))
}
