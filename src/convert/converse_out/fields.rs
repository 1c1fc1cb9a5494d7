//! The members of the request that are neither conversation nor tools.

use std::borrow::Cow;
use std::collections::HashMap;

use bytes::BufMut;

use super::Out;
use crate::codec::write::{self, Array, Object};
use crate::convert::report::LossReport;
use crate::format::raw::RawStr;
use crate::format::walk;

/// `inferenceConfig`: what every model knows. Numbers and strings are JSON text.
#[derive(Debug, Clone, Default)]
pub(in crate::convert) struct InferenceConfig<'a> {
    pub(in crate::convert) max_tokens: Option<u64>,
    pub(in crate::convert) temperature: Option<&'a str>,
    pub(in crate::convert) top_p: Option<&'a str>,
    /// Without empty ones.
    pub(in crate::convert) stop_sequences: Vec<&'a str>,
}

impl InferenceConfig<'_> {
    /// Writes the member, where it says anything.
    pub(in crate::convert) fn write(&self, out: &mut Out) {
        let is_empty = self.max_tokens.is_none()
            && self.temperature.is_none()
            && self.top_p.is_none()
            && self.stop_sequences.is_empty();
        if is_empty {
            return;
        }
        let mut config = Object::begin(out.member("inferenceConfig"));
        if let Some(tokens) = self.max_tokens {
            config.uint("maxTokens", tokens);
        }
        for (key, value) in [("temperature", self.temperature), ("topP", self.top_p)] {
            if let Some(value) = value {
                config.raw(key, value);
            }
        }
        if !self.stop_sequences.is_empty() {
            let mut list = config.array("stopSequences");
            for stop in &self.stop_sequences {
                list.raw(stop);
            }
            list.end();
        }
        config.end();
    }
}

/// `additionalModelRequestFields`: members in each vendor's own words, gathered from everything that has some.
#[derive(Debug, Clone, Default)]
pub(in crate::convert) struct Fields<'a> {
    members: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    betas: Vec<Cow<'a, str>>,
}

impl<'a> Fields<'a> {
    /// Sets a member to JSON text; the last value holds, in the place of the first.
    pub(in crate::convert) fn set(
        &mut self,
        key: impl Into<Cow<'a, str>>,
        json: impl Into<Cow<'a, str>>,
    ) {
        let (key, json) = (key.into(), json.into());
        match self.members.iter_mut().find(|(name, _)| *name == key) {
            Some((_, value)) => *value = json,
            None => self.members.push((key, json)),
        }
    }

    /// Whether the member is set.
    pub(in crate::convert) fn has(&self, key: &str) -> bool {
        self.members.iter().any(|(name, _)| name == key)
    }

    /// Asks for one of Anthropic's beta features; each is named once.
    pub(in crate::convert) fn add_beta(&mut self, name: impl Into<Cow<'a, str>>) {
        let name = name.into();
        if !self.betas.contains(&name) {
            self.betas.push(name);
        }
    }

    /// Takes over every member of a client's own object, whose values win.
    pub(in crate::convert) fn merge(&mut self, object: &'a str) {
        let mut places: HashMap<Cow<'a, str>, usize> = HashMap::new();
        for (index, (key, _)) in self.members.iter().enumerate() {
            places.insert(key.clone(), index);
        }
        for (key, value) in walk::members(object) {
            let (key, value) = (key.decode(), Cow::Borrowed(value));
            let place = places.get(&key).copied();
            if let Some((_, old)) = place.and_then(|place| self.members.get_mut(place)) {
                *old = value;
            } else {
                places.insert(key.clone(), self.members.len());
                self.members.push((key, value));
            }
        }
    }

    /// Writes the member, where it says anything.
    pub(in crate::convert) fn write(&self, out: &mut Out) {
        if self.members.is_empty() && self.betas.is_empty() {
            return;
        }
        let buf = out.member("additionalModelRequestFields");
        let mut separator = b'{';
        for (key, value) in &self.members {
            buf.put_u8(separator);
            separator = b',';
            write::string(buf, key);
            buf.put_u8(b':');
            buf.extend_from_slice(value.as_bytes());
        }
        if !self.betas.is_empty() && !self.has("anthropic_beta") {
            buf.put_u8(separator);
            buf.extend_from_slice(b"\"anthropic_beta\":");
            let mut list = Array::begin(buf);
            for beta in &self.betas {
                list.string(beta);
            }
            list.end();
        }
        buf.put_u8(b'}');
    }
}

