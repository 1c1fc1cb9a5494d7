//! `generationConfig`: limits, sampling, the form of the answer, and how much the model thinks.

use serde_json::value::RawValue;

use super::TARGET;
use super::google::Google;
use crate::codec::write::Object;
use crate::convert::anthropic_out::params::required_positive_integer;
use crate::convert::chat_request::path::element;
use crate::convert::chat_request::{limits, stops};
use crate::convert::context::RequestContext;
use crate::convert::effort::Asked;
use crate::convert::gemini_out::{
    MOST_CANDIDATES, MOST_STOPS, Thinking, service_tier, write_camel, write_output_schema,
    write_subset,
};
use crate::convert::path;
use crate::convert::report::Refusal;
use crate::format::chat::request::Request;
use crate::format::raw::RawStr;
use crate::format::walk;
use crate::models::GeminiGeneration;

const SCHEMA: &str = "response_format.json_schema.schema";

/// Writes the member, where there is something to say.
pub(super) fn write(
    request: &mut Object<'_>,
    chat: &Request<'_>,
    google: &Google<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let mut members = bytes::BytesMut::new();
    let mut config = Object::begin(&mut members);
    write_limits(&mut config, chat, cx)?;
    write_sampling(&mut config, chat, cx)?;
    write_format(&mut config, chat, cx)?;
    write_output_kinds(&mut config, chat, google, cx)?;
    for (name, field) in [
        ("mediaResolution", &google.media_resolution),
        ("imageConfig", &google.image_config),
        ("speechConfig", &google.speech_config),
    ] {
        if let Some((_, json)) = field {
            write_camel(config.key(name), json);
        }
    }
    thinking(chat, google, cx)?.write(&mut config);
    config.end();
    if members.len() > 2 {
        request.key("generationConfig").extend_from_slice(&members);
    }
    Ok(())
}

fn write_limits(
    config: &mut Object<'_>,
    chat: &Request<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let (field, asked) = limits::max_tokens(chat, cx.report);
    if let Some(asked) = asked {
        let asked = required_positive_integer(asked.get(), field)?;
        let tokens = match cx.capabilities.max_output.map(u64::from) {
            Some(most) if asked > most => {
                cx.report.approximate(field);
                most
            }
            _ => asked,
        };
        config.uint("maxOutputTokens", tokens);
    }
    if let Some(n) = chat.n {
        let n = required_positive_integer(n.get(), "n")?;
        if n > MOST_CANDIDATES {
            return Err(TARGET.unsupported("n", "gives eight choices at most"));
        }
        if n > 1 {
            config.uint("candidateCount", n);
        }
    }
    let stops = stops::read(chat.stop, TARGET, None)?.sent;
    if stops.len() > MOST_STOPS {
        return Err(TARGET.unsupported("stop", "takes five stop sequences at most"));
    }
    if !stops.is_empty() {
        let mut list = config.array("stopSequences");
        for text in stops {
            list.raw(text);
        }
        list.end();
    }
    Ok(())
}

fn write_sampling(
    config: &mut Object<'_>,
    chat: &Request<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    for (field, name, value) in [
        ("temperature", "temperature", chat.temperature),
        ("top_p", "topP", chat.top_p),
        ("top_k", "topK", chat.top_k),
        ("seed", "seed", chat.seed),
    ] {
        if let Some((json, _)) = number(value, field)? {
            config.raw(name, json);
        }
    }
    for (field, name, value) in [
        ("presence_penalty", "presencePenalty", chat.presence_penalty),
        (
            "frequency_penalty",
            "frequencyPenalty",
            chat.frequency_penalty,
        ),
    ] {
        match number(value, field)? {
            Some((json, _)) if cx.capabilities.gemini != GeminiGeneration::V3 => {
                config.raw(name, json);
            }
            // What says nothing is not lost.
            Some((_, penalty)) if penalty != 0.0 => cx.report.drop_field(field),
            _ => {}
        }
    }
    let top = number(chat.top_logprobs, "top_logprobs")?;
    let wanted = match chat.logprobs.map(RawValue::get) {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(path::wrong_type("logprobs")),
    };
    if wanted || top.is_some_and(|(_, count)| count != 0.0) {
        config.bool("responseLogprobs", true);
        if let Some((json, _)) = top {
            config.raw("logprobs", json);
        }
    }
    Ok(())
}

/// A number: as it was written, and its value.
fn number<'a>(
    raw: Option<&'a RawValue>,
    field: &'static str,
) -> Result<Option<(&'a str, f64)>, Refusal> {
    let Some(json) = raw.map(RawValue::get) else {
        return Ok(None);
    };
    let value = path::number(json).ok_or_else(|| path::wrong_type(field))?;
    Ok(Some((json, value)))
}

