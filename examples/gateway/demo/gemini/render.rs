//! From a native request to the question, and from the answer to the parts of a candidate.

use serde_json::{Map, Value, json};

use super::super::answer::{
    Answer, Choice, End, Input, PAGE, Question, REFUSAL, Tool, is_repeated,
};
use super::super::check::{Object, content_text, get, list};
use super::super::reply::{id, tokens};
use super::check::{built_in, functions, media, mixes};
use super::contents::parts;
use super::signature::{is_step, sign, signs};

/// The question in a valid request.
pub(super) fn question(body: &Object, model: &str) -> Question {
    let contents = list(body, "contents");
    let said = |content: &Value| content_text(&content["parts"]);
    let is_user = |content: &&Value| content["role"].as_str().unwrap_or("user") == "user";
    let last_user = contents
        .iter()
        .rfind(|content| is_user(content) && !said(content).is_empty());
    // What the user adds to the responses does not hide them.
    let current = contents.iter().rev().take_while(|content| is_user(content));
    let mut results: Vec<_> = current
        .flat_map(parts)
        .filter_map(|part| part.get("functionResponse"))
        .map(|response| match response["response"].get("output") {
            Some(Value::String(output)) => output.clone(),
            _ => response["response"].to_string(),
        })
        .collect();
    results.reverse();
    let empty = Map::new();
    let config = get(body, "generationConfig")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let calling = get(body, "toolConfig").map(|config| &config["functionCallingConfig"]);
    let allowed = calling.map(|calling| &calling["allowedFunctionNames"]);
    let is_allowed = |name: &str| match allowed.and_then(Value::as_array) {
        Some(allowed) if !allowed.is_empty() => allowed.iter().any(|one| one == name),
        _ => true,
    };
    let any = || json!({"type": "object", "properties": {}});
    Question {
        dialect: "gemini native",
        model: model.to_owned(),
        last_user: last_user.map(said).unwrap_or_default(),
        media: last_user
            .map(parts)
            .unwrap_or_default()
            .iter()
            .filter_map(|part| media(part)?.ok())
            .collect(),
        results,
        tools: functions(body)
            .into_iter()
            .filter_map(|function| {
                let schema = function
                    .get("parametersJsonSchema")
                    .or(function.get("parameters"));
                let name = function["name"].as_str().filter(|name| is_allowed(name))?;
                Some(Tool {
                    name: name.to_owned(),
                    schema: Some(schema.cloned().unwrap_or_else(any)),
                })
            })
            .collect(),
        choice: match calling.and_then(|calling| calling["mode"].as_str()) {
            Some("NONE") => Choice::None,
            Some("ANY") => Choice::Any,
            _ => Choice::Auto,
        },
        parallel: true,
        schema: schema(config),
        thinking: config
            .get("thinkingConfig")
            .is_some_and(|thinking| thinking["includeThoughts"] == true),
        may_search: built_in(body).contains(&"googleSearch"),
        cut_at: get(config, "maxOutputTokens")
            .and_then(Value::as_u64)
            .filter(|limit| *limit < 8),
        stop: list(config, "stopSequences")
            .iter()
            .filter_map(|stop| Some(stop.as_str()?.to_owned()))
            .collect(),
    }
}

fn schema(config: &Object) -> Option<Value> {
    if config
        .get("responseMimeType")
        .is_none_or(|mime| mime != "application/json")
    {
        return None;
    }
    let asked = config
        .get("responseJsonSchema")
        .or_else(|| config.get("responseSchema"));
    Some(asked.cloned().unwrap_or_else(|| {
        json!({"type": "object", "required": ["demo"], "properties": {"demo": {"type": "boolean"}}})
    }))
}

/// A valid request and its answer.
pub(super) struct Turn<'a> {
    pub(super) body: &'a Object,
    pub(super) bytes: &'a [u8],
    pub(super) model: &'a str,
    pub(super) question: &'a Question,
    pub(super) answer: &'a Answer,
}

/// A second page, whose place begins at the first byte.
const OTHER_PAGE: (&str, &str) = ("https://example.net/ümlaut", "Ümlaut");

