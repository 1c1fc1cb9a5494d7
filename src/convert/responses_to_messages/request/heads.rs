//! A first look at the input items: what each is, and which outputs answer which calls.

use std::borrow::Cow;
use std::collections::HashMap;

use super::path;
use crate::convert::report::Refusal;
use crate::format::raw::RawStr;
use crate::format::responses::request::MAX_ITEMS;
use crate::format::view::view;
use crate::format::walk;

view! {
    /// What tells an item's kind.
    Head {
        kind: RawStr<'a> = "type",
        role: RawStr<'a> = "role",
        call_id: RawStr<'a> = "call_id",
        execution: RawStr<'a> = "execution",
    }
}

/// What an item is, as far as the conversion tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    System,
    User,
    Assistant,
    Reasoning,
    FunctionCall,
    CustomCall,
    /// The output of a function or of a freeform tool.
    Output {
        custom: bool,
    },
    Compaction,
    /// A call that another provider made of an MCP server's tool.
    McpCall,
    AdditionalTools,
    ConfigurationUpdate,
    /// What has no counterpart and is not missed: its effect is elsewhere in the conversation.
    Left,
}

/// An item that was looked at.
#[derive(Debug)]
pub(super) struct Looked<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
}

/// The items, with what answers what.
#[derive(Debug, Default)]
pub(super) struct Items<'a> {
    pub(super) list: Vec<Looked<'a>>,
    answers: HashMap<Cow<'a, str>, Answers>,
    /// Whether there were several outputs of one call.
    pub(super) repeated_outputs: bool,
}

/// The calls with one id, and their outputs.
#[derive(Debug, Default)]
struct Answers {
    calls: usize,
    /// How many of the calls were asked for so far.
    asked: usize,
    outputs: Vec<usize>,
}

impl<'a> Items<'a> {
    /// Looks at all items of a list.
    ///
    /// With `mcp`, Anthropic calls MCP servers, and earlier calls of these are told to it.
    pub(super) fn read(list: &'a str, mcp: bool) -> Result<Self, Refusal> {
        let mut items = Self::default();
        for (index, text) in walk::elements(list).enumerate() {
            if index == MAX_ITEMS {
                return Err(Refusal::invalid("input", "there are too many input items"));
            }
            let head: Head<'a> = path::parse(text, || format!("input[{index}]"))?;
            let kind = kind(&head, index, mcp)?;
            let id = head.call_id.map(RawStr::decode);
            match kind {
                Kind::FunctionCall | Kind::CustomCall => {
                    let id = id.ok_or_else(|| path::missing(path::item(index, "call_id")))?;
                    items.answers.entry(id).or_default().calls += 1;
                }
                Kind::Output { .. } => {
                    let id = id.ok_or_else(|| path::missing(path::item(index, "call_id")))?;
                    items.answers.entry(id).or_default().outputs.push(index);
                }
                _ => {}
            }
            items.list.push(Looked { kind, text });
        }
        items.check()?;
        Ok(items)
    }

    /// Refuses outputs of nothing, in OpenAI's words.
    fn check(&mut self) -> Result<(), Refusal> {
        let mut orphan: Option<(usize, &str)> = None;
        for (id, answers) in &self.answers {
            self.repeated_outputs |= answers.outputs.len() > answers.calls;
            let first = answers.outputs.first().copied();
            if let Some(index) = first.filter(|_| answers.calls == 0)
                && orphan.is_none_or(|(earlier, _)| index < earlier)
            {
                orphan = Some((index, id));
            }
        }
        let Some((index, id)) = orphan else {
            return Ok(());
        };
        let custom = self
            .list
            .get(index)
            .is_some_and(|item| item.kind == Kind::Output { custom: true });
        let output = if custom {
            "custom tool call output"
        } else {
            "function call output"
        };
        Err(Refusal::invalid(
            path::item(index, "call_id"),
            format!("No tool call found for {output} with call_id {id}."),
        ))
    }

    /// The item that holds the output of the next call with this id: calls with the same id are answered one after another;
    /// the last of several outputs of one call counts.
    pub(super) fn answer(&mut self, id: &str) -> Option<usize> {
        let answers = self.answers.get_mut(id)?;
        answers.asked += 1;
        if answers.asked >= answers.calls {
            let enough = answers.outputs.len() >= answers.calls;
            return answers.outputs.last().copied().filter(|_| enough);
        }
        answers.outputs.get(answers.asked - 1).copied()
    }
}

fn kind(head: &Head<'_>, index: usize, mcp: bool) -> Result<Kind, Refusal> {
    let kind = match (head.kind, head.role) {
        (Some(kind), _) => kind.decode(),
        (None, Some(_)) => Cow::Borrowed("message"),
        (None, None) => return Err(path::missing(path::item(index, "type"))),
    };
    let refuse =
        |message: &'static str| Err(Refusal::unsupported(path::item(index, "type"), message));
    Ok(match &*kind {
        "message" => {
            let Some(role) = head.role else {
                return Err(path::missing(path::item(index, "role")));
            };
            match &*role.decode() {
                "system" | "developer" => Kind::System,
                "user" => Kind::User,
                "assistant" => Kind::Assistant,
                _ => {
                    return Err(Refusal::invalid(
                        path::item(index, "role"),
                        "there is no such role",
                    ));
                }
            }
        }
        "reasoning" => Kind::Reasoning,
        "function_call" => Kind::FunctionCall,
        "custom_tool_call" => Kind::CustomCall,
        "function_call_output" => Kind::Output { custom: false },
        "custom_tool_call_output" => Kind::Output { custom: true },
        "compaction" => Kind::Compaction,
        "additional_tools" => Kind::AdditionalTools,
        "configuration_update" => Kind::ConfigurationUpdate,
        // What it found comes back in a carrier.
        "web_search_call" => Kind::Left,
        "tool_search_call" | "tool_search_output" => {
            if head.execution.is_some_and(|word| word.is("client")) {
                return refuse("Anthropic has no tool search that the client runs");
            }
            Kind::Left
        }
        "mcp_call" if mcp => Kind::McpCall,
        "mcp_list_tools" if mcp => Kind::Left,
        "item_reference" => {
            return refuse("items are not stored by this route; send the full input");
        }
        _ => return refuse("there is no such item, or Anthropic has no word for it"),
    })
}
