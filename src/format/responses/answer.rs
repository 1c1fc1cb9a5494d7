//! A whole Responses answer.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::format::messages::{Count, Text};
use crate::format::openai_usage::{self, Details};
use crate::usage::Usage;

/// OpenAI's `Response`; also the one inside a stream's life-cycle events.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Answer<'a> {
    #[serde(borrow)]
    pub(crate) object: Text<'a>,
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow)]
    pub(crate) model: Text<'a>,
    #[serde(borrow)]
    pub(crate) status: Text<'a>,
    #[serde(borrow)]
    pub(crate) error: Option<&'a RawValue>,
    #[serde(borrow)]
    incomplete_details: Option<&'a RawValue>,
    #[serde(borrow)]
    output: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) usage: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_usage: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) service_tier: Text<'a>,
}

/// An output item of any type: the members that the types known here have.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Item<'a> {
    #[serde(borrow, rename = "type")]
    pub(crate) kind: Text<'a>,
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow)]
    pub(crate) status: Text<'a>,
    /// Of a message or a reasoning item: see [`Part::list`].
    #[serde(borrow)]
    pub(crate) content: Option<&'a RawValue>,
    /// Of a reasoning item: see [`Part::list`].
    #[serde(borrow)]
    pub(crate) summary: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) encrypted_content: Text<'a>,
    #[serde(borrow)]
    pub(crate) call_id: Text<'a>,
    #[serde(borrow)]
    pub(crate) name: Text<'a>,
    #[serde(borrow)]
    pub(crate) arguments: Text<'a>,
    #[serde(borrow)]
    pub(crate) input: Text<'a>,
    /// Of a web search: see [`Action::read`].
    #[serde(borrow)]
    pub(crate) action: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) server_label: Text<'a>,
    #[serde(borrow)]
    pub(crate) output: Text<'a>,
    #[serde(borrow)]
    pub(crate) error: Option<&'a RawValue>,
}

/// A part of a message's content, or of a reasoning item's summary or content.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Part<'a> {
    #[serde(borrow, rename = "type")]
    pub(crate) kind: Text<'a>,
    #[serde(borrow)]
    pub(crate) text: Text<'a>,
    #[serde(borrow)]
    pub(crate) refusal: Text<'a>,
    /// See [`Annotation::list`].
    #[serde(borrow)]
    pub(crate) annotations: Option<&'a RawValue>,
}

/// An annotation of a text.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Annotation<'a> {
    #[serde(borrow, rename = "type")]
    pub(crate) kind: Text<'a>,
    #[serde(borrow)]
    pub(crate) url: Text<'a>,
    #[serde(borrow)]
    pub(crate) title: Text<'a>,
    pub(crate) start_index: Count,
    pub(crate) end_index: Count,
}

/// What a web search call did: a search, or the opening of a page.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Action<'a> {
    #[serde(borrow, rename = "type")]
    pub(crate) kind: Text<'a>,
    #[serde(borrow)]
    pub(crate) query: Text<'a>,
    #[serde(borrow)]
    queries: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) url: Text<'a>,
    #[serde(borrow)]
    sources: Option<&'a RawValue>,
}

/// A page that a search found.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Url<'a> {
    #[serde(borrow)]
    pub(crate) url: Text<'a>,
    #[serde(borrow)]
    pub(crate) title: Text<'a>,
}

/// Reads what may be absent or of another shape.
fn lenient<'a, T: Default + Deserialize<'a>>(raw: Option<&'a RawValue>) -> T {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default()
}

impl<'a> Answer<'a> {
    /// `incomplete_details.reason`.
    pub(crate) fn incomplete_reason(&self) -> Text<'a> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Details<'a> {
            #[serde(borrow)]
            reason: Text<'a>,
        }
        lenient::<Details<'a>>(self.incomplete_details).reason
    }

    /// The output items; `None` where there is no such list.
    pub(crate) fn items(&self) -> Option<Vec<Item<'a>>> {
        let items: Vec<&'a RawValue> = serde_json::from_str(self.output?.get()).ok()?;
        Some(items.into_iter().map(Item::read).collect())
    }

    /// The token counts.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts::read(self.usage);
        counts.usage.web_searches = web_searches(self.tool_usage);
        counts.usage.service_tier = self
            .service_tier
            .get()
            .and_then(|tier| crate::usage::ServiceTier::from_name(&tier.decode()));
        counts
    }

    /// The web searches among the output items; `None` where there is none.
    pub(crate) fn searches(&self) -> Option<u64> {
        let items = self.items()?;
        let is_search = |item: &&Item<'_>| {
            let kind = item.kind.get();
            kind.is_some_and(|kind| kind.is("web_search_call"))
        };
        let count = u64::try_from(items.iter().filter(is_search).count()).ok();
        count.filter(|count| *count > 0)
    }
}