/// Asks for what Claude says beside its answer, where the model is one: which stop sequence it met, and how many tokens it thought.
pub(in crate::convert) fn write_response_paths(out: &mut Out) {
    if out.rules.anthropic {
        out.member("additionalModelResponseFieldPaths")
            .extend_from_slice(br#"["/stop_sequence","/usage/output_tokens_details"]"#);
    }
}

/// Writes `serviceTier`: `priority`, `default`, `flex` or `reserved`.
pub(in crate::convert) fn write_service_tier(out: &mut Out, tier: &str) {
    let mut object = Object::begin(out.member("serviceTier"));
    object.string("type", tier);
    object.end();
}

/// OpenAI's `service_tier` in Converse's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::convert) enum OpenAiTier {
    /// What Converse does when it is told nothing.
    Unsaid,
    /// The same tier.
    Same(&'static str),
    /// The nearest tier.
    Near(&'static str),
    /// No such tier.
    Unknown,
}

impl OpenAiTier {
    /// The tier for OpenAI's `word`.
    pub(in crate::convert) fn of(word: &str) -> Self {
        match word {
            "auto" => Self::Unsaid,
            "default" => Self::Same("default"),
            "flex" => Self::Same("flex"),
            "priority" => Self::Same("priority"),
            "fast" => Self::Near("priority"),
            _ => Self::Unknown,
        }
    }

    /// Writes `serviceTier` for the client's `service_tier` (JSON text), and reports what is not carried exactly.
    pub(in crate::convert) fn write(tier: Option<&str>, out: &mut Out, report: &mut LossReport) {
        let Some(tier) = tier else { return };
        let word = RawStr::from_json(tier).map(RawStr::decode);
        match Self::of(&word.unwrap_or_default()) {
            Self::Unsaid => {}
            Self::Same(tier) => write_service_tier(out, tier),
            Self::Near(tier) => {
                report.approximate("service_tier");
                write_service_tier(out, tier);
            }
            Self::Unknown => report.drop_field("service_tier"),
        }
    }
}

/// How many pairs `requestMetadata` takes.
const MAX_PAIRS: usize = 16;
/// How long its keys and values may be.
const MAX_PAIR_LENGTH: usize = 256;

/// `requestMetadata`: pairs for the owner's logs of model invocations.
#[derive(Debug, Clone, Default)]
pub(in crate::convert) struct RequestMetadata<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> RequestMetadata<'a> {
    /// Takes over the pairs of a client's object that Converse takes, where a later pair replaces one with the same key; false
    /// where a member was left out.
    pub(in crate::convert) fn merge(&mut self, object: &'a str) -> bool {
        let mut all = walk::is_object(object);
        for (key, value) in walk::members(object).filter(|(_, value)| *value != "null") {
            let key = key.decode();
            let value = RawStr::from_json(value).map(RawStr::decode);
            let Some(value) = value.filter(|value| {
                (1..=MAX_PAIR_LENGTH).contains(&key.len())
                    && value.len() <= MAX_PAIR_LENGTH
                    && key.chars().chain(value.chars()).all(is_metadata)
            }) else {
                all = false;
                continue;
            };
            if let Some((_, old)) = self.pairs.iter_mut().find(|(name, _)| *name == key) {
                *old = value;
            } else if self.pairs.len() < MAX_PAIRS {
                self.pairs.push((key, value));
            } else {
                all = false;
            }
        }
        all
    }

    /// Whether there is no pair.
    pub(in crate::convert) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Writes the member, where it says anything.
    pub(in crate::convert) fn write(&self, out: &mut Out) {
        if self.pairs.is_empty() {
            return;
        }
        let buf = out.member("requestMetadata");
        for (index, (key, value)) in self.pairs.iter().enumerate() {
            buf.put_u8(if index == 0 { b'{' } else { b',' });
            write::string(buf, key);
            buf.put_u8(b':');
            write::string(buf, value);
        }
        buf.put_u8(b'}');
    }
}

/// Whether a character matches `[a-zA-Z0-9\s:_@$#=/+,-.]`.
fn is_metadata(c: char) -> bool {
    c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || ":_@$#=/+,-.".contains(c)
}

/// Writes a member that the client wrote itself in Converse's words.
pub(in crate::convert) fn write_own(out: &mut Out, key: &str, json: &str) {
    out.member(key).extend_from_slice(json.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::anthropic_out::cache::MarkPaths;
    use crate::convert::converse_out::Rules;

    fn written(write: impl FnOnce(&mut Out)) -> String {
        let paths = MarkPaths {
            tools: "",
            blocks: "",
        };
        let mut out = Out::begin(0, paths, Rules::default());
        write(&mut out);
        let body = out.finish(&mut LossReport::default());
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[test]
    fn the_inference_config_says_only_what_is_said() {
        assert_eq!(written(|out| InferenceConfig::default().write(out)), "{}");
        let config = InferenceConfig {
            max_tokens: Some(7),
            temperature: Some("0.50"),
            top_p: None,
            stop_sequences: vec![r#""a\n""#, r#""b""#],
        };
        assert_eq!(
            written(|out| config.write(out)),
            r#"{"inferenceConfig":{"maxTokens":7,"temperature":0.50,"stopSequences":["a\n","b"]}}"#
        );
    }

    #[test]
    fn additional_fields_are_merged() {
        let mut fields = Fields::default();
        assert_eq!(written(|out| fields.write(out)), "{}");
        fields.set("top_k", "5");
        fields.set("word", r#""a\"b""#);
        fields.add_beta("one");
        fields.add_beta("one");
        fields.merge(r#"{"t\u006fp_k":7,"x":{"y": 1}}"#);
        assert!(fields.has("x") && !fields.has("y"));
        assert_eq!(
            written(|out| fields.write(out)),
            r#"{"additionalModelRequestFields":{"top_k":7,"word":"a\"b","x":{"y": 1},"anthropic_beta":["one"]}}"#
        );
        // What the client wrote itself wins.
        fields.merge(r#"{"anthropic_beta":["two"]}"#);
        let json = written(|out| fields.write(out));
        assert!(json.ends_with(r#""anthropic_beta":["two"]}}"#), "{json}");
    }

    #[test]
    fn metadata_that_fits() {
        let mut metadata = RequestMetadata::default();
        assert!(metadata.merge(r#"{"a":"x y@$#=/+,-.:_","n":null}"#));
        assert!(!metadata.merge(r#"{"a":"2","b":1,"c":"é","":"x"}"#));
        assert_eq!(
            written(|out| metadata.write(out)),
            r#"{"requestMetadata":{"a":"2"}}"#
        );
        let many: Vec<String> = (0..20).map(|n| format!("\"k{n}\":\"v\"")).collect();
        assert!(!RequestMetadata::default().merge(&format!("{{{}}}", many.join(","))));
        assert!(!RequestMetadata::default().merge("[]"));
        assert_eq!(written(|out| RequestMetadata::default().write(out)), "{}");
        assert!(RequestMetadata::default().is_empty());
    }

    #[test]
    fn tiers() {
        for (tier, json, dropped, approximated) in [
            (Some("\"auto\""), "{}", 0, 0),
            (None, "{}", 0, 0),
            (Some("\"flex\""), r#"{"serviceTier":{"type":"flex"}}"#, 0, 0),
            (
                Some("\"fast\""),
                r#"{"serviceTier":{"type":"priority"}}"#,
                0,
                1,
            ),
            (Some("\"scale\""), "{}", 1, 0),
            (Some("7"), "{}", 1, 0),
        ] {
            let mut report = LossReport::default();
            assert_eq!(
                written(|out| OpenAiTier::write(tier, out, &mut report)),
                json
            );
            assert_eq!(
                (report.dropped().len(), report.approximated().len()),
                (dropped, approximated)
            );
        }
    }
}
