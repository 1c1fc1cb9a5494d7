//! What Chat Completions endpoints answer: whole completions and the chunks of a stream.
//!
//! Lenient as the views of Messages answers are: a member that is absent, `null` or of another type than the format's reads
//! as absent. Sources: OpenAI's `ChatCompletion` and `ChatCompletionChunk`, Groq's and Perplexity's types of the same names,
//! Gemini's page on OpenAI compatibility.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::format::messages::{Count, Text};
use crate::format::view::object_in;

/// A completion or a chunk.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Completion<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    pub(crate) created: Count,
    #[serde(borrow)]
    pub(crate) model: Text<'a>,
    /// Absent where there is none, or where it is no list.
    #[serde(borrow)]
    pub(crate) choices: Option<Choices<'a>>,
    #[serde(borrow)]
    pub(crate) usage: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) service_tier: Text<'a>,
    #[serde(borrow)]
    pub(crate) error: Option<&'a RawValue>,
    /// Groq.
    #[serde(borrow)]
    pub(crate) x_groq: Option<&'a RawValue>,
    /// Perplexity: URLs.
    #[serde(borrow)]
    pub(crate) citations: Option<&'a RawValue>,
    /// Perplexity: [`SearchResult`]s.
    #[serde(borrow)]
    pub(crate) search_results: Option<&'a RawValue>,
}

/// The choices, of which only the first counts: the gateway asks for one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Choices<'a> {
    /// `None` where the list is empty.
    pub(crate) first: Option<Choice<'a>>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Choices<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = Choices<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of choices")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut first: Option<Choice<'de>> = None;
                while let Some(choice) = list.next_element::<Choice<'de>>()? {
                    if choice.index.get().unwrap_or(0) == 0 && first.is_none() {
                        first = Some(choice);
                    }
                }
                Ok(Choices { first })
            }
        }

        deserializer.deserialize_seq(List)
    }
}

/// One of the answers asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Choice<'a> {
    pub(crate) index: Count,
    #[serde(borrow)]
    pub(crate) delta: Option<Message<'a>>,
    /// In Perplexity's chunks it stands beside `delta`, and repeats what came before.
    #[serde(borrow)]
    pub(crate) message: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) finish_reason: Text<'a>,
}

/// A message, or what a chunk adds to it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Message<'a> {
    #[serde(borrow)]
    pub(crate) content: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) refusal: Text<'a>,
    #[serde(borrow)]
    pub(crate) reasoning: Text<'a>,
    #[serde(borrow)]
    pub(crate) reasoning_content: Text<'a>,
    /// [`ToolCall`]s.
    #[serde(borrow)]
    pub(crate) tool_calls: Option<&'a RawValue>,
    /// A [`Function`], deprecated.
    #[serde(borrow)]
    pub(crate) function_call: Option<&'a RawValue>,
    /// [`ExtraContent`].
    #[serde(borrow)]
    pub(crate) extra_content: Option<&'a RawValue>,
    /// [`Annotation`]s.
    #[serde(borrow)]
    pub(crate) annotations: Option<&'a RawValue>,
    /// Groq: [`ExecutedTool`]s.
    #[serde(borrow)]
    pub(crate) executed_tools: Option<&'a RawValue>,
}

/// A part of `content` where that is a list.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ContentPart<'a> {
    #[serde(borrow)]
    pub(crate) text: Text<'a>,
    #[serde(borrow)]
    pub(crate) refusal: Text<'a>,
}

/// A tool call, or a piece of one.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ToolCall<'a> {
    pub(crate) index: Count,
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    /// A [`Function`].
    #[serde(borrow)]
    pub(crate) function: Option<&'a RawValue>,
    /// [`ExtraContent`].
    #[serde(borrow)]
    pub(crate) extra_content: Option<&'a RawValue>,
}

/// A function's name and arguments.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Function<'a> {
    #[serde(borrow)]
    pub(crate) name: Text<'a>,
    /// A string that holds JSON; some servers send the object itself.
    #[serde(borrow)]
    pub(crate) arguments: Option<&'a RawValue>,
}

/// Google's additions.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ExtraContent<'a> {
    /// [`Google`].
    #[serde(borrow)]
    google: Option<&'a RawValue>,
}

/// `extra_content.google`.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Google<'a> {
    #[serde(borrow)]
    thought: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) thought_signature: Text<'a>,
}

impl<'a> Google<'a> {
    /// Google's additions, out of `extra_content`.
    pub(crate) fn of(extra_content: Option<&'a RawValue>) -> Self {
        object::<ExtraContent<'a>>(extra_content)
            .and_then(|extra| object(extra.google))
            .unwrap_or_default()
    }

    /// Whether the text is a thought.
    pub(crate) fn is_thought(&self) -> bool {
        self.thought.is_some_and(|flag| flag.get() == "true")
    }
}

/// A tool that Groq ran itself.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ExecutedTool<'a> {
    pub(crate) index: Count,
    #[serde(borrow, rename = "type")]
    pub(crate) kind: Text<'a>,
    /// A string that holds JSON.
    #[serde(borrow)]
    pub(crate) arguments: Text<'a>,
    /// `{"results": [SearchResult]}`
    #[serde(borrow)]
    pub(crate) search_results: Option<&'a RawValue>,
}

/// A page that was found.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SearchResult<'a> {
    #[serde(borrow)]
    pub(crate) url: Text<'a>,
    #[serde(borrow)]
    pub(crate) title: Text<'a>,
    #[serde(borrow)]
    pub(crate) snippet: Text<'a>,
    #[serde(borrow)]
    pub(crate) date: Text<'a>,
}

/// An annotation of the text.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Annotation<'a> {
    #[serde(borrow, rename = "type")]
    pub(crate) kind: Text<'a>,
    /// [`UrlCitation`].
    #[serde(borrow)]
    pub(crate) url_citation: Option<&'a RawValue>,
}

/// A cited page.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct UrlCitation<'a> {
    #[serde(borrow)]
    pub(crate) url: Text<'a>,
    #[serde(borrow)]
    pub(crate) title: Text<'a>,
    pub(crate) start_index: Count,
    pub(crate) end_index: Count,
}

/// Groq's additions.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct XGroq<'a> {
    #[serde(borrow)]
    pub(crate) usage: Option<&'a RawValue>,
    /// Why the generation failed midway.
    #[serde(borrow)]
    pub(crate) error: Option<&'a RawValue>,
}

/// The object that `raw` holds, as a view; `None` where it holds anything else.
pub(crate) fn object<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<T> {
    object_in(raw?.get())
}

/// The list that `raw` holds, element by element; empty where it holds anything else.
pub(crate) fn list(raw: Option<&RawValue>) -> Vec<&RawValue> {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default()
}

/// The elements of the list that `raw` holds that are such objects.
pub(crate) fn objects<'a, T: Deserialize<'a>>(
    raw: Option<&'a RawValue>,
) -> impl Iterator<Item = T> {
    list(raw)
        .into_iter()
        .filter_map(|element| object(Some(element)))
}
