//! What the model says in the three formats, whole and as events.

use serde_json::{Value, json};

use super::{Stop, Turn, signature};

/// A text in small pieces, cut at character boundaries.
pub(super) fn pieces(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let pieces = characters.chunks(7).map(|piece| piece.iter().collect());
    pieces.collect()
}

impl Turn {
    pub(super) fn chat(&self) -> Value {
        let mut message = json!({"role":"assistant","content":self.text,"refusal":null});
        if self.stop == Stop::Refusal {
            message["content"] = Value::Null;
            message["refusal"] = json!("I refuse, I would rather not.");
        }
        if let Some(thinking) = &self.thinking {
            message["reasoning_content"] = json!(thinking);
            message["thinking_blocks"] =
                json!([{"type":"thinking","thinking":thinking,"signature":signature(thinking)}]);
        }
        if !self.calls.is_empty() {
            let calls = self.calls.iter().map(|call| {
                json!({"id":call.id,"type":"function",
                    "function":{"name":call.name,"arguments":call.arguments}})
            });
            message["tool_calls"] = calls.collect();
        }
        json!({"id":format!("chatcmpl-{}", self.id),"object":"chat.completion","created":1_795_353_600,
            "model":self.model,"usage":self.chat_usage(),
            "choices":[{"index":0,"logprobs":null,"finish_reason":self.finish(),"message":message}]})
    }

    /// Tokens of what was thought, a part of the five that every answer counts.
    fn thought(&self) -> u64 {
        if self.thinking.is_some() { 2 } else { 0 }
    }

    fn chat_usage(&self) -> Value {
        json!({"prompt_tokens":14,"completion_tokens":5,"total_tokens":19,
            "prompt_tokens_details":{"cached_tokens":3},
            "completion_tokens_details":{"reasoning_tokens":self.thought()}})
    }

