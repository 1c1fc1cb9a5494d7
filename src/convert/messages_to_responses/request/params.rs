//! Output limit, stop sequences, sampling, the user's id and the service tier.

use serde_json::value::RawValue;

use super::reasoning::Reasoning;
use crate::codec::write::Object;
use crate::convert::context::RequestContext;
use crate::convert::path;
use crate::convert::report::Refusal;
use crate::convert::{sha256, stop};
use crate::format::messages::request::Request;
use crate::format::raw::RawStr;
use crate::models::Sampling;

/// The fewest output tokens that OpenAI can be asked for.
const LEAST: u64 = 16;
/// The longest `safety_identifier`.
const LONGEST_USER: usize = 128;

/// How much the model may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    None,
    Tokens(u64),
    /// Nothing: the request is there to fill the prompt cache. OpenAI has a word for it, or is asked for the least.
    Prewarm {
        native: bool,
    },
}

pub(super) fn limit(request: &Request<'_>, cx: &mut RequestContext<'_>) -> Result<Limit, Refusal> {
    let Some(raw) = request.max_tokens else {
        return Ok(Limit::None);
    };
    let asked: u64 = raw
        .get()
        .parse()
        .map_err(|_| path::wrong_type("max_tokens"))?;
    if asked < LEAST {
        cx.report.approximate("max_tokens");
    }
    Ok(match asked {
        0 => Limit::Prewarm {
            native: cx.capabilities.cache_breakpoints,
        },
        _ => Limit::Tokens(asked.max(LEAST)),
    })
}

impl Limit {
    pub(super) fn write(self, object: &mut Object<'_>) {
        match self {
            Self::None => {}
            Self::Tokens(tokens) => {
                object.uint("max_output_tokens", tokens);
            }
            Self::Prewarm { native: true } => {
                let mut options = object.object("prompt_cache_options");
                options.bool("prewarm", true);
                options.end();
            }
            Self::Prewarm { native: false } => {
                object.uint("max_output_tokens", LEAST);
            }
        }
    }

    pub(super) fn is_prewarm(self) -> bool {
        matches!(self, Self::Prewarm { .. })
    }
}

/// The stop sequences that the gateway looks for itself.
pub(super) fn stops(
    request: &Request<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<Vec<String>, Refusal> {
    let Some(list) = &request.stop_sequences else {
        return Ok(Vec::new());
    };
    let stops: Vec<String> = list
        .0
        .iter()
        .filter(|stop| !stop.is_empty())
        .map(|stop| stop.decode().into_owned())
        .collect();
    if stops.is_empty() {
        return Ok(stops);
    }
    if stop::are_excessive(&stops) {
        return Err(Refusal::invalid(
            "stop_sequences",
            "there are too many stop sequences, or one is too long",
        ));
    }
    if cx.options.emulate_stop == Some(false) {
        return Err(Refusal::unsupported(
            "stop_sequences",
            "stop sequences are not supported by this model's provider",
        ));
    }
    cx.report.approximate("stop_sequences");
    Ok(stops)
}

/// Writes `temperature` and `top_p`, where the model takes them and they say something else than its default.
pub(super) fn write_sampling(
    request: &Request<'_>,
    reasoning: &Reasoning,
    object: &mut Object<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let taken = match cx.capabilities.sampling {
        Sampling::Any => true,
        Sampling::One => request.temperature.is_none() || request.top_p.is_none(),
        Sampling::WithoutThinking => reasoning.is_off(),
        Sampling::None => false,
    };
    for (name, value) in [
        ("temperature", request.temperature),
        ("top_p", request.top_p),
    ] {
        let Some(raw) = value.map(RawValue::get) else {
            continue;
        };
        let number: f64 = raw
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
            .ok_or_else(|| path::wrong_type(name))?;
        if number == 1.0 {
            continue;
        }
        if taken {
            object.raw(name, raw);
        } else {
            cx.report.drop_field(name);
        }
    }
    Ok(())
}

/// Writes who asks, in a form that says nothing more, and a key that keeps a session's requests at one prompt cache.
pub(super) fn write_user(
    request: &Request<'_>,
    object: &mut Object<'_>,
    cx: &mut RequestContext<'_>,
) {
    let Some(metadata) = &request.metadata else {
        return;
    };
    for name in &metadata.unknown {
        cx.report.drop_field(format!("metadata.{name}"));
    }
    let Some(user) = metadata.user_id.filter(|user| !user.is_empty()) else {
        return;
    };
    cx.report.approximate("metadata.user_id");
    let user = user.decode();
    if user.chars().count() <= LONGEST_USER {
        object.string("safety_identifier", &user);
    } else {
        object.string("safety_identifier", &sha256::hex(user.as_bytes(), 64));
    }
    let key = format!("tlg-{}", sha256::hex(user.as_bytes(), 16));
    object.string("prompt_cache_key", &key);
}

/// Writes `service_tier`, from the client's own and from `speed`.
pub(super) fn write_service_tier(
    request: &Request<'_>,
    object: &mut Object<'_>,
    cx: &mut RequestContext<'_>,
) {
    let word = |raw: Option<&RawValue>| {
        raw.and_then(RawStr::new)
            .map(|word| word.decode().into_owned())
    };
    let mut tier = None;
    match word(request.service_tier).as_deref() {
        Some("auto") => tier = Some("auto"),
        Some("standard_only") => {
            cx.report.approximate("service_tier");
            tier = Some("default");
        }
        _ if request.service_tier.is_some() => cx.report.drop_field("service_tier"),
        _ => {}
    }
    match word(request.speed).as_deref() {
        Some("fast") => {
            cx.report.approximate("speed");
            tier = Some("fast");
        }
        Some("standard") => {}
        _ if request.speed.is_some() => cx.report.drop_field("speed"),
        _ => {}
    }
    if let Some(tier) = tier {
        object.string("service_tier", tier);
    }
}