/// `tool_usage.web_search.num_requests`.
fn web_searches(tool_usage: Option<&RawValue>) -> Option<u64> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct ToolUsage<'a> {
        #[serde(borrow)]
        web_search: Option<&'a RawValue>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Requests {
        num_requests: Count,
    }
    let tools: ToolUsage<'_> = lenient(tool_usage);
    lenient::<Requests>(tools.web_search).num_requests.get()
}

impl<'a> Item<'a> {
    /// The item that `raw` holds; one of no type when it cannot be read.
    pub(crate) fn read(raw: &'a RawValue) -> Self {
        lenient(Some(raw))
    }
}

impl<'a> Part<'a> {
    /// The parts that `raw` holds.
    pub(crate) fn list(raw: Option<&'a RawValue>) -> Vec<Self> {
        lenient(raw)
    }

    /// The part that `raw` holds; one of no type when it cannot be read.
    pub(crate) fn read(raw: &'a RawValue) -> Self {
        lenient(Some(raw))
    }
}

impl<'a> Annotation<'a> {
    /// The annotations that `raw` holds.
    pub(crate) fn list(raw: Option<&'a RawValue>) -> Vec<Self> {
        lenient(raw)
    }

    /// The annotation that `raw` holds; one of no type when it cannot be read.
    pub(crate) fn read(raw: &'a RawValue) -> Self {
        lenient(Some(raw))
    }
}

impl<'a> Action<'a> {
    /// The action that `raw` holds; one of no type when it cannot be read.
    pub(crate) fn read(raw: Option<&'a RawValue>) -> Self {
        lenient(raw)
    }

    /// What was searched for: `query`, else the first of `queries`.
    pub(crate) fn searched(&self) -> Text<'a> {
        if self.query.non_empty().is_some() {
            return self.query;
        }
        let queries: Vec<Text<'a>> = lenient(self.queries);
        queries.first().copied().unwrap_or_default()
    }

    /// The pages that a search found.
    pub(crate) fn sources(&self) -> Vec<Url<'a>> {
        lenient(self.sources)
    }
}

/// Token counts in disjoint categories.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) usage: Usage,
}

impl Counts {
    /// Reads OpenAI's `ResponseUsage`, whose input counts cached tokens too.
    pub(crate) fn read(raw: Option<&RawValue>) -> Self {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct View<'a> {
            input_tokens: Count,
            output_tokens: Count,
            #[serde(borrow)]
            input_tokens_details: Option<&'a RawValue>,
            #[serde(borrow)]
            output_tokens_details: Option<&'a RawValue>,
        }
        let view: View<'_> = lenient(raw);
        let usage = openai_usage::disjoint(
            view.input_tokens.get(),
            view.output_tokens.get(),
            Details::read(view.input_tokens_details),
            Details::read(view.output_tokens_details),
        );
        Self { usage }
    }
}

/// The capacity that served a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServiceTier {
    Default,
    Priority,
    Flex,
}

impl ServiceTier {
    /// The tier that the answer names, if it is one of these.
    pub(crate) fn read(tier: Text<'_>) -> Option<Self> {
        match &*tier.get()?.decode() {
            "default" => Some(Self::Default),
            "priority" | "fast" => Some(Self::Priority),
            "flex" | "batch" => Some(Self::Flex),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_become_disjoint() {
        let answer: Answer<'_> = serde_json::from_str(
            r#"{"usage":{"input_tokens":1500,"input_tokens_details":{"cached_tokens":1024,"cache_write_tokens":256},
               "output_tokens":80,"output_tokens_details":{"reasoning_tokens":64}},
               "tool_usage":{"web_search":{"num_requests":2}}}"#,
        )
        .unwrap();
        let usage = answer.counts().usage;
        assert_eq!(usage.input, Some(220));
        assert_eq!(usage.prompt(), 1500);
        assert_eq!(usage.reasoning, Some(64));
        assert_eq!(usage.web_searches, Some(2));
        let more_cached_than_all: Answer<'_> = serde_json::from_str(
            r#"{"usage":{"input_tokens":5,"input_tokens_details":{"cached_tokens":9}},"tool_usage":[]}"#,
        )
        .unwrap();
        assert_eq!(more_cached_than_all.counts().usage.input, Some(0));
    }

    #[test]
    fn odd_members_read_as_absent() {
        let answer: Answer<'_> =
            serde_json::from_str(r#"{"id":7,"status":[],"usage":"x","incomplete_details":1}"#)
                .unwrap();
        assert!(answer.id.get().is_none() && answer.incomplete_reason().get().is_none());
        assert_eq!(answer.counts().usage, Usage::default());
        let item: Item<'_> =
            serde_json::from_str(r#"{"type":"web_search_call","action":{"type":"search","queries":["a","b"],"sources":[{"url":"u"},{}]}}"#)
                .unwrap();
        let action = Action::read(item.action);
        assert_eq!(action.searched().get().unwrap().content(), "a");
        assert_eq!(action.sources().len(), 2);
        assert!(Part::list(None).is_empty());
    }
}
