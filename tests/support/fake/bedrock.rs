//! Converse, and Messages in the frames of InvokeModel.

use serde_json::{Value, json};

use super::super::frame;
use super::render::pieces;
use super::{Conversation, Stop, Tool, Turn, base64, signature, texts};

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

impl Conversation {
    /// What matters of a request to Converse.
    pub(super) fn of_converse(body: &Value) -> Self {
        let own = &body["additionalModelRequestFields"];
        let mut this = Self {
            length: list(&body["messages"]).len().max(1),
            thinking: ["enabled", "adaptive"]
                .iter()
                .any(|kind| own["thinking"]["type"] == *kind),
            ..Self::default()
        };
        for tool in list(&body["toolConfig"]["tools"]) {
            let spec = &tool["toolSpec"];
            if let Some(name) = spec["name"].as_str() {
                this.tools.push(Tool {
                    name: name.to_owned(),
                    schema: spec["inputSchema"]["json"].clone(),
                    custom: false,
                });
            }
        }
        for message in list(&body["messages"]) {
            this.message(message);
        }
        if this.length == 1 && this.user.is_empty() {
            this.refused = Some("The value at messages is empty.".to_owned());
        }
        this
    }

    fn message(&mut self, message: &Value) {
        let blocks = list(&message["content"]);
        for block in blocks {
            let reasoning = &block["reasoningContent"]["reasoningText"];
            let text = reasoning["text"].as_str().unwrap_or_default();
            if reasoning.is_object() && reasoning["signature"] != signature(text) {
                self.refused = Some("The model returned the following errors: Invalid `signature` in `thinking` block".to_owned());
            }
        }
        if message["role"] != "user" {
            return;
        }
        let results = blocks
            .iter()
            .filter(|block| block["toolResult"].is_object());
        let results: Vec<_> = results
            .map(|block| texts(list(&block["toolResult"]["content"])))
            .collect();
        if results.is_empty() {
            self.results.clear();
            self.media = blocks.iter().filter_map(media).collect();
            self.user = texts(blocks);
        } else {
            self.results.extend(results);
        }
    }
}

fn media(block: &Value) -> Option<String> {
    let (kind, source) = if block["image"].is_object() {
        (
            format!("image/{}", block["image"]["format"].as_str()?),
            &block["image"]["source"],
        )
    } else {
        (
            format!("application/{}", block["document"]["format"].as_str()?),
            &block["document"]["source"],
        )
    };
    Some(base64(&kind, source["bytes"].as_str()?))
}

impl Turn {
    fn reason(&self) -> &'static str {
        match self.stop {
            Stop::End => "end_turn",
            Stop::Tools => "tool_use",
            Stop::Length => "max_tokens",
            Stop::Refusal => "content_filtered",
        }
    }

    /// What only the model's own answer tells.
    fn fields(&self) -> Value {
        let thought = u64::from(self.thinking.is_some()) * 2;
        json!({"stop_sequence":null,"usage":{"output_tokens_details":{"thinking_tokens":thought}}})
    }

    fn converse_usage() -> Value {
        json!({"inputTokens":11,"outputTokens":5,"totalTokens":16,"cacheReadInputTokens":3,"cacheWriteInputTokens":0})
    }

    /// The whole answer of Converse.
    pub(super) fn converse(&self) -> Value {
        let mut content = Vec::new();
        if let Some(thinking) = &self.thinking {
            content.push(json!({"reasoningContent":{"reasoningText":
                {"text":thinking,"signature":signature(thinking)}}}));
        }
        if !self.text.is_empty() {
            content.push(json!({"text":self.text}));
        }
        for call in &self.calls {
            let input: Value = serde_json::from_str(&call.arguments).expect("arguments are JSON");
            content.push(json!({"toolUse":{"toolUseId":call.id,"name":call.name,"input":input}}));
        }
        json!({"output":{"message":{"role":"assistant","content":content}},"stopReason":self.reason(),
            "usage":Self::converse_usage(),"metrics":{"latencyMs":7},
            "additionalModelResponseFields":self.fields()})
    }

    /// The same as a stream.
    pub(super) fn converse_events(&self) -> Vec<Vec<u8>> {
        let mut events = vec![frame::event(
            "messageStart",
            &json!({"role":"assistant","p":"abc"}),
        )];
        let mut index = 0;
        let mut block = |start: Option<Value>, deltas: Vec<Value>| {
            if let Some(start) = start {
                let start = json!({"contentBlockIndex":index,"start":start,"p":"ab"});
                events.push(frame::event("contentBlockStart", &start));
            }
            for delta in deltas {
                let delta = json!({"contentBlockIndex":index,"delta":delta,"p":"abcd"});
                events.push(frame::event("contentBlockDelta", &delta));
            }
            let stop = json!({"contentBlockIndex":index,"p":"a"});
            events.push(frame::event("contentBlockStop", &stop));
            index += 1;
        };
        if let Some(thinking) = &self.thinking {
            let texts = pieces(thinking).into_iter();
            let texts = texts.map(|piece| json!({"reasoningContent":{"text":piece}}));
            let signature = json!({"reasoningContent":{"signature":signature(thinking)}});
            block(None, texts.chain([signature]).collect());
        }
        if !self.text.is_empty() {
            let texts = pieces(&self.text).into_iter();
            block(None, texts.map(|piece| json!({ "text": piece })).collect());
        }
        for call in &self.calls {
            let start = json!({"toolUse":{"toolUseId":call.id,"name":call.name}});
            let inputs = pieces(&call.arguments).into_iter();
            let inputs = inputs.map(|piece| json!({"toolUse":{"input":piece}}));
            block(Some(start), inputs.collect());
        }
        let stop = json!({"stopReason":self.reason(),"additionalModelResponseFields":self.fields(),"p":"abc"});
        events.push(frame::event("messageStop", &stop));
        let metadata = json!({"usage":Self::converse_usage(),"metrics":{"latencyMs":7},"p":"ab"});
        events.push(frame::event("metadata", &metadata));
        events
    }

    /// The events of the Messages API in the frames of InvokeModel.
    pub(super) fn chunks(&self) -> Vec<Vec<u8>> {
        use base64::Engine as _;
        let events = self.messages_events().into_iter();
        let events = events.filter(|event| !event.starts_with("event: ping"));
        let chunks = events.map(|event| {
            let (_, data) = event
                .trim_end()
                .split_once("data: ")
                .expect("an event has data");
            let bytes = base64::engine::general_purpose::STANDARD.encode(data);
            frame::event("chunk", &json!({"bytes":bytes,"p":"abcdef"}))
        });
        chunks.collect()
    }
}
