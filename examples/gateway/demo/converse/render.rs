//! From a Converse request to the question, and from the answer to a message.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::super::answer::{Answer, Choice, End, Input, PAGE, Question, Tool};
use super::super::anthropic;
use super::super::anthropic::signature::{Kind as Signed, sign};
use super::super::check::{Object, flag, get, list};
use super::super::reply::{digest, id, tokens};
use super::check::{blocks, kind, said};
use super::models::{Family, Kind};
use super::{cache, claude, documents, sealed};

/// The JSON schema that the text is to fit.
pub(super) fn schema(config: &Value) -> Option<Value> {
    let schema = config.pointer("/textFormat/structure/jsonSchema/schema")?;
    serde_json::from_str(schema.as_str()?).ok()
}

/// The question in a valid request.
pub(super) fn question(body: &Object, model: &str, family: &Family) -> Question {
    let messages = list(body, "messages");
    let is_user = |message: &&Value| message["role"] == "user";
    let last_user = messages
        .iter()
        .rfind(|message| is_user(message) && !said(message).is_empty());
    let last = messages.iter().rfind(|message| message["role"] != "system");
    let results = last.map(blocks).unwrap_or_default().iter();
    let results = results
        .filter_map(|block| block.get("toolResult"))
        .map(|result| {
            let parts = blocks(result).iter().map(|part| match kind(part) {
                "json" => part["json"].to_string(),
                "text" => part["text"].as_str().unwrap_or_default().to_owned(),
                _ => String::new(),
            });
            parts
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join("\n")
        });
    let config = body.get("toolConfig").cloned().unwrap_or_default();
    let tools = config["tools"].as_array().cloned().unwrap_or_default();
    let empty = Map::new();
    let own = body
        .get("additionalModelRequestFields")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let own_choice = own.get("tool_choice");
    let is_parallel = !own_choice
        .and_then(Value::as_object)
        .is_some_and(|choice| flag(choice, "disable_parallel_tool_use"));
    Question {
        dialect: "bedrock converse",
        model: model.to_owned(),
        last_user: last_user.map(said).unwrap_or_default(),
        media: last_user.map(documents::seen).unwrap_or_default(),
        results: results.collect(),
        tools: tools
            .iter()
            .filter_map(|tool| tool.get("toolSpec"))
            .map(|spec| Tool {
                name: spec["name"].as_str().unwrap_or_default().to_owned(),
                schema: Some(spec["inputSchema"]["json"].clone()),
            })
            .collect(),
        choice: choice(&config["toolChoice"], own_choice),
        parallel: is_parallel,
        schema: body.get("outputConfig").and_then(schema),
        thinking: match family.kind {
            Kind::Claude => anthropic::thinks(&claude::messages(body, model)),
            Kind::Nova2 => own
                .get("reasoningConfig")
                .is_some_and(|config| config["type"] == "enabled"),
            Kind::GptOss | Kind::R1 => true,
            Kind::OpenAi | Kind::Sealed => own
                .get("reasoning")
                .is_none_or(|config| config["effort"] != "none"),
            Kind::DeepSeek => own.contains_key("reasoning_effort"),
            Kind::Nova | Kind::Other => false,
        },
        may_search: tools.iter().any(|tool| tool.get("systemTool").is_some()),
        cut_at: get(body, "inferenceConfig")
            .and_then(|config| config.get("maxTokens")?.as_u64())
            .filter(|limit| *limit < if family.kind == Kind::OpenAi { 17 } else { 8 })
            // OpenAI's least is not that short.
            .map(|limit| limit.min(5)),
        stop: body
            .get("inferenceConfig")
            .and_then(|config| config["stopSequences"].as_array())
            .into_iter()
            .flatten()
            .filter_map(|stop| Some(stop.as_str()?.to_owned()))
            .collect(),
    }
}

fn choice(choice: &Value, own: Option<&Value>) -> Choice {
    let own = own.and_then(|own| own["type"].as_str());
    if choice.get("any").is_some() || own == Some("any") {
        Choice::Any
    } else if let Some(name) = choice["tool"]["name"].as_str() {
        Choice::Named(name.to_owned())
    } else if own == Some("none") {
        Choice::None
    } else {
        Choice::Auto
    }
}

/// A valid request and its answer.
pub(super) struct Turn<'a> {
    pub(super) body: &'a Object,
    pub(super) bytes: &'a [u8],
    pub(super) family: Family,
    pub(super) question: &'a Question,
    pub(super) answer: &'a Answer,
}