impl Turn<'_> {
    fn has(&self, tool: &str) -> bool {
        built_in(self.body).contains(&tool)
    }

    fn words(&self) -> String {
        self.question.last_user.to_lowercase()
    }

    /// The first address in the question, where the model may read pages.
    fn page(&self) -> Option<&str> {
        let mut words = self.question.last_user.split_whitespace();
        let page = words.find(|word| word.starts_with("https://"))?;
        self.has("urlContext").then_some(page)
    }

    fn computes(&self) -> bool {
        self.has("codeExecution") && self.words().contains("compute")
    }

    /// What is shown to have been thought.
    pub(super) fn thought(&self) -> Option<&str> {
        self.answer.thinking.as_deref()
    }

    /// The steps of the model's own tools that are shown.
    pub(super) fn steps(&self) -> Vec<Value> {
        let mut steps = Vec::new();
        if mixes(self.body) {
            let id = id("srv", self.bytes, 0);
            let used = match (&self.answer.search, self.page()) {
                (Some(query), _) => Some((
                    "GOOGLE_SEARCH_WEB",
                    json!({"queries": [query]}),
                    json!({"search_suggestions": "<div/>"}),
                )),
                (None, Some(page)) => Some((
                    "URL_CONTEXT",
                    json!({"urls": [page]}),
                    json!({"pages": [page]}),
                )),
                (None, None) => None,
            };
            if let Some((kind, args, response)) = used {
                steps.push(json!({"toolCall": {"toolType": kind, "id": id, "args": args}}));
                steps.push(
                    json!({"toolResponse": {"toolType": kind, "id": id, "response": response}}),
                );
            }
        }
        if self.computes() {
            steps.push(
                json!({"executableCode": {"language": "PYTHON", "code": "print('∑', 2 + 2)"}}),
            );
            steps
                .push(json!({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "∑ 4\n"}}));
        }
        if signs(self.model) {
            for step in &mut steps {
                step["thoughtSignature"] = json!(sign("", &Value::Null, &[step]));
            }
        }
        steps
    }

    /// The whole text.
    pub(super) fn text(&self) -> String {
        if self.answer.search.is_some() {
            format!("{} {}", self.answer.text, PAGE.2)
        } else {
            self.answer.text.clone()
        }
    }

    /// The signature of the text, where the model gives one.
    pub(super) fn text_signature(&self) -> Option<String> {
        (signs(self.model) && self.answer.thinking.is_some())
            .then(|| sign("text", &json!(self.text()), &[]))
    }

    /// The calls, the first one with the signature.
    pub(super) fn calls(&self) -> Vec<Value> {
        let steps = self.steps();
        let steps: Vec<_> = steps.iter().filter(|step| is_step(step)).collect();
        let calls = self.answer.calls.iter().enumerate().map(|(index, call)| {
            let args = match &call.input {
                Input::Json(input) => input.clone(),
                Input::Text(text) => json!({"input": text}),
            };
            let mut part = json!({"functionCall": {"name": call.name, "args": args}});
            if signs(self.model) {
                part["functionCall"]["id"] = json!(id("fc", self.bytes, index));
                if index == 0 {
                    part["thoughtSignature"] = json!(sign(&call.name, &args, &steps));
                }
            }
            part
        });
        calls.collect()
    }

    /// Why it ends.
    pub(super) fn reason(&self) -> &'static str {
        match self.answer.end {
            End::Done | End::Calls | End::Stop(_) => "STOP",
            End::Length => "MAX_TOKENS",
            End::Refusal => "SAFETY",
        }
    }

    /// What a candidate tells besides its parts: sources, pages read, why it was stopped.
    pub(super) fn about(&self, part_index: usize) -> Map<String, Value> {
        let mut about = Map::new();
        if self.answer.search.is_some() {
            about.insert("groundingMetadata".to_owned(), self.grounding(part_index));
        }
        if let Some(page) = self.page() {
            about.insert(
                "urlContextMetadata".to_owned(),
                json!({"urlMetadata": [{
                    "retrievedUrl": page, "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS",
                }]}),
            );
        }
        if self.answer.end == End::Refusal {
            about.insert("finishMessage".to_owned(), json!(REFUSAL));
            about.insert(
                "safetyRatings".to_owned(),
                json!([{"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": true}]),
            );
        }
        about
    }

    /// Sources with their places in bytes; what is zero is left out.
    fn grounding(&self, part_index: usize) -> Value {
        let (url, title, words) = PAGE;
        let (other_url, other_title) = OTHER_PAGE;
        let said = &self.answer.text;
        let mut first = json!({"endIndex": said.len(), "text": said});
        let mut second = json!({
            "startIndex": said.len() + 1, "endIndex": said.len() + 1 + words.len(), "text": words,
        });
        if part_index > 0 {
            first["partIndex"] = json!(part_index);
            second["partIndex"] = json!(part_index);
        }
        json!({
            "webSearchQueries": [self.answer.search],
            "searchEntryPoint": {"renderedContent": "<div>demo</div>"},
            "groundingChunks": [
                {"web": {"uri": url, "title": title}}, {"web": {"uri": other_url, "title": other_title}},
                {"retrievedContext": {"title": "A store", "text": "without an address"}},
            ],
            "groundingSupports": [
                {"segment": first, "groundingChunkIndices": [1], "confidenceScores": [0.8]},
                {"segment": second, "groundingChunkIndices": [0, 2], "confidenceScores": [0.9, 0.5]},
            ],
        })
    }

    /// Counts, with so much of the text given so far.
    pub(super) fn usage(&self, part: u64, of: u64) -> Value {
        let asked = (self.bytes.len() as u64).div_ceil(4);
        let thought = self.answer.thinking.as_deref().map_or(0, tokens);
        let calls: u64 = self
            .calls()
            .iter()
            .map(|call| tokens(&call.to_string()))
            .sum();
        let said = ((tokens(&self.text()) + calls).max(1) * part).div_ceil(of.max(1));
        let mut usage = json!({
            "promptTokenCount": asked, "candidatesTokenCount": said, "totalTokenCount": asked + said + thought,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": asked}],
        });
        if thought > 0 {
            usage["thoughtsTokenCount"] = json!(thought);
        }
        if is_repeated(&self.question.last_user) {
            usage["cachedContentTokenCount"] = json!(asked * 3 / 4);
        }
        if self.page().is_some() || self.computes() {
            usage["toolUsePromptTokenCount"] = json!(30);
            usage["totalTokenCount"] = json!(asked + said + thought + 30);
        }
        usage
    }

    /// What every answer and every piece of a stream has.
    pub(super) fn envelope(&self) -> Value {
        let id = id("", self.bytes, 0);
        json!({"responseId": id, "modelVersion": self.model})
    }

    /// The whole answer.
    pub(super) fn whole(&self) -> Value {
        let mut all = Vec::new();
        all.extend(
            self.thought()
                .map(|thought| json!({"text": thought, "thought": true})),
        );
        all.extend(self.steps());
        let text_at = all.len();
        let text = self.text();
        if !text.is_empty() {
            let mut part = json!({"text": text});
            if let Some(signature) = self
                .text_signature()
                .filter(|_| self.answer.calls.is_empty())
            {
                part["thoughtSignature"] = json!(signature);
            }
            all.push(part);
        }
        all.extend(self.calls());
        let mut candidate = json!({"finishReason": self.reason(), "index": 0});
        if !all.is_empty() {
            candidate["content"] = json!({"role": "model", "parts": all});
        }
        for (name, value) in self.about(text_at) {
            candidate[name] = value;
        }
        let count = get(self.body, "generationConfig")
            .and_then(|config| config.get("candidateCount")?.as_u64());
        let candidates = (0..count.unwrap_or(1)).map(|index| {
            let mut candidate = candidate.clone();
            candidate["index"] = json!(index);
            candidate
        });
        let mut answer = self.envelope();
        answer["candidates"] = candidates.collect();
        answer["usageMetadata"] = self.usage(1, 1);
        answer
    }
}
