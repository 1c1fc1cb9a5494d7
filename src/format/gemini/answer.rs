//! Answers, their candidates and parts.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::objects;
use crate::format::messages::{Count, Text};
use crate::format::view::object_in;
use crate::format::walk;

/// `GenerateContentResponse`: a whole answer, or one chunk of a stream.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Answer<'a> {
    #[serde(borrow)]
    candidates: Option<&'a RawValue>,
    /// `PromptFeedback`.
    #[serde(borrow)]
    prompt_feedback: Option<&'a RawValue>,
    /// [`UsageMetadata`].
    #[serde(borrow)]
    pub(crate) usage_metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) model_version: Text<'a>,
    #[serde(borrow)]
    pub(crate) response_id: Text<'a>,
    /// What is there instead of an answer.
    #[serde(borrow)]
    pub(crate) error: Option<&'a RawValue>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PromptFeedback<'a> {
    #[serde(borrow)]
    block_reason: Text<'a>,
}

impl<'a> Answer<'a> {
    /// The answer in `json`; `None` where that is no object.
    pub(crate) fn read(json: &'a [u8]) -> Option<Self> {
        // Derived views would take arrays, too.
        (json.trim_ascii_start().first() == Some(&b'{'))
            .then(|| serde_json::from_slice(json).ok())
            .flatten()
    }

    /// The candidates, in their order.
    pub(crate) fn candidates(&self) -> impl Iterator<Item = Candidate<'a>> + use<'a> {
        objects(self.candidates)
    }

    /// Why the prompt was blocked, where it was.
    pub(crate) fn block_reason(&self) -> Option<crate::format::raw::RawStr<'a>> {
        object_in::<PromptFeedback<'a>>(self.prompt_feedback?.get())?
            .block_reason
            .non_empty()
    }
}

/// One of the answers that were asked for.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Candidate<'a> {
    pub(crate) index: Count,
    /// `Content`.
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) finish_reason: Text<'a>,
    #[serde(borrow)]
    pub(crate) finish_message: Text<'a>,
    /// [`GroundingMetadata`](super::GroundingMetadata).
    #[serde(borrow)]
    pub(crate) grounding_metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) url_context_metadata: Option<&'a RawValue>,
    /// [`CitationMetadata`](super::CitationMetadata).
    #[serde(borrow)]
    pub(crate) citation_metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) safety_ratings: Option<&'a RawValue>,
    /// [`LogProbs`].
    #[serde(borrow)]
    pub(crate) logprobs_result: Option<&'a RawValue>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Content<'a> {
    #[serde(borrow)]
    parts: Option<&'a RawValue>,
}

impl<'a> Candidate<'a> {
    /// The parts of the content, each with its JSON text.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (&'a str, Part<'a>)> + use<'a> {
        let content: Content<'a> = self
            .content
            .and_then(|content| object_in(content.get()))
            .unwrap_or_default();
        walk::elements(content.parts.map(RawValue::get).unwrap_or_default())
            .filter_map(|text| Some((text, object_in(text)?)))
    }

    /// Whether a filter says that it blocked something.
    pub(crate) fn is_flagged(&self) -> bool {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Rating<'a> {
            #[serde(borrow)]
            blocked: Option<&'a RawValue>,
        }
        objects(self.safety_ratings)
            .any(|rating: Rating<'_>| rating.blocked.is_some_and(|flag| flag.get() == "true"))
    }
}

/// A piece of a content: it has one of the members beside `thought` and `thoughtSignature`.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Part<'a> {
    #[serde(borrow)]
    pub(crate) text: Text<'a>,
    #[serde(borrow)]
    thought: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) thought_signature: Text<'a>,
    /// [`FunctionCall`].
    #[serde(borrow)]
    function_call: Option<&'a RawValue>,
    /// [`Code`].
    #[serde(borrow)]
    executable_code: Option<&'a RawValue>,
    /// [`CodeResult`].
    #[serde(borrow)]
    code_execution_result: Option<&'a RawValue>,
    /// [`Blob`].
    #[serde(borrow)]
    inline_data: Option<&'a RawValue>,
    /// A call of a tool that Google runs.
    #[serde(borrow)]
    tool_call: Option<&'a RawValue>,
    /// What that tool gave.
    #[serde(borrow)]
    tool_response: Option<&'a RawValue>,
}

impl<'a> Part<'a> {
    /// Whether it belongs to the model's reasoning.
    pub(crate) fn is_thought(&self) -> bool {
        self.thought.is_some_and(|flag| flag.get() == "true")
    }

