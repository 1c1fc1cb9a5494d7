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

/// Which items a target takes.
#[derive(Debug, Clone, Copy)]
pub(in crate::convert) struct Accepted {
    /// What it is called in refusals.
    pub(in crate::convert) target: &'static str,
    /// It calls MCP servers, and is told of earlier calls of these.
    pub(in crate::convert) mcp: bool,
    /// What other providers' own tools did: whether that is left out, as far as its effect is elsewhere in the conversation.
    pub(in crate::convert) hosted: Hosted,
    /// Summaries of earlier conversations.
    pub(in crate::convert) compaction: bool,
}

/// What becomes of calls of tools that a provider ran itself, and of their outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::convert) enum Hosted {
    /// They are refused.
    Refused,
    /// Searches are left out: what they found comes back in a carrier. Others are refused.
    SearchesLeft,
    /// All are left out.
    Left,
}

/// What an item is, as far as the conversion tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::convert) enum Kind {
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
pub(in crate::convert) struct Looked<'a> {
    pub(in crate::convert) kind: Kind,
    pub(in crate::convert) text: &'a str,
}

/// The items, with what answers what.
#[derive(Debug, Default)]
pub(in crate::convert) struct Items<'a> {
    pub(in crate::convert) list: Vec<Looked<'a>>,
    answers: HashMap<Cow<'a, str>, Answers>,
    /// Whether there were several outputs of one call.
    pub(in crate::convert) repeated_outputs: bool,
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
    pub(in crate::convert) fn read(list: &'a str, accepted: Accepted) -> Result<Self, Refusal> {
        let mut items = Self::default();
        for (index, text) in walk::elements(list).enumerate() {
            if index == MAX_ITEMS {
                return Err(Refusal::invalid("input", "there are too many input items"));
            }
            let head: Head<'a> = path::parse(text, || format!("input[{index}]"))?;
            let kind = kind(&head, index, accepted)?;
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
    pub(in crate::convert) fn answer(&mut self, id: &str) -> Option<usize> {
        let answers = self.answers.get_mut(id)?;
        answers.asked += 1;
        if answers.asked >= answers.calls {
            let enough = answers.outputs.len() >= answers.calls;
            return answers.outputs.last().copied().filter(|_| enough);
        }
        answers.outputs.get(answers.asked - 1).copied()
    }

    /// The same, but the first of several outputs of one call counts.
    pub(in crate::convert) fn first_answer(&mut self, id: &str) -> Option<usize> {
        let answers = self.answers.get_mut(id)?;
        answers.asked += 1;
        answers.outputs.get(answers.asked - 1).copied()
    }
}

/// A call without an output, in OpenAI's words; `item` made it.
pub(in crate::convert) fn unanswered(custom: bool, call_id: &str, item: usize) -> Refusal {
    let kind = if custom {
        "custom tool call"
    } else {
        "function call"
    };
    let message = format!("No tool output found for {kind} {call_id}.");
    Refusal::invalid(path::item(item, "call_id"), message)
}

fn kind(head: &Head<'_>, index: usize, accepted: Accepted) -> Result<Kind, Refusal> {
    let kind = match (head.kind, head.role) {
        (Some(kind), _) => kind.decode(),
        (None, Some(_)) => Cow::Borrowed("message"),
        (None, None) => return Err(path::missing(path::item(index, "type"))),
    };
    let refuse = |message: String| Err(Refusal::unsupported(path::item(index, "type"), message));
    let target = accepted.target;
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
        "compaction" if accepted.compaction => Kind::Compaction,
        "compaction" => {
            return refuse(format!(
                "{target} cannot read what another provider compacted"
            ));
        }
        "additional_tools" => Kind::AdditionalTools,
        "configuration_update" => Kind::ConfigurationUpdate,
        "mcp_call" if accepted.mcp => Kind::McpCall,
        "mcp_list_tools" if accepted.mcp => Kind::Left,
        "item_reference" => {
            return refuse("items are not stored by this route; send the full input".to_owned());
        }
        "tool_search_call" | "tool_search_output"
            if accepted.hosted == Hosted::SearchesLeft
                && head.execution.is_some_and(|word| word.is("client")) =>
        {
            return refuse(format!("{target} has no tool search that the client runs"));
        }
        hosted if is_left(hosted, accepted.hosted) => Kind::Left,
        _ => {
            return refuse(format!(
                "there is no such item, or {target} has no word for it"
            ));
        }
    })
}

/// Whether an item of this type is a call of a tool that another provider ran, or its output, and is left out.
fn is_left(kind: &str, hosted: Hosted) -> bool {
    match hosted {
        Hosted::Refused => false,
        Hosted::SearchesLeft => matches!(
            kind,
            "web_search_call" | "tool_search_call" | "tool_search_output"
        ),
        Hosted::Left => {
            let kind = kind.strip_suffix("_output").map_or_else(
                || kind.strip_suffix("_call").unwrap_or(kind),
                |kind| kind.strip_suffix("_call").unwrap_or(kind),
            );
            matches!(
                kind,
                "web_search"
                    | "file_search"
                    | "code_interpreter"
                    | "image_generation"
                    | "mcp"
                    | "mcp_list_tools"
                    | "mcp_approval_request"
                    | "mcp_approval_response"
                    | "computer"
                    | "local_shell"
                    | "shell"
                    | "apply_patch"
                    | "tool_search"
                    | "program"
            )
        }
    }
}
