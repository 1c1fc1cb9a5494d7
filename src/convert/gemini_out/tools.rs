//! Google's own tools, and how functions are chosen.

use std::borrow::Cow;

use bytes::BytesMut;

use super::camel::{camel_case, write_camel};
use crate::codec::write::{Array, Object};
use crate::convert::path;
use crate::convert::report::Refusal;
use crate::format::walk;

/// A tool that Google runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Builtin {
    GoogleSearch,
    GoogleSearchRetrieval,
    UrlContext,
    CodeExecution,
    FileSearch,
    GoogleMaps,
}

impl Builtin {
    const ALL: [Self; 6] = [
        Self::GoogleSearch,
        Self::GoogleSearchRetrieval,
        Self::UrlContext,
        Self::CodeExecution,
        Self::FileSearch,
        Self::GoogleMaps,
    ];

    /// Google's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::GoogleSearch => "googleSearch",
            Self::GoogleSearchRetrieval => "googleSearchRetrieval",
            Self::UrlContext => "urlContext",
            Self::CodeExecution => "codeExecution",
            Self::FileSearch => "fileSearch",
            Self::GoogleMaps => "googleMaps",
        }
    }

    /// The tool of this name, in camelCase or snake_case.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let name = camel_case(name);
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    /// Members of its configuration that only Vertex AI knows.
    fn refused(self) -> &'static [&'static str] {
        match self {
            Self::GoogleSearch => &["excludeDomains", "blockingConfidence"],
            _ => &[],
        }
    }

    /// A member that it must have.
    fn required(self) -> Option<&'static str> {
        match self {
            Self::FileSearch => Some("fileSearchStoreNames"),
            _ => None,
        }
    }
}

/// The tools of Google's that a request asks for, each once.
#[derive(Debug, Default)]
pub(crate) struct Builtins {
    list: Vec<Asked>,
}

#[derive(Debug)]
struct Asked {
    tool: Builtin,
    /// Names in camelCase, and JSON text.
    members: Vec<(String, String)>,
}

impl Builtins {
    /// Adds a tool with its configuration (JSON text; anything but an object is none). One that is there already is merged
    /// with it: the later member wins. `at` is the client's path of the configuration.
    ///
    /// # Errors
    /// The configuration has a member that this API does not take, or lacks one.
    pub(crate) fn add(
        &mut self,
        tool: Builtin,
        config: &str,
        at: impl Fn() -> String,
    ) -> Result<(), Refusal> {
        let mut members = Vec::new();
        for (key, value) in walk::members(config).filter(|(_, value)| *value != "null") {
            let name = camel_case(&key.decode()).into_owned();
            if tool.refused().contains(&name.as_str()) {
                return Err(Refusal::unsupported(
                    format!("{}.{}", at(), key.decode()),
                    "only Vertex AI takes this",
                ));
            }
            members.push((name, value.to_owned()));
        }
        if let Some(required) = tool.required()
            && !members.iter().any(|(name, _)| name == required)
        {
            return Err(path::missing(format!("{}.{required}", at())));
        }
        let known = self.list.iter_mut().find(|asked| asked.tool == tool);
        let Some(known) = known else {
            self.list.push(Asked { tool, members });
            return Ok(());
        };
        for (name, value) in members {
            known.members.retain(|(other, _)| *other != name);
            known.members.push((name, value));
        }
        Ok(())
    }

    /// Whether the request asks for this one.
    pub(crate) fn has(&self, tool: Builtin) -> bool {
        self.list.iter().any(|asked| asked.tool == tool)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Writes each as an element of `tools`.
    pub(crate) fn write(&self, tools: &mut Array<'_>) {
        for asked in &self.list {
            let mut tool = tools.object();
            let mut config = tool.object(asked.tool.name());
            for (name, value) in &asked.members {
                write_camel(member(&mut config, name), value);
            }
            config.end();
            tool.end();
        }
    }
}

/// Begins a member whose name a client chose.
fn member<'o>(object: &'o mut Object<'_>, name: &str) -> &'o mut BytesMut {
    let mut escaped = BytesMut::new();
    crate::codec::write::string_content(&mut escaped, name);
    object.key(std::str::from_utf8(&escaped).unwrap_or_default())
}

/// How functions are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FunctionMode {
    None,
    Auto,
    Any,
    /// As `Auto`, among the functions that are named.
    Validated,
}

impl FunctionMode {
    fn word(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Auto => "AUTO",
            Self::Any => "ANY",
            Self::Validated => "VALIDATED",
        }
    }
}

/// `toolConfig`.
#[derive(Debug, Clone, Default)]
pub(crate) struct ToolConfig<'a> {
    /// How functions are chosen, and the names of those that may be.
    pub(crate) mode: Option<(FunctionMode, Vec<Cow<'a, str>>)>,
    /// Google's own tools work beside functions: their steps come with the answer, and must come back.
    pub(crate) server_steps: bool,
    /// `retrievalConfig`, as JSON text.
    pub(crate) retrieval: Option<&'a str>,
    /// The client's own object, as JSON text; its members win.
    pub(crate) own: Option<&'a str>,
}

impl ToolConfig<'_> {
    /// Writes the member, where there is something to say.
    pub(crate) fn write(&self, request: &mut Object<'_>) {
        let own = self.own.unwrap_or_default();
        let owns =
            |name: &str| walk::members(own).any(|(key, _)| camel_case(&key.decode()) == name);
        let mode = self
            .mode
            .as_ref()
            // AUTO is the default, and refused or read as VALIDATED beside Google's own tools.
            .filter(|(mode, _)| !(self.server_steps && *mode == FunctionMode::Auto))
            .filter(|_| !owns("functionCallingConfig"));
        let steps = self.server_steps && !owns("includeServerSideToolInvocations");
        let retrieval = self.retrieval.filter(|_| !owns("retrievalConfig"));
        let is_empty = walk::members(own).next().is_none();
        if mode.is_none() && !steps && retrieval.is_none() && is_empty {
            return;
        }
        let mut config = request.object("toolConfig");
        if let Some((mode, names)) = mode {
            let mut calling = config.object("functionCallingConfig");
            calling.string("mode", mode.word());
            if !names.is_empty() {
                let mut allowed = calling.array("allowedFunctionNames");
                for name in names {
                    allowed.string(name);
                }
                allowed.end();
            }
            calling.end();
        }
        if steps {
            config.bool("includeServerSideToolInvocations", true);
        }
        if let Some(retrieval) = retrieval {
            write_camel(config.key("retrievalConfig"), retrieval);
        }
        for (key, value) in walk::members(own).filter(|(_, value)| *value != "null") {
            write_camel(member(&mut config, &camel_case(&key.decode())), value);
        }
        config.end();
    }
}
