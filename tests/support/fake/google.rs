//! Gemini's own format.

use serde_json::{Value, json};

use super::render::pieces;
use super::{Conversation, Stop, Tool, Turn, base64, signature, texts};

/// Where what is said is from.
const SOURCE: &str = "https://example.org/café";

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The signature of a call: the letters of another one that Google's SDK can read.
fn call_signature(name: &str, args: &Value) -> String {
    let sum = signature(&format!("{name} {args}"));
    sum.chars()
        .filter(char::is_ascii_alphanumeric)
        .take(16)
        .collect()
}

impl Conversation {
    /// What matters of a native request.
    pub(super) fn of_gemini(body: &Value) -> Self {
        let mut this = Self {
            length: list(&body["contents"]).len().max(1),
            thinking: body["generationConfig"]["thinkingConfig"]["includeThoughts"] == true,
            cites: list(&body["tools"])
                .iter()
                .any(|tool| tool["googleSearch"].is_object()),
            ..Self::default()
        };
        for function in list(&body["tools"])
            .iter()
            .flat_map(|tool| list(&tool["functionDeclarations"]))
        {
            this.tools.push(Tool {
                name: function["name"].as_str().unwrap_or_default().to_owned(),
                schema: function["parametersJsonSchema"].clone(),
                custom: false,
            });
        }
        for content in list(&body["contents"]) {
            let parts = list(&content["parts"]);
            if content["role"] == "model" {
                this.check_first_call(parts);
                continue;
            }
            let results = parts
                .iter()
                .filter(|part| part["functionResponse"].is_object());
            let results: Vec<_> = results
                .map(|part| part["functionResponse"]["response"].to_string())
                .collect();
            if results.is_empty() {
                this.results.clear();
                this.media = parts.iter().filter_map(media).collect();
                this.user = texts(parts);
            } else {
                this.results.extend(results);
            }
        }
        if this.user.is_empty() {
            this.refused = Some("contents is not specified".to_owned());
        }
        this
    }

    /// The first call of a turn must bring its signature back.
    fn check_first_call(&mut self, parts: &[Value]) {
        let Some(part) = parts.iter().find(|part| part["functionCall"].is_object()) else {
            return;
        };
        let call = &part["functionCall"];
        let right = call_signature(call["name"].as_str().unwrap_or_default(), &call["args"]);
        if part["thoughtSignature"] != right
            && part["thoughtSignature"] != "skip_thought_signature_validator"
        {
            self.refused = Some("Corrupted thought signature.".to_owned());
        }
    }
}

fn media(part: &Value) -> Option<String> {
    let blob = &part["inlineData"];
    if let Some(data) = blob["data"].as_str() {
        return Some(base64(blob["mimeType"].as_str()?, data));
    }
    Some(format!(
        "what is at {}",
        part["fileData"]["fileUri"].as_str()?
    ))
}

impl Turn {
    fn parts(&self) -> Vec<Value> {
        let mut parts = Vec::new();
        if let Some(thinking) = &self.thinking {
            parts.push(json!({"text":thinking,"thought":true}));
        }
        if !self.text.is_empty() {
            parts.push(json!({"text":self.text}));
        }
        for (index, call) in self.calls.iter().enumerate() {
            let args: Value = serde_json::from_str(&call.arguments).expect("arguments are JSON");
            let mut part = json!({"functionCall":{"id":call.id,"name":call.name,"args":args}});
            if index == 0 {
                part["thoughtSignature"] = json!(call_signature(&call.name, &args));
            }
            parts.push(part);
        }
        parts
    }

    fn gemini_reason(&self) -> &'static str {
        match self.stop {
            Stop::End | Stop::Tools => "STOP",
            Stop::Length => "MAX_TOKENS",
            Stop::Refusal => "SAFETY",
        }
    }

    /// What is said of the last thing said: in bytes.
    fn grounding(&self, part: usize) -> Value {
        let mut segment = json!({"endIndex":self.text.len(),"text":self.text});
        if part > 0 {
            segment["partIndex"] = json!(part);
        }
        json!({"webSearchQueries":["scripted"],
            "groundingChunks":[{"web":{"uri":SOURCE,"title":"Café"}}],
            "groundingSupports":[{"segment":segment,"groundingChunkIndices":[0]}]})
    }

    fn gemini_usage(&self) -> Value {
        let thought = if self.thinking.is_some() { 2 } else { 0 };
        json!({"promptTokenCount":14,"candidatesTokenCount":5 - thought,"thoughtsTokenCount":thought,
            "cachedContentTokenCount":3,"totalTokenCount":19})
    }

    /// The whole answer.
    pub(super) fn gemini(&self) -> Value {
        let mut candidate = json!({"index":0,"finishReason":self.gemini_reason(),
            "content":{"role":"model","parts":self.parts()}});
        if self.cites && self.stop == Stop::End {
            candidate["groundingMetadata"] = self.grounding(usize::from(self.thinking.is_some()));
        }
        json!({"responseId":self.id,"modelVersion":self.model,"candidates":[candidate],"usageMetadata":self.gemini_usage()})
    }

    /// The same as a stream.
    pub(super) fn gemini_events(&self) -> Vec<String> {
        let mut parts = Vec::new();
        for part in self.parts() {
            let Some(text) = part["text"].as_str() else {
                parts.push(part);
                continue;
            };
            for piece in pieces(text) {
                let mut one = part.clone();
                one["text"] = json!(piece);
                parts.push(one);
            }
        }
        let event = |candidate: Value| {
            let answer = json!({"responseId":self.id,"modelVersion":self.model,"candidates":[candidate],
                "usageMetadata":self.gemini_usage()});
            format!("data: {answer}\r\n\r\n")
        };
        let mut events: Vec<_> = parts
            .into_iter()
            .map(|part| event(json!({"index":0,"content":{"role":"model","parts":[part]}})))
            .collect();
        let mut last = json!({"index":0,"finishReason":self.gemini_reason(),"content":{"role":"model","parts":[{"text":""}]}});
        if self.cites && self.stop == Stop::End {
            last["groundingMetadata"] = self.grounding(0);
        }
        events.push(event(last));
        events
    }
}
