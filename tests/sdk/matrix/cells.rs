//! The providers of the matrix, and how they are asked.

use serde_json::{Value, json};

use super::table::Client;

/// A provider.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) name: &'static str,
    /// `CONNECTION/model-id`.
    model: &'static str,
    /// The model to think with, where it is another one.
    thinks: Option<&'static str>,
    /// The model to look at images with, where it is another one.
    sees: Option<&'static str>,
    /// Whether every request carries a tool that only the provider's own API knows.
    native: bool,
    /// Whether Chat clients mark what is to be cached.
    marks: bool,
}

impl Cell {
    const fn new(name: &'static str, model: &'static str) -> Self {
        Self {
            name,
            model,
            thinks: None,
            sees: None,
            native: false,
            marks: false,
        }
    }

    /// The cell as the script reads it.
    pub(super) fn json(&self, client: Client) -> Value {
        let search = match client {
            Client::Chat => json!({"web_search_options": {}}),
            Client::Responses => json!({"tools": [{"type": "web_search"}]}),
            Client::Messages => {
                json!({"tools": [{"type": "web_search_20250305", "name": "web_search"}]})
            }
        };
        json!({
            "name": self.name,
            "model": self.model,
            "thinks": self.thinks.unwrap_or(self.model),
            "sees": self.sees.unwrap_or(self.model),
            "marks": self.marks,
            "with": if self.native { search } else { json!({}) },
            // What OpenAI's Responses take at least.
            "cut_at": if self.name == "openai" && client != Client::Chat { 16 } else { 5 },
        })
    }
}

/// All providers; Gemini twice, by its compatible endpoint and by its own.
pub(super) const CELLS: &[Cell] = &[
    Cell::new("openai", "openai/gpt-5.5"),
    Cell {
        marks: true,
        ..Cell::new("anthropic", "anthropic/claude-sonnet-4-5")
    },
    Cell::new("gemini", "gemini/gemini-3.8-flash"),
    Cell {
        native: true,
        ..Cell::new("gemini (native)", "gemini/gemini-3.8-flash")
    },
    Cell::new("groq", "groq/openai/gpt-oss-120b"),
    Cell {
        thinks: Some("perplexity/sonar-reasoning-pro"),
        ..Cell::new("perplexity", "perplexity/sonar")
    },
    Cell {
        marks: true,
        ..Cell::new(
            "aws-bedrock",
            "converse/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        )
    },
    Cell {
        marks: true,
        ..Cell::new(
            "aws-bedrock-invoke",
            "invoke/eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
        )
    },
    Cell::new("openai-compatible", "compatible/gpt-5.5"),
];
