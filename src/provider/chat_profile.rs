//! What a provider's Chat Completions endpoint takes and how it answers: facts, as data.
//!
//! Converters that write Chat requests ask this table and never a provider's or model's name.

use crate::glob;
use crate::models::Effort;

use crate::convert::effort::Asked;

/// The facts about one provider's Chat Completions endpoint.
#[derive(Debug)]
pub(crate) struct ChatProfile {
    /// The member that bounds the output.
    pub(crate) max_tokens: &'static str,
    /// What becomes of system messages that are not the first.
    pub(crate) mid_system: MidSystem,
    /// Whether the request must alternate between user and assistant, user first and last.
    pub(crate) alternates: bool,
    /// Whether the list may end with an assistant message.
    pub(crate) prefill: bool,
    /// Whether `content` may be `null` beside `tool_calls`.
    pub(crate) null_content: bool,
    /// Whether a stream must be asked for its usage by `stream_options.include_usage`.
    pub(crate) stream_options: bool,
    /// Whether there are function tools at all.
    pub(crate) tools: bool,
    /// Whether a function may be `strict`.
    pub(crate) strict_tools: bool,
    /// Whether `response_format` takes `json_object`.
    pub(crate) json_object: bool,
    /// Whether a `json_schema` may be `strict`.
    pub(crate) strict_schema: bool,
    /// Whether `user` is known.
    pub(crate) user: bool,
    /// Whether `top_k` is known.
    pub(crate) top_k: bool,
    /// Whether `logprobs` and `top_logprobs` are known.
    pub(crate) logprobs: bool,
    /// The most stop sequences.
    pub(crate) max_stop: Option<usize>,
    /// OpenAI's service tiers in the provider's words; empty where it has none.
    pub(crate) service_tiers: &'static [(&'static str, &'static str)],
    /// What parts of messages may hold beside text.
    pub(crate) media: Media,
    /// How web searches are asked for, by `*` glob over the model's id: the first match holds.
    pub(crate) search: &'static [(&'static str, Search)],
    /// How reasoning is asked for, by `*` glob over the model's id: the first match holds.
    /// `None` for models that take no such parameter.
    pub(crate) reasoning: &'static [(&'static str, Option<Reasoning>)],
    /// A prefix of model ids that the globs do not count.
    pub(crate) model_prefix: &'static str,
    /// Whether replayed tool calls and answers carry Google's thought signatures.
    pub(crate) thought_signatures: bool,
    /// Models whose tool calls must carry one in the current turn: those that match no glob here.
    pub(crate) unsigned_models: &'static [&'static str],
    /// Where an answer's reasoning is found.
    pub(crate) thoughts: Thoughts,
    /// Whether `completion_tokens` leaves reasoning out.
    pub(crate) output: OutputTokens,
    /// Whether texts hold markers `[n]` that point into the list of sources.
    pub(crate) citation_markers: bool,
}

/// What becomes of a system message that stands after the first other message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MidSystem {
    /// It stays.
    Keep,
    /// Only one system message is honoured.
    One,
    /// It becomes text of the user.
    User,
}

/// What parts of messages may hold beside text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Media {
    /// Whether an image's `detail` is known.
    pub(crate) image_detail: bool,
    /// The form of a PDF.
    pub(crate) pdf: Pdf,
    /// Whether a file can be named by URL.
    pub(crate) file_url: bool,
    /// Whether a text file goes as the text that it holds.
    pub(crate) text_files: bool,
    /// Whether there is `input_audio`.
    pub(crate) audio: bool,
}

/// The form in which a PDF is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pdf {
    /// None: PDFs are refused.
    None,
    /// An `image_url` part with a `data:` URL.
    ImageUrl,
    /// A `file_url` part with bare base64.
    FileUrl,
    /// A `file` part, as in OpenAI's Chat.
    File,
}

/// How a model searches the web.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Search {
    /// It always does; `web_search_options` and `search_domain_filter` direct it.
    Options,
    /// It always does; `search_settings` directs it.
    Settings,
    /// With the tools `browser_search` and `code_interpreter`.
    Tools,
}

/// How a model is asked to reason.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reasoning {
    /// The provider's words for `none`, `minimal`, `low`, `medium`, `high`, `xhigh` and `max`; `None` where nothing is sent.
    pub(crate) efforts: [Option<&'static str>; 7],
    /// How the reasoning's text is asked for.
    pub(crate) visible: Visible,
    /// Whether an assistant message may carry the reasoning of the current tool loop.
    pub(crate) replay: bool,
}

/// How the text of a model's reasoning is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Visible {
    /// Not at all: it comes, or it does not.
    Unasked,
    /// `extra_body.google.thinking_config` with `thinking_budget`, instead of `reasoning_effort`.
    Budget {
        /// The least and the largest budget.
        least: u64,
        most: u64,
    },
    /// The same with `thinking_level`.
    Level,
    /// `include_reasoning`.
    Include,
    /// `reasoning_format`.
    Format,
}

/// Where an answer's reasoning is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thoughts {
    /// In `reasoning` or `reasoning_content`: the model's own words.
    Field,
    /// In `content`, flagged by `extra_content.google.thought`, between `<thought>` tags: a summary.
    Flagged,
    /// At the start of `content`, between `<think>` tags; the globs tell the models that write so.
    Tagged(&'static [&'static str]),
}

/// What `completion_tokens` counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutputTokens {
    /// The whole output.
    Whole,
    /// Without reasoning, which only `total_tokens` counts.
    RestOfTotal,
    /// Without reasoning, which `reasoning_tokens` counts.
    PlusReasoning,
}

