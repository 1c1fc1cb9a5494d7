//! Reading a case's folder.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tower_llm_gateway::{Format, Provider};

use super::json::{Json, compact};

/// Every file that a case may have.
const FILES: &[&str] = &[
    "case.json",
    "client_error.json",
    "client_request.headers.json",
    "client_request.json",
    "client_response.json",
    "client_stream.sse",
    "notes.md",
    "report.json",
    "signing.json",
    "upstream_error.json",
    "upstream_request.headers.json",
    "upstream_request.json",
    "upstream_response.headers.json",
    "upstream_response.json",
    "upstream_stream.bin",
    "upstream_stream.eventstream.json",
    "upstream_stream.sse",
];

/// Every member that `case.json` may have.
const MEMBERS: &[&str] = &[
    "client_status",
    "clock",
    "config",
    "mask",
    "pair",
    "provider",
    "stream",
    "upstream_model",
    "upstream_path",
    "upstream_status",
];

/// One case.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) folder: PathBuf,
    /// `PAIR/CASE`
    pub(crate) name: String,
    pub(crate) provider: Provider,
    pub(crate) endpoint_path: &'static str,
    /// The client's format.
    pub(crate) format: Format,
    pub(crate) upstream_path: Option<String>,
    pub(crate) upstream_model: Option<String>,
    /// `None`: nothing may be sent.
    pub(crate) upstream_status: Option<u16>,
    pub(crate) client_status: u16,
    pub(crate) clock: Option<u64>,
    pub(crate) config: Option<Json>,
    pub(crate) mask: Vec<String>,
    pub(crate) client_request: Option<Bytes>,
}

impl Case {
    pub(crate) fn load(root: &Path, name: &str) -> Result<Self, String> {
        let folder = root.join(name);
        for entry in fs::read_dir(&folder).map_err(|error| format!("{name}: {error}"))? {
            let file = entry.map_err(|error| error.to_string())?.file_name();
            if !FILES.iter().any(|known| file == *known) {
                return Err(format!("no case has a file called {file:?}"));
            }
        }
        let json = read_json(&folder, "case.json")?.ok_or("no case.json")?;
        if let Some((key, _)) = json
            .members()
            .iter()
            .find(|(key, _)| !MEMBERS.contains(&key.as_str()))
        {
            return Err(format!("case.json: unknown member {key:?}"));
        }
        let text = |key: &str| json.non_null(key).and_then(Json::as_str).map(str::to_owned);
        let status = |key: &str| -> Result<Option<u16>, String> {
            let Some(value) = json.non_null(key) else {
                return Ok(None);
            };
            let status = value.as_u64().and_then(|status| u16::try_from(status).ok());
            status.map(Some).ok_or_else(|| format!("case.json: {key}"))
        };
        let pair = text("pair").ok_or("case.json: pair")?;
        if name
            .split_once('/')
            .is_none_or(|(folder, _)| folder != pair)
        {
            return Err(format!("case.json: the pair is {pair:?}"));
        }
        let (format, endpoint_path) = match pair.split('_').next() {
            Some("chat") => (Format::Chat, "/v1/chat/completions"),
            Some("responses") => (Format::Responses, "/v1/responses"),
            Some("messages" | "bedrock") => (Format::Messages, "/v1/messages"),
            _ => return Err(format!("no client format is known for {pair:?}")),
        };
        let provider = text("provider").ok_or("case.json: provider")?;
        let clock = json.get("clock").and_then(Json::as_u64);
        let mut mask: Vec<_> = json
            .get("mask")
            .map_or(&[][..], Json::elements)
            .iter()
            .filter_map(Json::as_str)
            .map(str::to_owned)
            .collect();
        if clock.is_some() {
            // The gateway's clock stands still: these have one right value.
            mask.retain(|mask| !["created", "created_at"].contains(&&**mask));
        }
        Ok(Self {
            name: name.to_owned(),
            provider: provider
                .parse()
                .map_err(|error| format!("{provider}: {error}"))?,
            endpoint_path,
            format,
            upstream_path: text("upstream_path"),
            upstream_model: text("upstream_model"),
            upstream_status: status("upstream_status")?,
            client_status: status("client_status")?.ok_or("case.json: client_status")?,
            clock,
            config: json.get("config").cloned(),
            mask,
            client_request: read(&folder, "client_request.json")?.map(|json| compact(&json).into()),
            folder,
        })
    }

    /// A file of the case, if it has it.
    pub(crate) fn file(&self, name: &str) -> Result<Option<Bytes>, String> {
        read(&self.folder, name)
    }

    /// A JSON file of the case, if it has it.
    pub(crate) fn json(&self, name: &str) -> Result<Option<Json>, String> {
        read_json(&self.folder, name)
    }

    /// The header lines in a file of the case.
    pub(crate) fn headers(&self, name: &str) -> Result<Vec<(String, String)>, String> {
        Ok(self.json(name)?.map_or_else(Vec::new, |json| pairs(&json)))
    }

    /// Overwrites an expected file.
    pub(crate) fn bless(&self, name: &str, content: &[u8]) -> Result<(), String> {
        fs::write(self.folder.join(name), content).map_err(|error| format!("{name}: {error}"))
    }
}

/// The members of an object of strings.
pub(crate) fn pairs(json: &Json) -> Vec<(String, String)> {
    let members = json.members().iter();
    members
        .filter_map(|(key, value)| Some((key.to_ascii_lowercase(), value.as_str()?.to_owned())))
        .collect()
}

fn read(folder: &Path, name: &str) -> Result<Option<Bytes>, String> {
    match fs::read(folder.join(name)) {
        Ok(bytes) => Ok(Some(bytes.into())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{name}: {error}")),
    }
}

fn read_json(folder: &Path, name: &str) -> Result<Option<Json>, String> {
    let Some(bytes) = read(folder, name)? else {
        return Ok(None);
    };
    let json = Json::parse(&bytes).map_err(|error| format!("{name}: {error}"))?;
    Ok(Some(json))
}

/// The names (`PAIR/CASE`) of all cases under `root`, sorted.
pub(crate) fn all(root: &Path) -> Vec<String> {
    let folders = |path: &Path| -> Vec<String> {
        let entries = fs::read_dir(path).unwrap();
        let folders = entries
            .map(Result::unwrap)
            .filter(|entry| entry.path().is_dir());
        folders
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect()
    };
    let mut names = Vec::new();
    for pair in folders(root) {
        for case in folders(&root.join(&pair)) {
            names.push(format!("{pair}/{case}"));
        }
    }
    names.sort();
    names
}
