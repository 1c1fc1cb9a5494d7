//! `tool_choice`.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::path::{missing, wrong_type};
use super::tools::ToolPlan;
use crate::codec::write::Object;
use crate::convert::context::RequestContext;
use crate::convert::report::Refusal;
use crate::format::messages::Text;
use crate::format::raw::RawStr;
use crate::format::responses::request::Request;
use crate::provider::chat_profile::{ChatProfile, Search};

/// What is sent as `tool_choice`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Choice {
    Unsaid,
    Word(&'static str),
    /// The function that the provider knows by this name.
    Function(String),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct View<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    namespace: Text<'a>,
    #[serde(borrow)]
    mode: Text<'a>,
    #[serde(borrow)]
    tools: Option<Vec<&'a RawValue>>,
}

fn word(text: &str) -> Option<&'static str> {
    ["auto", "none", "required"]
        .into_iter()
        .find(|word| *word == text)
}

fn is_search(kind: &str) -> bool {
    kind.starts_with("web_search")
}

/// Reads the choice; one of several allowed tools leaves out the others.
pub(super) fn resolve(
    request: &Request<'_>,
    tools: &mut ToolPlan<'_>,
    profile: &ChatProfile,
    cx: &mut RequestContext<'_>,
) -> Result<Choice, Refusal> {
    let Some(choice) = request.tool_choice else {
        return Ok(Choice::Unsaid);
    };
    if let Some(text) = RawStr::new(choice) {
        let word = word(&text.decode())
            .ok_or_else(|| Refusal::invalid("tool_choice", "there is no such choice"))?;
        return Ok(Choice::Word(word));
    }
    let view: View<'_> = choice
        .get()
        .starts_with('{')
        .then(|| serde_json::from_str(choice.get()).ok())
        .flatten()
        .ok_or_else(|| wrong_type("tool_choice"))?;
    let kind = view.kind.get().ok_or_else(|| missing("tool_choice.type"))?;
    match &*kind.decode() {
        "function" | "custom" => {
            let sent = sent_name(&view, tools, "tool_choice")?;
            Ok(Choice::Function(sent))
        }
        "allowed_tools" => allowed(&view, tools, cx),
        kind if is_search(kind) => forced_search(tools, profile),
        kind => Err(hosted(kind)),
    }
}

fn hosted(kind: &str) -> Refusal {
    Refusal::unsupported(
        "tool_choice",
        format!("this provider has no tool of the type `{kind}`, so none can be forced"),
    )
}

fn sent_name(view: &View<'_>, tools: &ToolPlan<'_>, at: &str) -> Result<String, Refusal> {
    let name = view
        .name
        .get()
        .ok_or_else(|| missing(format!("{at}.name")))?;
    let namespace = view.namespace.get().map(RawStr::decode);
    tools
        .names
        .sent(namespace.as_deref(), &name.decode())
        .map(str::to_owned)
        .ok_or_else(|| Refusal::invalid(at.to_owned(), "`tools` holds no tool of this name"))
}

fn allowed(
    view: &View<'_>,
    tools: &mut ToolPlan<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<Choice, Refusal> {
    let mode = match view.mode.get() {
        Some(mode) => word(&mode.decode())
            .ok_or_else(|| Refusal::invalid("tool_choice.mode", "there is no such mode"))?,
        None => "auto",
    };
    let (mut names, mut search, mut code) = (Vec::new(), false, false);
    for (index, element) in view.tools.iter().flatten().enumerate() {
        let at = format!("tool_choice.tools[{index}]");
        let tool: View<'_> = element
            .get()
            .starts_with('{')
            .then(|| serde_json::from_str(element.get()).ok())
            .flatten()
            .ok_or_else(|| wrong_type(at.clone()))?;
        let kind = tool
            .kind
            .get()
            .ok_or_else(|| missing(format!("{at}.type")))?;
        match &*kind.decode() {
            "function" | "custom" => names.push(sent_name(&tool, tools, &at)?),
            "code_interpreter" => code = true,
            kind if is_search(kind) => search = true,
            // Left out of `tools` already.
            kind if tools.has_dropped(kind) => {}
            _ => {
                return Err(Refusal::invalid(at, "`tools` holds no such tool"));
            }
        }
    }
    tools.keep_only(&names, search, code);
    cx.report.approximate("tool_choice");
    Ok(Choice::Word(mode))
}

fn forced_search(tools: &ToolPlan<'_>, profile: &ChatProfile) -> Result<Choice, Refusal> {
    match &tools.search {
        // It searches anyway.
        Some((Search::Options | Search::Settings, _)) => Ok(Choice::Unsaid),
        Some((Search::Tools, _)) if tools.sent() == 1 => Ok(Choice::Word("required")),
        Some((Search::Tools, _)) => Err(Refusal::unsupported(
            "tool_choice",
            "this provider cannot force a search where there are other tools",
        )),
        None if profile.thought_signatures => Err(Refusal::unsupported(
            "tool_choice",
            "Gemini's own search tool is reached from the Chat endpoint only",
        )),
        None => Err(hosted("web_search")),
    }
}

impl Choice {
    /// Writes `tool_choice` and `parallel_tool_calls`, which mean nothing without tools.
    pub(super) fn write(
        &self,
        object: &mut Object<'_>,
        request: &Request<'_>,
        tools: &ToolPlan<'_>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        if tools.sent() == 0 {
            if *self == Self::Word("required") && tools.search.is_none() {
                return Err(Refusal::unsupported(
                    "tool_choice",
                    "a call is required, but this provider runs none of the tools",
                ));
            }
            if request.parallel_tool_calls.is_some() {
                cx.report.drop_field("parallel_tool_calls");
            }
            return Ok(());
        }
        match self {
            Self::Unsaid => {}
            Self::Word(word) => {
                object.string("tool_choice", word);
            }
            Self::Function(name) => {
                let mut choice = object.object("tool_choice");
                choice.string("type", "function");
                let mut function = choice.object("function");
                function.string("name", name);
                function.end();
                choice.end();
            }
        }
        if let Some(parallel) = request.parallel_tool_calls {
            object.bool("parallel_tool_calls", parallel);
        }
        Ok(())
    }
}