    fn finish(&self) -> &'static str {
        match self.stop {
            Stop::End | Stop::Refusal => "stop",
            Stop::Tools => "tool_calls",
            Stop::Length => "length",
        }
    }

    pub(super) fn chat_events(&self, include_usage: bool) -> Vec<String> {
        let chunk = |choices: Value, usage: Value| {
            let chunk = json!({"id":format!("chatcmpl-{}", self.id),"object":"chat.completion.chunk",
                "created":1_795_353_600,"model":self.model,"choices":choices,"usage":usage});
            format!("data: {chunk}\n\n")
        };
        let delta = |delta: Value, finish: Value| {
            let choice = json!({"index":0,"delta":delta,"logprobs":null,"finish_reason":finish});
            chunk(json!([choice]), Value::Null)
        };
        let mut events = vec![delta(json!({"role":"assistant","content":""}), Value::Null)];
        if let Some(thinking) = &self.thinking {
            for piece in pieces(thinking) {
                events.push(delta(json!({"reasoning_content":piece}), Value::Null));
            }
            let block = json!({"index":0,"type":"thinking","thinking":thinking,
                "signature":signature(thinking)});
            events.push(delta(json!({"thinking_blocks":[block]}), Value::Null));
        }
        for piece in pieces(&self.text) {
            events.push(delta(json!({"content":piece}), Value::Null));
        }
        if self.stop == Stop::Refusal {
            events.push(delta(
                json!({"refusal":"I refuse, I would rather not."}),
                Value::Null,
            ));
        }
        for (index, call) in self.calls.iter().enumerate() {
            let start = json!({"index":index,"id":call.id,"type":"function",
                "function":{"name":call.name,"arguments":""}});
            events.push(delta(json!({"tool_calls":[start]}), Value::Null));
            for piece in pieces(&call.arguments) {
                let more = json!({"index":index,"function":{"arguments":piece}});
                events.push(delta(json!({"tool_calls":[more]}), Value::Null));
            }
        }
        events.push(delta(json!({}), json!(self.finish())));
        if include_usage {
            events.push(chunk(json!([]), self.chat_usage()));
        }
        events.push("data: [DONE]\n\n".to_owned());
        events
    }

    pub(super) fn messages(&self) -> Value {
        let mut content = Vec::new();
        if let Some(thinking) = &self.thinking {
            content.push(
                json!({"type":"thinking","thinking":thinking,"signature":signature(thinking)}),
            );
        }
        if !self.text.is_empty() {
            content.push(json!({"type":"text","text":self.text}));
        }
        for call in &self.calls {
            let input: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
            content.push(json!({"type":"tool_use","id":call.id,"name":call.name,"input":input}));
        }
        json!({"id":format!("msg_{}", self.id),"type":"message","role":"assistant","model":self.model,
            "content":content,"stop_reason":self.stop_reason(),"stop_sequence":null,
            "stop_details":self.stop_details(),
            "usage":{"input_tokens":11,"cache_creation_input_tokens":0,"cache_read_input_tokens":3,
                "output_tokens":5,"output_tokens_details":{"thinking_tokens":self.thought()},
                "service_tier":"standard"}})
    }

    fn stop_reason(&self) -> &'static str {
        match self.stop {
            Stop::End => "end_turn",
            Stop::Tools => "tool_use",
            Stop::Length => "max_tokens",
            Stop::Refusal => "refusal",
        }
    }

    fn stop_details(&self) -> Value {
        if self.stop == Stop::Refusal {
            json!({"type":"refusal","category":null,"explanation":"I refuse, I would rather not."})
        } else {
            Value::Null
        }
    }

    pub(super) fn messages_events(&self) -> Vec<String> {
        let event = |data: Value| {
            let name = data["type"].as_str().unwrap_or_default();
            format!("event: {name}\ndata: {data}\n\n")
        };
        let mut message = self.messages();
        message["content"] = json!([]);
        message["stop_reason"] = Value::Null;
        message["stop_details"] = Value::Null;
        let mut events = vec![
            event(json!({"type":"message_start","message":message})),
            event(json!({"type":"ping"})),
        ];
        let mut index = 0;
        let mut block = |start: Value, deltas: Vec<Value>| {
            events.push(event(
                json!({"type":"content_block_start","index":index,"content_block":start}),
            ));
            for delta in deltas {
                events.push(event(
                    json!({"type":"content_block_delta","index":index,"delta":delta}),
                ));
            }
            events.push(event(json!({"type":"content_block_stop","index":index})));
            index += 1;
        };
        if let Some(thinking) = &self.thinking {
            let mut deltas: Vec<Value> = (pieces(thinking).into_iter())
                .map(|piece| json!({"type":"thinking_delta","thinking":piece}))
                .collect();
            deltas.push(json!({"type":"signature_delta","signature":signature(thinking)}));
            block(
                json!({"type":"thinking","thinking":"","signature":""}),
                deltas,
            );
        }
        if !self.text.is_empty() {
            let deltas = pieces(&self.text).into_iter();
            let deltas = deltas.map(|piece| json!({"type":"text_delta","text":piece}));
            block(json!({"type":"text","text":""}), deltas.collect());
        }
        for call in &self.calls {
            let deltas = pieces(&call.arguments).into_iter();
            let deltas =
                deltas.map(|piece| json!({"type":"input_json_delta","partial_json":piece}));
            block(
                json!({"type":"tool_use","id":call.id,"name":call.name,"input":{}}),
                deltas.collect(),
            );
        }
        events.push(event(json!({"type":"message_delta",
            "delta":{"stop_reason":self.stop_reason(),"stop_sequence":null,"stop_details":self.stop_details()},
            "usage":{"output_tokens":5,"output_tokens_details":{"thinking_tokens":self.thought()}}})));
        events.push(event(json!({"type":"message_stop"})));
        events
    }

    fn output(&self) -> Vec<Value> {
        let content = if self.stop == Stop::Refusal {
            json!({"type":"refusal","refusal":"I refuse, I would rather not."})
        } else {
            json!({"type":"output_text","text":self.text,"annotations":[],"logprobs":[]})
        };
        let mut output = Vec::new();
        if let Some(thinking) = &self.thinking {
            output.push(json!({"type":"reasoning","id":format!("rs_{}", self.id),
                "summary":[{"type":"summary_text","text":thinking}],
                "encrypted_content":signature(thinking)}));
        }
        let status = if self.stop == Stop::Length {
            "incomplete"
        } else {
            "completed"
        };
        output.push(
            json!({"type":"message","id":format!("msg_{}", self.id),"role":"assistant",
            "status":status,"content":[content]}),
        );
        for (index, call) in self.calls.iter().enumerate() {
            if call.custom {
                output.push(json!({"type":"custom_tool_call","id":format!("ctc_{}_{index}", self.id),
                    "call_id":call.id,"name":call.name,"input":call.arguments,"status":"completed"}));
                continue;
            }
            output.push(json!({"type":"function_call","id":format!("fc_{}_{index}", self.id),
                "call_id":call.id,"name":call.name,"arguments":call.arguments,"status":"completed"}));
        }
        output
    }

    pub(super) fn responses(&self, body: &Value) -> Value {
        let (status, details) = if self.stop == Stop::Length {
            ("incomplete", json!({"reason":"max_output_tokens"}))
        } else {
            ("completed", Value::Null)
        };
        let metadata = body.get("metadata").cloned().unwrap_or_else(|| json!({}));
        json!({"id":format!("resp_{}", self.id),"object":"response","created_at":1_795_353_600,
            "model":self.model,"status":status,"incomplete_details":details,"error":null,
            "instructions":body["instructions"],"metadata":metadata,"output":self.output(),"parallel_tool_calls":true,
            "tool_choice":"auto","tools":[],
            "usage":{"input_tokens":11,"input_tokens_details":{"cached_tokens":3},
                "output_tokens":5,"output_tokens_details":{"reasoning_tokens":self.thought()},"total_tokens":16}})
    }

    pub(super) fn responses_events(&self, body: &Value) -> Vec<String> {
        let mut number = 0;
        let mut events = Vec::new();
        let mut event = |mut data: Value| {
            data["sequence_number"] = json!(number);
            number += 1;
            let name = data["type"].as_str().unwrap_or_default();
            events.push(format!("event: {name}\ndata: {data}\n\n"));
        };
        let whole = self.responses(body);
        let mut started = whole.clone();
        started["status"] = json!("in_progress");
        started["output"] = json!([]);
        started["usage"] = Value::Null;
        started["incomplete_details"] = Value::Null;
        event(json!({"type":"response.created","response":started}));
        event(json!({"type":"response.in_progress","response":started}));
        for (index, item) in self.output().into_iter().enumerate() {
            let id = item["id"].clone();
            let mut begun = item.clone();
            begun["status"] = json!("in_progress");
            if item["type"] == "reasoning" {
                begun["summary"] = json!([]);
                event(
                    json!({"type":"response.output_item.added","output_index":index,"item":begun}),
                );
                let part = &item["summary"][0];
                let text = part["text"].as_str().unwrap_or_default();
                event(
                    json!({"type":"response.reasoning_summary_part.added","item_id":id,
                    "output_index":index,"summary_index":0,"part":{"type":"summary_text","text":""}}),
                );
                for piece in pieces(text) {
                    event(
                        json!({"type":"response.reasoning_summary_text.delta","item_id":id,
                        "output_index":index,"summary_index":0,"delta":piece}),
                    );
                }
                event(
                    json!({"type":"response.reasoning_summary_text.done","item_id":id,
                    "output_index":index,"summary_index":0,"text":text}),
                );
                event(
                    json!({"type":"response.reasoning_summary_part.done","item_id":id,
                    "output_index":index,"summary_index":0,"part":part}),
                );
            } else if item["type"] == "custom_tool_call" {
                begun["input"] = json!("");
                event(
                    json!({"type":"response.output_item.added","output_index":index,"item":begun}),
                );
                let input = item["input"].as_str().unwrap_or_default();
                for piece in pieces(input) {
                    event(
                        json!({"type":"response.custom_tool_call_input.delta","item_id":id,
                        "output_index":index,"delta":piece}),
                    );
                }
                event(
                    json!({"type":"response.custom_tool_call_input.done","item_id":id,
                    "output_index":index,"input":input}),
                );
            } else if item["type"] == "function_call" {
                begun["arguments"] = json!("");
                event(
                    json!({"type":"response.output_item.added","output_index":index,"item":begun}),
                );
                let arguments = item["arguments"].as_str().unwrap_or_default();
                for piece in pieces(arguments) {
                    event(
                        json!({"type":"response.function_call_arguments.delta","item_id":id,
                        "output_index":index,"delta":piece}),
                    );
                }
                event(
                    json!({"type":"response.function_call_arguments.done","item_id":id,
                    "output_index":index,"name":item["name"],"arguments":arguments}),
                );
            } else {
                begun["content"] = json!([]);
                event(
                    json!({"type":"response.output_item.added","output_index":index,"item":begun}),
                );
                let part = &item["content"][0];
                let mut empty = part.clone();
                let (key, kind) = if part["type"] == "refusal" {
                    ("refusal", "response.refusal")
                } else {
                    ("text", "response.output_text")
                };
                empty[key] = json!("");
                event(json!({"type":"response.content_part.added","item_id":id,
                    "output_index":index,"content_index":0,"part":empty}));
                let text = part[key].as_str().unwrap_or_default();
                for piece in pieces(text) {
                    event(
                        json!({"type":format!("{kind}.delta"),"item_id":id,"output_index":index,
                        "content_index":0,"delta":piece,"logprobs":[]}),
                    );
                }
                event(
                    json!({"type":format!("{kind}.done"),"item_id":id,"output_index":index,
                    "content_index":0,key:text,"logprobs":[]}),
                );
                event(json!({"type":"response.content_part.done","item_id":id,
                    "output_index":index,"content_index":0,"part":part}));
            }
            event(json!({"type":"response.output_item.done","output_index":index,"item":item}));
        }
        let last = if self.stop == Stop::Length {
            "response.incomplete"
        } else {
            "response.completed"
        };
        event(json!({"type":last,"response":whole}));
        events
    }
}
