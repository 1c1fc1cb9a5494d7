//! Streams of server-sent events, read the plain way (not by the crate's own decoder, which is under test).

use tower_llm_gateway::Format;

use super::json::Json;

/// What an event carries.
#[derive(Debug, Clone)]
pub(crate) enum Data {
    /// `data: [DONE]`
    Done,
    Json(Json),
}

/// One event that is neither comment nor ping.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) data: Data,
}

impl Event {
    pub(crate) fn json(&self) -> Option<&Json> {
        match &self.data {
            Data::Json(json) => Some(json),
            Data::Done => None,
        }
    }

    /// The `type` member.
    pub(crate) fn kind(&self) -> Option<&str> {
        self.json()?.get("type")?.as_str()
    }

    pub(crate) fn text(&self) -> String {
        match &self.data {
            Data::Done => "[DONE]".to_owned(),
            Data::Json(json) => json.to_string(),
        }
    }

    /// Whether it ends a client's stream with an error.
    pub(crate) fn is_error(&self, format: Format) -> bool {
        match format {
            Format::Chat => self.json().is_some_and(|json| json.get("error").is_some()),
            Format::Responses => matches!(self.kind(), Some("error" | "response.failed")),
            _ => self.kind() == Some("error"),
        }
    }

    /// Whether it ends a client's stream well.
    pub(crate) fn is_success(&self, format: Format) -> bool {
        match format {
            Format::Chat => matches!(self.data, Data::Done),
            Format::Responses => matches!(
                self.kind(),
                Some("response.completed" | "response.incomplete")
            ),
            _ => self.kind() == Some("message_stop"),
        }
    }
}

/// Where each event of a stream ends, in bytes: behind its empty line.
pub(crate) fn event_ends(stream: &[u8]) -> Vec<usize> {
    let ends = stream.windows(2).enumerate();
    ends.filter(|(_, pair)| pair == b"\n\n")
        .map(|(at, _)| at + 2)
        .collect()
}

/// The events of a client's stream, without comments and pings.
///
/// # Errors
/// The stream is not what `format` allows: a torn event, an `event:` name that is not the type, data that is not JSON.
pub(crate) fn parse(stream: &[u8], format: Format) -> Result<Vec<Event>, String> {
    let text = std::str::from_utf8(stream).map_err(|error| format!("not UTF-8: {error}"))?;
    if !text.is_empty() && !text.ends_with("\n\n") {
        return Err(format!(
            "the stream ends inside an event: …{:?}",
            text.lines().last().unwrap_or_default()
        ));
    }
    let mut events = Vec::new();
    for block in text.split("\n\n") {
        let (mut name, mut data) = (None, None::<String>);
        for line in block.lines() {
            match line.split_once(':') {
                Some(("", _)) => {}
                Some(("event", value)) => name = Some(value.trim_start().to_owned()),
                Some(("data", value)) => match &mut data {
                    Some(data) => {
                        data.push('\n');
                        data.push_str(value.trim_start());
                    }
                    None => data = Some(value.trim_start().to_owned()),
                },
                _ => return Err(format!("a line that says nothing: {line:?}")),
            }
        }
        let Some(data) = data else {
            if name.is_some() {
                return Err(format!("an event without data: {block:?}"));
            }
            continue;
        };
        if data == "[DONE]" {
            events.push(Event { data: Data::Done });
            continue;
        }
        let json = Json::parse(data.as_bytes())?;
        let kind = json.get("type").and_then(Json::as_str);
        let named_well = match format {
            Format::Chat => name.is_none(),
            _ => name.is_some() && name.as_deref() == kind,
        };
        if !named_well {
            return Err(format!(
                "an event named {name:?} whose data says type {kind:?}"
            ));
        }
        if kind == Some("ping") {
            continue;
        }
        events.push(Event {
            data: Data::Json(json),
        });
    }
    Ok(events)
}

/// Whether a provider's stream, as far as these events go, said that it is complete (`Some(true)`), broke with an error
/// (`Some(false)`), or neither.
pub(crate) fn upstream_end(stream: &[u8]) -> Option<bool> {
    let text = String::from_utf8_lossy(stream);
    let mut end = None;
    for line in text.lines() {
        let Some(data) = line.strip_prefix("data:").map(str::trim_start) else {
            continue;
        };
        if data == "[DONE]" {
            end = Some(true);
            continue;
        }
        let Ok(json) = Json::parse(data.as_bytes()) else {
            continue;
        };
        let kind = json.get("type").and_then(Json::as_str).unwrap_or_default();
        if json.non_null("error").is_some() || matches!(kind, "error" | "response.failed") {
            return Some(false);
        }
        let stopped = json
            .get("delta")
            .is_some_and(|delta| delta.non_null("stop_reason").is_some());
        let finished = |key: &str, reason: &str| {
            let list = json.get(key).map_or(&[][..], Json::elements);
            list.iter().any(|choice| choice.non_null(reason).is_some())
        };
        if stopped
            || matches!(kind, "response.completed" | "response.incomplete")
            || finished("choices", "finish_reason")
            || finished("candidates", "finishReason")
        {
            end = Some(true);
        }
    }
    end
}