fn write_format(
    config: &mut Object<'_>,
    chat: &Request<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let Some(format) = &chat.response_format else {
        return Ok(());
    };
    for name in &format.unknown {
        cx.report.drop_field(format!("response_format.{name}"));
    }
    let Some(kind) = format.kind else {
        return Err(path::missing("response_format.type"));
    };
    match &*kind.decode() {
        "text" => return Ok(()),
        "json_object" => {
            config.string("responseMimeType", "application/json");
            return Ok(());
        }
        "json_schema" => {}
        _ => {
            return Err(TARGET.unsupported("response_format.type", "has no such output format"));
        }
    }
    let wanted = format.json_schema.as_ref();
    let schema = wanted.and_then(|wanted| wanted.schema).map(RawValue::get);
    let (Some(wanted), Some(schema)) = (wanted, schema) else {
        return Err(path::missing(SCHEMA));
    };
    if !walk::is_object(schema) {
        return Err(path::wrong_type(SCHEMA));
    }
    for (name, lost) in [
        ("name", wanted.name.is_some()),
        ("description", wanted.description.is_some()),
        ("strict", wanted.strict.is_some()),
    ] {
        if lost {
            cx.report
                .drop_field(format!("response_format.json_schema.{name}"));
        }
    }
    for name in &wanted.unknown {
        cx.report
            .drop_field(format!("response_format.json_schema.{name}"));
    }
    config.string("responseMimeType", "application/json");
    let generation = cx.capabilities.gemini;
    let legacy = generation == GeminiGeneration::Legacy;
    let written = if cx.options.legacy_schema.unwrap_or(legacy) {
        write_subset(schema, config.key("responseSchema"))
    } else {
        let ordering = generation != GeminiGeneration::V3;
        write_output_schema(schema, ordering, config.key("responseJsonSchema"))
    };
    let changed = written.map_err(|error| Refusal::unsupported(SCHEMA, error.0))?;
    if changed {
        cx.report.approximate(SCHEMA);
    }
    Ok(())
}

/// What the answer is made of, beside text.
fn write_output_kinds(
    config: &mut Object<'_>,
    chat: &Request<'_>,
    google: &Google<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let mut kinds: Vec<&'static str> = Vec::new();
    let modalities = chat.modalities.map(RawValue::get).unwrap_or_default();
    if !modalities.is_empty() && !walk::is_array(modalities) {
        return Err(path::wrong_type("modalities"));
    }
    for (index, modality) in walk::elements(modalities).enumerate() {
        let word = RawStr::from_json(modality).map(RawStr::decode);
        let kind = match word.as_deref() {
            Some("text") => "TEXT",
            Some("audio") => "AUDIO",
            Some("image") => "IMAGE",
            _ => {
                return Err(TARGET.unsupported(
                    element("modalities", index, ""),
                    "has no such kind of answer",
                ));
            }
        };
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let audio = chat.audio.map(RawValue::get);
    if audio.is_some() && !kinds.contains(&"AUDIO") {
        kinds.push("AUDIO");
    }
    if kinds.iter().any(|kind| *kind != "TEXT") {
        if chat.modalities.is_some() {
            cx.report.approximate("modalities");
        }
        let mut list = config.array("responseModalities");
        for kind in kinds {
            list.string(kind);
        }
        list.end();
    }
    match audio {
        Some(audio) => write_voice(config, audio, google, cx),
        None => Ok(()),
    }
}

fn write_voice(
    config: &mut Object<'_>,
    audio: &str,
    google: &Google<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    if !walk::is_object(audio) {
        return Err(path::wrong_type("audio"));
    }
    let format = walk::member(audio, "format").and_then(RawStr::from_json);
    match format.map(RawStr::decode).as_deref() {
        None | Some("pcm16" | "wav") => {}
        Some(_) => {
            return Err(TARGET.unsupported("audio.format", "speaks in uncompressed PCM only"));
        }
    }
    cx.report.approximate("audio");
    let voice = walk::member(audio, "voice");
    let voice = voice.and_then(|voice| {
        RawStr::from_json(voice).or_else(|| RawStr::from_json(walk::member(voice, "id")?))
    });
    if let Some(voice) = voice.filter(|_| google.speech_config.is_none()) {
        let mut speech = config.object("speechConfig");
        let mut config = speech.object("voiceConfig");
        let mut prebuilt = config.object("prebuiltVoiceConfig");
        prebuilt.raw("voiceName", voice.json());
        prebuilt.end();
        config.end();
        speech.end();
    }
    Ok(())
}

/// How much the model thinks: Google's own words win over the effort.
fn thinking<'a>(
    chat: &Request<'_>,
    google: &Google<'a>,
    cx: &mut RequestContext<'_>,
) -> Result<Thinking<'a>, Refusal> {
    let mut thinking = google.thinking.clone();
    if let Some(word) = chat.reasoning_effort {
        let Some(asked) = Asked::from_word(&word.decode()) else {
            return Err(Refusal::invalid(
                "reasoning_effort",
                "there is no such effort",
            ));
        };
        let own = thinking.budget.is_some() || thinking.level.is_some();
        match Thinking::of_effort(asked, cx.capabilities) {
            Some(effort) if !own => {
                cx.report.approximate("reasoning_effort");
                thinking = Thinking {
                    include: thinking.include,
                    ..effort
                };
            }
            // A model that does not think does what `none` asks for.
            None if asked == Asked::Nothing => {}
            _ => cx.report.drop_field("reasoning_effort"),
        }
    }
    if cx.options.expose_thoughts != Some(false) {
        thinking.show(cx.capabilities);
    }
    Ok(thinking)
}

/// `service_tier` in Google's words.
pub(super) fn write_service_tier(
    request: &mut Object<'_>,
    chat: &Request<'_>,
    cx: &mut RequestContext<'_>,
) {
    let word = chat.service_tier.map(RawValue::get);
    let tier = word.and_then(|word| service_tier(RawStr::from_json(word), cx));
    if let Some(tier) = tier {
        request.string("serviceTier", tier);
    }
}