    pub(crate) fn function_call(&self) -> Option<FunctionCall<'a>> {
        object_in(self.function_call?.get())
    }

    pub(crate) fn executable_code(&self) -> Option<Code<'a>> {
        object_in(self.executable_code?.get())
    }

    pub(crate) fn code_result(&self) -> Option<CodeResult<'a>> {
        object_in(self.code_execution_result?.get())
    }

    pub(crate) fn inline_data(&self) -> Option<Blob<'a>> {
        object_in(self.inline_data?.get())
    }

    /// Whether it is a step of a tool that Google runs, which must come back unchanged in the next request.
    pub(crate) fn is_server_step(&self) -> bool {
        self.tool_call.is_some() || self.tool_response.is_some()
    }

    /// Whether it holds code that Google ran, or what that gave.
    pub(crate) fn is_code(&self) -> bool {
        self.executable_code.is_some() || self.code_execution_result.is_some()
    }
}

/// A call of one of the client's functions, complete.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FunctionCall<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow)]
    pub(crate) name: Text<'a>,
    /// An object.
    #[serde(borrow)]
    pub(crate) args: Option<&'a RawValue>,
}

/// Code that Google ran.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Code<'a> {
    /// `PYTHON`.
    #[serde(borrow)]
    pub(crate) language: Text<'a>,
    #[serde(borrow)]
    pub(crate) code: Text<'a>,
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
}

/// What the code gave.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CodeResult<'a> {
    /// `OUTCOME_OK`, `OUTCOME_FAILED` or `OUTCOME_DEADLINE_EXCEEDED`.
    #[serde(borrow)]
    pub(crate) outcome: Text<'a>,
    #[serde(borrow)]
    pub(crate) output: Text<'a>,
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
}

/// A file in base64.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Blob<'a> {
    #[serde(borrow)]
    pub(crate) mime_type: Text<'a>,
    #[serde(borrow)]
    pub(crate) data: Text<'a>,
}

/// The token counts: those of the whole answer so far, in each chunk of a stream.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct UsageMetadata<'a> {
    /// With the cached tokens.
    pub(crate) prompt_token_count: Count,
    pub(crate) cached_content_token_count: Count,
    pub(crate) candidates_token_count: Count,
    pub(crate) thoughts_token_count: Count,
    /// What the results of Google's own tools added to the prompt.
    pub(crate) tool_use_prompt_token_count: Count,
    pub(crate) total_token_count: Count,
    #[serde(borrow)]
    prompt_tokens_details: Option<&'a RawValue>,
    #[serde(borrow)]
    candidates_tokens_details: Option<&'a RawValue>,
}

impl<'a> UsageMetadata<'a> {
    /// The prompt's tokens by modality.
    pub(crate) fn prompt_details(&self) -> impl Iterator<Item = ModalityCount<'a>> + use<'a> {
        objects(self.prompt_tokens_details)
    }

    /// The answer's tokens by modality.
    pub(crate) fn candidates_details(&self) -> impl Iterator<Item = ModalityCount<'a>> + use<'a> {
        objects(self.candidates_tokens_details)
    }
}

/// The tokens of one modality.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ModalityCount<'a> {
    /// `TEXT`, `IMAGE`, `AUDIO`, `VIDEO` or `DOCUMENT`.
    #[serde(borrow)]
    pub(crate) modality: Text<'a>,
    pub(crate) token_count: Count,
}

/// `LogprobsResult`: the tokens that were chosen, and at each place the most likely ones.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct LogProbs<'a> {
    #[serde(borrow)]
    chosen_candidates: Option<&'a RawValue>,
    #[serde(borrow)]
    top_candidates: Option<&'a RawValue>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct TopCandidates<'a> {
    #[serde(borrow)]
    candidates: Option<&'a RawValue>,
}

/// A token and how likely it was.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct LogProb<'a> {
    #[serde(borrow)]
    pub(crate) token: Text<'a>,
    /// A number.
    #[serde(borrow)]
    pub(crate) log_probability: Option<&'a RawValue>,
}

impl<'a> LogProbs<'a> {
    /// The chosen tokens, each with the most likely ones at its place.
    pub(crate) fn tokens(
        &self,
    ) -> impl Iterator<Item = (LogProb<'a>, impl Iterator<Item = LogProb<'a>> + use<'a>)> + use<'a>
    {
        let mut tops = objects::<TopCandidates<'a>>(self.top_candidates);
        objects(self.chosen_candidates)
            .map(move |chosen| (chosen, objects(tops.next().unwrap_or_default().candidates)))
    }
}