impl Turn<'_> {
    /// The whole answer of Converse.
    pub(super) fn whole(&self) -> Value {
        let mut answer = json!({
            "output": {"message": {"role": "assistant", "content": self.content()}},
            "stopReason": self.reason(),
        });
        for (name, value) in self.fields() {
            answer["additionalModelResponseFields"][name] = value;
        }
        for (name, value) in self.metadata() {
            answer[name] = value;
        }
        answer
    }

    /// Counts and what else is told at the end.
    pub(super) fn metadata(&self) -> Map<String, Value> {
        let thought = self.answer.thinking.as_deref().map_or(0, tokens);
        let said: u64 = self
            .content()
            .iter()
            .filter(|block| kind(block) != "reasoningContent")
            .map(|block| tokens(&block.to_string()))
            .sum();
        let last_user = &self.question.last_user;
        let mut metadata = Map::new();
        metadata.insert(
            "usage".to_owned(),
            cache::usage(self.body, self.bytes, last_user, thought + said.max(1)),
        );
        metadata.insert("metrics".to_owned(), json!({"latencyMs": 7}));
        for name in ["serviceTier", "performanceConfig"] {
            if let Some(asked) = self.body.get(name) {
                metadata.insert(name.to_owned(), asked.clone());
            }
        }
        if self.is_guarded() {
            metadata.insert(
                "trace".to_owned(),
                json!({"guardrail": {"actionReason": "Guardrail blocked."}}),
            );
        }
        metadata
    }

    fn is_guarded(&self) -> bool {
        self.body.contains_key("guardrailConfig")
            && self.question.last_user.to_lowercase().contains("guardrail")
    }

    /// Why it ends.
    pub(super) fn reason(&self) -> &'static str {
        if self.is_guarded() {
            return "guardrail_intervened";
        }
        match self.answer.end {
            End::Done => "end_turn",
            End::Calls => "tool_use",
            End::Length => "max_tokens",
            End::Stop(_) => "stop_sequence",
            End::Refusal => "content_filtered",
        }
    }

    /// The fields of the model's own answer that were asked for; those that it has not got are left out.
    pub(super) fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        if self.family.kind != Kind::Claude {
            return fields;
        }
        let asked = |path: &str| {
            list(self.body, "additionalModelResponseFieldPaths")
                .iter()
                .any(|asked| asked == path)
        };
        if asked("/stop_sequence") {
            let stop = match &self.answer.end {
                End::Stop(stop) => json!(stop),
                _ => Value::Null,
            };
            fields.insert("stop_sequence".to_owned(), stop);
        }
        if let Some(thought) = &self.answer.thinking
            && asked("/usage/output_tokens_details")
        {
            fields.insert(
                "usage".to_owned(),
                json!({"output_tokens_details": {"thinking_tokens": tokens(thought)}}),
            );
        }
        fields
    }

    /// The blocks of the answer.
    pub(super) fn content(&self) -> Vec<Value> {
        if self.is_guarded() {
            return vec![json!({"text": "The demo’s guardrail blocked this."})];
        }
        let mut content = self.thoughts();
        if let Some(query) = &self.answer.search {
            content.extend(self.search(query));
        }
        if !self.answer.text.is_empty() {
            content.push(json!({"text": self.answer.text}));
        }
        content.extend(self.cited());
        content.extend(self.answer.calls.iter().enumerate().map(|(index, call)| {
            let input = match &call.input {
                Input::Json(input) => input.clone(),
                Input::Text(text) => json!({"input": text}),
            };
            let id = id("tooluse_", self.bytes, index);
            json!({"toolUse": {"toolUseId": id, "name": call.name, "input": input}})
        }));
        content
    }

    /// What was thought, as the family tells it.
    fn thoughts(&self) -> Vec<Value> {
        let Some(thought) = &self.answer.thinking else {
            return Vec::new();
        };
        let block = |block: Value| json!({"reasoningContent": block});
        let signed = |text: &str, kind| {
            block(json!({"reasoningText": {"text": text, "signature": sign(kind, thought)}}))
        };
        match self.family.kind {
            Kind::Claude => {
                let request = claude::messages(self.body, &self.question.model);
                let mut blocks = vec![if anthropic::shows(&request) {
                    signed(thought, Signed::Shown)
                } else {
                    signed("", Signed::Omitted)
                }];
                if self.answer.redacted {
                    let data = STANDARD.encode(sign(Signed::Redacted, thought));
                    blocks.push(block(json!({"redactedContent": data})));
                }
                blocks
            }
            Kind::OpenAi | Kind::Sealed => {
                vec![block(json!({"redactedContent": sealed::seal(thought)}))]
            }
            _ => vec![block(json!({"reasoningText": {"text": thought}}))],
        }
    }

    /// A search of the service's own, and what it found.
    fn search(&self, query: &str) -> [Value; 2] {
        let (url, _, words) = PAGE;
        let id = id("tooluse_", self.bytes, 99);
        [
            json!({"toolUse": {
                "toolUseId": id, "name": "nova_grounding", "type": "server_tool_use", "input": {"query": query},
            }}),
            json!({"toolResult": {
                "toolUseId": id, "type": "nova_grounding_result", "status": "success",
                "content": [{"json": {"url": url, "text": words}}],
            }}),
        ]
    }

    /// A text with its source: a page that was found, or a document that may be cited.
    fn cited(&self) -> Option<Value> {
        let (url, title, words) = PAGE;
        if self.answer.search.is_some() {
            return Some(json!({"citationsContent": {
                "content": [{"text": format!(" {words}")}],
                "citations": [{
                    "title": title, "sourceContent": [{"text": words}],
                    "location": {"web": {"url": url, "domain": "example.org"}},
                }],
            }}));
        }
        if self.answer.text.is_empty() || self.question.schema.is_some() {
            return None;
        }
        let messages = list(self.body, "messages").iter();
        let mut documents = messages
            .flat_map(blocks)
            .filter_map(|block| block.get("document"))
            .enumerate();
        let (index, document) =
            documents.find(|(_, document)| document["citations"]["enabled"] == true)?;
        let name = document["name"].as_str().unwrap_or_default();
        let location = match document["format"].as_str() {
            Some("pdf") => json!({"documentPage": {"documentIndex": index, "start": 1, "end": 2}}),
            _ => json!({"documentChar": {"documentIndex": index, "start": 0, "end": 7}}),
        };
        Some(json!({"citationsContent": {
            "content": [{"text": format!(" See “{name}”.")}],
            "citations": [{"title": name, "source": name, "sourceContent": [{"text": "The demo"}], "location": location}],
        }}))
    }

    /// What pads the events of this answer.
    pub(super) fn seed(&self, index: usize) -> u64 {
        digest([self.bytes, index.to_string().as_bytes()])
    }
}