impl Reasoning {
    /// The provider's word for what is asked for.
    pub(crate) fn effort(&self, asked: Asked) -> Option<&'static str> {
        let [none, minimal, low, medium, high, xhigh, max] = self.efforts;
        match asked {
            Asked::Nothing => none,
            Asked::Minimal => minimal,
            Asked::Level(Effort::Low) => low,
            Asked::Level(Effort::Medium) => medium,
            Asked::Level(Effort::High) => high,
            Asked::Level(Effort::Xhigh) => xhigh,
            Asked::Level(Effort::Max) => max,
        }
    }
}

impl ChatProfile {
    /// How `model` is asked to reason; `None` for models that take no such parameter.
    pub(crate) fn reasoning(&self, model: &str) -> Option<&'static Reasoning> {
        find(self.reasoning, self.bare(model))?.as_ref()
    }

    /// How `model` searches the web; `None` for models that do not.
    pub(crate) fn search(&self, model: &str) -> Option<Search> {
        find(self.search, self.bare(model)).copied()
    }

    /// Whether a tool call of the current turn must carry a thought signature.
    pub(crate) fn demands_signatures(&self, model: &str) -> bool {
        let model = self.bare(model);
        let unsigned = |pattern: &&str| glob::matches(pattern, model);
        self.thought_signatures && !self.unsigned_models.iter().any(unsigned)
    }

    /// Whether `model` writes its reasoning between `<think>` tags at the start of its text.
    pub(crate) fn tags_thoughts(&self, model: &str) -> bool {
        let model = self.bare(model);
        matches!(self.thoughts, Thoughts::Tagged(models) if models.iter().any(|glob| glob::matches(glob, model)))
    }

    /// Whether reasoning is shown as a summary rather than as the model's own words.
    pub(crate) fn summarises(&self) -> bool {
        self.thoughts == Thoughts::Flagged
    }

    fn bare<'a>(&self, model: &'a str) -> &'a str {
        model.strip_prefix(self.model_prefix).unwrap_or(model)
    }
}

fn find<T>(table: &'static [(&'static str, T)], model: &str) -> Option<&'static T> {
    let row = table.iter().find(|(glob, _)| glob::matches(glob, model));
    row.map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Provider;

    fn profile(provider: Provider) -> &'static ChatProfile {
        provider.spec().chat.unwrap()
    }

    fn words(provider: Provider, model: &str) -> Option<Vec<Option<&'static str>>> {
        let reasoning = profile(provider).reasoning(model)?;
        let asked = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
        let word = |word| reasoning.effort(Asked::from_word(word).unwrap());
        Some(asked.into_iter().map(word).collect())
    }

    #[test]
    fn efforts_by_model() {
        let low = Some("low");
        let (medium, high, none) = (Some("medium"), Some("high"), Some("none"));
        let default = Some("default");
        for (provider, model, expected) in [
            (
                Provider::Gemini,
                "gemini-2.5-flash",
                Some([none, low, low, medium, high, high, high]),
            ),
            (
                Provider::Gemini,
                "models/gemini-2.5-pro",
                Some([None, low, low, medium, high, high, high]),
            ),
            (
                Provider::Gemini,
                "gemini-3-pro-preview",
                Some([low, low, low, high, high, high, high]),
            ),
            (
                Provider::Gemini,
                "gemini-3.8-flash",
                Some([low, low, low, medium, high, high, high]),
            ),
            (Provider::Gemini, "gemini-2.0-flash", None),
            (Provider::Gemini, "gemma-4", None),
            (
                Provider::Groq,
                "openai/gpt-oss-120b",
                Some([low, low, low, medium, high, high, high]),
            ),
            (
                Provider::Groq,
                "qwen/qwen3-32b",
                Some([none, default, default, default, default, default, default]),
            ),
            (
                Provider::Groq,
                "qwen/qwen3.8-27b",
                Some([none, low, low, medium, high, high, high]),
            ),
            (Provider::Groq, "llama-3.3-70b", None),
            (
                Provider::Perplexity,
                "sonar-reasoning-pro",
                Some([None, Some("minimal"), low, medium, high, high, high]),
            ),
            (Provider::Perplexity, "sonar", None),
            (
                Provider::OpenAiCompatible,
                "x/any",
                Some([
                    none,
                    Some("minimal"),
                    low,
                    medium,
                    high,
                    Some("xhigh"),
                    Some("max"),
                ]),
            ),
        ] {
            assert_eq!(words(provider, model), expected.map(Vec::from), "{model}");
        }
    }

    #[test]
    fn searches_signatures_and_tags() {
        let groq = profile(Provider::Groq);
        assert_eq!(groq.search("groq/compound-mini"), Some(Search::Settings));
        assert_eq!(groq.search("openai/gpt-oss-20b"), Some(Search::Tools));
        assert_eq!(groq.search("llama"), None);
        let gemini = profile(Provider::Gemini);
        assert_eq!(gemini.search("gemini-3.8-flash"), None);
        assert!(gemini.demands_signatures("models/gemini-3.8-flash"));
        assert!(!gemini.demands_signatures("gemini-2.5-pro"));
        assert!(!groq.demands_signatures("openai/gpt-oss-20b"));
        let perplexity = profile(Provider::Perplexity);
        assert_eq!(perplexity.search("sonar"), Some(Search::Options));
        assert!(perplexity.tags_thoughts("sonar-deep-research"));
        assert!(!perplexity.tags_thoughts("sonar-pro"));
    }
}
