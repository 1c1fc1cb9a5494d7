//! Events of every provider's streams, of which a few bytes choose one each: what providers send, in any order, and what none does.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use tower_llm_gateway::codec::event_stream::{encode_error, encode_event, encode_exception};

/// The vocabulary of a provider's stream and what carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Chat,
    Responses,
    Messages,
    Gemini,
    Converse,
    /// Events of Messages in InvokeModel's chunks.
    Invoke,
}

/// In these `$I` is a small number, `$T` the inside of a string, `$N` a tool's name, `$A` a part of JSON in a string, and `$R` a
/// reason to stop. A name that begins with `!` is an exception's, with `?` an error's code; `data` says nothing of names.
type Table = &'static [(&'static str, &'static str)];

const CHAT: Table = &[
    (
        "",
        r#"{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"$T"},"finish_reason":null}]}"#,
    ),
    (
        "",
        r#"{"id":"c1","created":1,"choices":[{"index":0,"delta":{"content":"$T","extra_content":{"google":{"thought":true}}}}]}"#,
    ),
    (
        "",
        r#"{"id":"c1","created":1,"choices":[{"index":0,"delta":{"content":"<thought>$T</thought>"}}]}"#,
    ),
    (
        "",
        r#"{"id":"c1","choices":[{"index":0,"delta":{"content":"$T<think>"}}]}"#,
    ),
    (
        "",
        r#"{"choices":[{"delta":{"content":"</thi"}},{"index":1,"delta":{"content":"other"}}]}"#,
    ),
    (
        "",
        r#"{"choices":[{"index":0,"delta":{"reasoning":"$T"}}]}"#,
    ),
    (
        "",
        r#"{"choices":[{"index":0,"delta":{"reasoning_content":"$T","reasoning_details":[{"type":"reasoning.text","text":"$T","signature":"s"}]}}]}"#,
    ),
    ("", r#"{"choices":[{"index":0,"delta":{"refusal":"$T"}}]}"#),
    (
        "",
        r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":$I,"id":"call_$I","type":"function","function":{"name":"$N","arguments":"$A"}}]}}]}"#,
    ),
    (
        "",
        r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":$I,"function":{"arguments":"$A"}}]}}]}"#,
    ),
    (
        "",
        r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"id":"$T","function":{"name":null,"arguments":"$A"},"extra_content":{"google":{"thought_signature":"s"}}},{"index":"x"}]}}]}"#,
    ),
    (
        "",
        r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":$I,"id":"call_$I","type":"custom","custom":{"name":"$N","input":"$T"}}]}}]}"#,
    ),
    (
        "",
        r#"{"choices":[{"index":0,"delta":{"function_call":{"name":"$N","arguments":"$A"}}}]}"#,
    ),
    (
        "",
        r#"{"choices":[{"index":0,"delta":{"content":"[1]","annotations":[{"type":"url_citation","url_citation":{"url":"u$I","title":"$T"}}]}}],"citations":["u1","u2"],"search_results":[{"url":"u1","title":"t"}]}"#,
    ),
    (
        "",
        r#"{"choices":[{"index":0,"delta":{"executed_tools":[{"index":$I,"type":"search","arguments":"{\"query\":\"q\"}","output":"$T"}]}}]}"#,
    ),
    (
        "",
        r#"{"choices":[{"index":0,"delta":{},"finish_reason":"$R"}]}"#,
    ),
    (
        "",
        r#"{"choices":[{"index":0,"delta":{"content":"$T"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":$I,"total_tokens":9}}"#,
    ),
    (
        "",
        r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":$I}},"x_groq":{"usage":{"prompt_tokens":5}}}"#,
    ),
    (
        "",
        r#"{"error":{"message":"$T","type":"server_error","code":$I}}"#,
    ),
    ("", "[DONE]"),
    ("", r#"{"choices":[null,3,{}]}"#),
    ("", r#"{"choices":"#),
    ("odd", "null"),
];

const RESPONSES: Table = &[
    (
        "response.created",
        r#"{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","status":"in_progress","model":"m","output":[]}}"#,
    ),
    (
        "response.in_progress",
        r#"{"type":"response.in_progress","response":{}}"#,
    ),
    (
        "response.output_item.added",
        r#"{"type":"response.output_item.added","output_index":$I,"item":{"type":"message","id":"msg_$I","role":"assistant","status":"in_progress","content":[]}}"#,
    ),
    (
        "response.output_item.added",
        r#"{"type":"response.output_item.added","output_index":$I,"item":{"type":"reasoning","id":"rs_$I","summary":[]}}"#,
    ),
    (
        "response.output_item.added",
        r#"{"type":"response.output_item.added","output_index":$I,"item":{"type":"function_call","id":"fc_$I","call_id":"call_$I","name":"$N","arguments":""}}"#,
    ),
    (
        "response.output_item.added",
        r#"{"type":"response.output_item.added","output_index":$I,"item":{"type":"custom_tool_call","id":"ct_$I","call_id":"call_$I","name":"$N","input":""}}"#,
    ),
    (
        "response.output_item.added",
        r#"{"type":"response.output_item.added","output_index":$I,"item":{"type":"web_search_call","id":"ws_$I","status":"in_progress"}}"#,
    ),
    (
        "response.output_item.added",
        r#"{"type":"response.output_item.added","output_index":$I,"item":{"type":"new_thing"}}"#,
    ),
    (
        "response.content_part.added",
        r#"{"type":"response.content_part.added","output_index":$I,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}"#,
    ),
    (
        "response.output_text.delta",
        r#"{"type":"response.output_text.delta","output_index":$I,"content_index":0,"delta":"$T"}"#,
    ),
    (
        "response.output_text.done",
        r#"{"type":"response.output_text.done","output_index":$I,"content_index":0,"text":"$T"}"#,
    ),
    (
        "response.output_text.annotation.added",
        r#"{"type":"response.output_text.annotation.added","output_index":$I,"content_index":0,"annotation":{"type":"url_citation","url":"u","title":"t","start_index":0,"end_index":2}}"#,
    ),
    (
        "response.refusal.delta",
        r#"{"type":"response.refusal.delta","output_index":$I,"content_index":1,"delta":"$T"}"#,
    ),
    (
        "response.content_part.done",
        r#"{"type":"response.content_part.done","output_index":$I,"content_index":0,"part":{"type":"output_text","text":"$T"}}"#,
    ),
    (
        "response.reasoning_summary_part.added",
        r#"{"type":"response.reasoning_summary_part.added","output_index":$I,"summary_index":1,"part":{"type":"summary_text","text":""}}"#,
    ),
    (
        "response.reasoning_summary_text.delta",
        r#"{"type":"response.reasoning_summary_text.delta","output_index":$I,"summary_index":0,"delta":"$T"}"#,
    ),
    (
        "response.reasoning_text.delta",
        r#"{"type":"response.reasoning_text.delta","output_index":$I,"content_index":0,"delta":"$T"}"#,
    ),
    (
        "response.function_call_arguments.delta",
        r#"{"type":"response.function_call_arguments.delta","output_index":$I,"delta":"$A"}"#,
    ),
    (
        "response.function_call_arguments.done",
        r#"{"type":"response.function_call_arguments.done","output_index":$I,"arguments":"{}"}"#,
    ),
    (
        "response.custom_tool_call_input.delta",
        r#"{"type":"response.custom_tool_call_input.delta","output_index":$I,"delta":"$T"}"#,
    ),
    (
        "response.web_search_call.completed",
        r#"{"type":"response.web_search_call.completed","output_index":$I}"#,
    ),
    (
        "response.output_item.done",
        r#"{"type":"response.output_item.done","output_index":$I,"item":{"type":"message","id":"msg_$I","content":[{"type":"output_text","text":"$T","annotations":[]},{"type":"refusal","refusal":"no"}]}}"#,
    ),
    (
        "response.output_item.done",
        r#"{"type":"response.output_item.done","output_index":$I,"item":{"type":"reasoning","id":"rs_$I","summary":[{"type":"summary_text","text":"$T"}],"encrypted_content":"enc"}}"#,
    ),
    (
        "response.output_item.done",
        r#"{"type":"response.output_item.done","output_index":$I,"item":{"type":"function_call","call_id":"call_$I","name":"$N","arguments":"$A"}}"#,
    ),
    (
        "response.output_item.done",
        r#"{"type":"response.output_item.done","output_index":$I,"item":{"type":"web_search_call","id":"ws_$I","action":{"type":"search","query":"q","sources":[{"url":"u"}]}}}"#,
    ),
    (
        "response.output_item.done",
        r#"{"type":"response.output_item.done","output_index":$I,"item":{"type":"mcp_call","id":"mc","server_label":"s","name":"$N","arguments":"{}","output":"$T"}}"#,
    ),
    (
        "response.completed",
        r#"{"type":"response.completed","response":{"id":"resp_1","object":"response","status":"completed","model":"m","output":[],"usage":{"input_tokens":1,"output_tokens":2,"total_tokens":3}}}"#,
    ),
    (
        "response.incomplete",
        r#"{"type":"response.incomplete","response":{"id":"resp_1","status":"incomplete","incomplete_details":{"reason":"$R"},"output":[{"type":"message","content":[{"type":"output_text","text":"$T"}]}]}}"#,
    ),
    (
        "response.failed",
        r#"{"type":"response.failed","response":{"id":"resp_1","status":"failed","error":{"code":"server_error","message":"$T"}}}"#,
    ),
    (
        "error",
        r#"{"type":"error","code":"server_is_overloaded","message":"$T","param":null}"#,
    ),
    ("keepalive", r#"{"type":"keepalive"}"#),
    (
        "response.new",
        r#"{"type":"response.new","output_index":"x"}"#,
    ),
    ("", "[DONE]"),
    ("response.output_text.delta", "{"),
];

const MESSAGES: Table = &[
    (
        "message_start",
        r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":3,"cache_read_input_tokens":2,"output_tokens":1}}}"#,
    ),
    (
        "content_block_start",
        r#"{"type":"content_block_start","index":$I,"content_block":{"type":"text","text":"$T"}}"#,
    ),
    (
        "content_block_start",
        r#"{"type":"content_block_start","index":$I,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
    ),
    (
        "content_block_start",
        r#"{"type":"content_block_start","index":$I,"content_block":{"type":"tool_use","id":"toolu_$I","name":"$N","input":{}}}"#,
    ),
    (
        "content_block_start",
        r#"{"type":"content_block_start","index":$I,"content_block":{"type":"redacted_thinking","data":"Eq"}}"#,
    ),
    (
        "content_block_start",
        r#"{"type":"content_block_start","index":$I,"content_block":{"type":"server_tool_use","id":"srvtoolu_$I","name":"web_search","input":{}}}"#,
    ),
    (
        "content_block_start",
        r#"{"type":"content_block_start","index":$I,"content_block":{"type":"web_search_tool_result","tool_use_id":"srvtoolu_0","content":[{"type":"web_search_result","url":"https://a.test","title":"A","encrypted_content":"E"}]}}"#,
    ),
    (
        "content_block_start",
        r#"{"type":"content_block_start","index":$I,"content_block":{"type":"web_fetch_tool_result","tool_use_id":"srvtoolu_$I","content":{"type":"x_error"}}}"#,
    ),
    (
        "content_block_start",
        r#"{"type":"content_block_start","index":$I,"content_block":7}"#,
    ),
    (
        "content_block_delta",
        r#"{"type":"content_block_delta","index":$I,"delta":{"type":"text_delta","text":"$T"}}"#,
    ),
    (
        "content_block_delta",
        r#"{"type":"content_block_delta","index":$I,"delta":{"type":"thinking_delta","thinking":"$T"}}"#,
    ),
    (
        "content_block_delta",
        r#"{"type":"content_block_delta","index":$I,"delta":{"type":"signature_delta","signature":"Eq"}}"#,
    ),
    (
        "content_block_delta",
        r#"{"type":"content_block_delta","index":$I,"delta":{"type":"input_json_delta","partial_json":"$A"}}"#,
    ),
    (
        "content_block_delta",
        r#"{"type":"content_block_delta","index":$I,"delta":{"type":"citations_delta","citation":{"type":"web_search_result_location","url":"https://a.test","title":"A","cited_text":"a","encrypted_index":"E"}}}"#,
    ),
    (
        "content_block_delta",
        r#"{"type":"content_block_delta","index":$I,"delta":{"type":"future_delta"}}"#,
    ),
    (
        "content_block_delta",
        r#"{"type":"content_block_delta","index":$I,"delta":null}"#,
    ),
    (
        "content_block_stop",
        r#"{"type":"content_block_stop","index":$I}"#,
    ),
    (
        "message_delta",
        r#"{"type":"message_delta","delta":{"stop_reason":"$R","stop_sequence":null},"usage":{"output_tokens":$I}}"#,
    ),
    (
        "message_delta",
        r#"{"type":"message_delta","delta":{"stop_reason":null},"usage":null}"#,
    ),
    ("message_stop", r#"{"type":"message_stop"}"#),
    (
        "message_stop",
        r#"{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":$I,"outputTokenCount":2}}"#,
    ),
    ("ping", r#"{"type":"ping"}"#),
    (
        "error",
        r#"{"type":"error","error":{"type":"overloaded_error","message":"$T"}}"#,
    ),
    ("future_event", r#"{"type":"future_event"}"#),
    ("message_start", r#"{"type":7}"#),
    ("message_start", "{"),
    ("!throttlingException", r#"{"message":"$T"}"#),
    ("?code", "$T"),
];

const GEMINI: Table = &[
    (
        "",
        r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"$T"}]},"index":0}],"modelVersion":"m","responseId":"r1"}"#,
    ),
    (
        "",
        r#"{"candidates":[{"content":{"parts":[{"text":"$T","thought":true}]}}]}"#,
    ),
    (
        "",
        r#"{"candidates":[{"content":{"parts":[{"text":"","thoughtSignature":"c2ln"}]}}]}"#,
    ),
    (
        "",
        r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"$N","args":{"a":$I}}},{"text":"$T"}]}}]}"#,
    ),
    (
        "",
        r#"{"candidates":[{"content":{"parts":[{"functionCall":{"id":"odd id","name":"$N","args":[1]},"thoughtSignature":"c2ln"}]}}]}"#,
    ),
    (
        "",
        r#"{"candidates":[{"content":{"parts":[{"functionCall":{"args":{}}},{"inlineData":{"mimeType":"image/png","data":"AA"}}]}}]}"#,
    ),
    (
        "",
        r#"{"candidates":[{"content":{"parts":[{"executableCode":{"language":"PYTHON","code":"$T"}}]}}]}"#,
    ),
    (
        "",
        r#"{"candidates":[{"content":{"parts":[{"codeExecutionResult":{"outcome":"OUTCOME_FAILED","output":"$T"}}]}}]}"#,
    ),
    (
        "",
        r#"{"candidates":[{"content":{"parts":[{"toolCall":{"id":"t"},"thoughtSignature":"c2ln"},{"text":7}]}}]}"#,
    ),
    (
        "",
        r#"{"candidates":[{"content":{"parts":[{"text":"$T"}]},"groundingMetadata":{"groundingChunks":[{"web":{"uri":"u","title":"$T"}},3],"webSearchQueries":["q","r"],"groundingSupports":[{"segment":{"startIndex":1,"endIndex":$I},"groundingChunkIndices":[0,7]},7]}}]}"#,
    ),
    (
        "",
        r#"{"candidates":[{"urlContextMetadata":{"urlMetadata":[{"retrievedUrl":"u"},3]}}]}"#,
    ),
    (
        "",
        r#"{"candidates":[{"content":{"parts":[{"text":"$T"}]},"finishReason":"$R"}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":$I,"totalTokenCount":9,"thoughtsTokenCount":2,"cachedContentTokenCount":1}}"#,
    ),
    (
        "",
        r#"{"candidates":[{"finishReason":"$R","finishMessage":"$T"}]}"#,
    ),
    ("", r#"{"usageMetadata":{"promptTokenCount":"x"}}"#),
    ("", r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#),
    (
        "",
        r#"{"candidates":[{"index":1,"content":{"parts":[{"text":"other"}]}},3]}"#,
    ),
    (
        "",
        r#"{"error":{"code":429,"message":"$T","status":"RESOURCE_EXHAUSTED"}}"#,
    ),
    ("", r#"[{"error":{"code":503,"message":"$T"}}]"#),
    ("", r#"{"candidates":3}"#),
    ("", "{}"),
    ("", "{"),
    ("", "[DONE]"),
];

const CONVERSE: Table = &[
    ("messageStart", r#"{"role":"assistant","p":"ab"}"#),
    (
        "contentBlockDelta",
        r#"{"contentBlockIndex":$I,"delta":{"text":"$T"},"p":"a"}"#,
    ),
    (
        "contentBlockDelta",
        r#"{"contentBlockIndex":$I,"delta":{"reasoningContent":{"text":"$T"}}}"#,
    ),
    (
        "contentBlockDelta",
        r#"{"contentBlockIndex":$I,"delta":{"reasoningContent":{"signature":"Eq\"B$T"}}}"#,
    ),
    (
        "contentBlockDelta",
        r#"{"contentBlockIndex":$I,"delta":{"reasoningContent":{"redactedContent":"cnNu"}}}"#,
    ),
    (
        "contentBlockStart",
        r#"{"contentBlockIndex":$I,"start":{"toolUse":{"toolUseId":"t$I","name":"$N"}}}"#,
    ),
    (
        "contentBlockDelta",
        r#"{"contentBlockIndex":$I,"delta":{"toolUse":{"input":"$A"}}}"#,
    ),
    ("contentBlockStop", r#"{"contentBlockIndex":$I}"#),
    (
        "contentBlockDelta",
        r#"{"contentBlockIndex":$I,"delta":{"citation":{"title":"$T","location":{"web":{"url":"https://a"}}}}}"#,
    ),
    (
        "contentBlockDelta",
        r#"{"contentBlockIndex":$I,"delta":{"image":{}}}"#,
    ),
    ("contentBlockStart", r#"{"start":{"toolResult":{}}}"#),
    (
        "contentBlockStart",
        r#"{"contentBlockIndex":$I,"start":{"toolUse":[]}}"#,
    ),
    ("contentBlockDelta", "5"),
    (
        "messageStop",
        r#"{"stopReason":"$R","additionalModelResponseFields":{"stop_sequence":"$T"}}"#,
    ),
    (
        "metadata",
        r#"{"usage":{"inputTokens":3,"outputTokens":$I,"totalTokens":9,"cacheReadInputTokens":1},"metrics":{"latencyMs":5},"trace":{"guardrail":{}}}"#,
    ),
    ("new", "{}"),
    ("throttlingException", r#"{"message":"$T"}"#),
    ("!throttlingException", r#"{"message":"$T"}"#),
    (
        "!modelStreamErrorException",
        r#"{"message":"m","originalStatusCode":529,"originalMessage":"$T"}"#,
    ),
    ("!validationException", "nothing"),
    ("?code", "$T"),
];

const TEXTS: [&str; 10] = [
    "",
    "a",
    "{",
    "{\\\"q\\\":",
    "1}",
    "\\u00e9\\n",
    "\\\"",
    "\\ud83d\\ude00",
    "\\ud83d",
    "\\n\\n",
];
const NAMES: [&str; 4] = ["get_weather", "run_sql", "unknown", ""];
const ARGUMENTS: [&str; 9] = [
    "",
    "{",
    "}",
    "{}",
    "null",
    "{\\\"a\\\":[1]}",
    "]",
    "{\\\"input\\\":\\\"",
    "x\\\"}",
];
const REASONS: [&str; 16] = [
    "stop",
    "end_turn",
    "STOP",
    "tool_use",
    "tool_calls",
    "max_tokens",
    "length",
    "MAX_TOKENS",
    "content_filter",
    "SAFETY",
    "refusal",
    "pause_turn",
    "stop_sequence",
    "malformed_tool_use",
    "new",
    "",
];

/// The event that these bytes choose: its name and its data.
fn event(dialect: Dialect, [kind, index, value]: [u8; 3]) -> (&'static str, String) {
    let table = match dialect {
        Dialect::Chat => CHAT,
        Dialect::Responses => RESPONSES,
        Dialect::Messages | Dialect::Invoke => MESSAGES,
        Dialect::Gemini => GEMINI,
        Dialect::Converse => CONVERSE,
    };
    let pick = |values: &[&'static str]| values[usize::from(value) % values.len()];
    let (name, template) = table[usize::from(kind) % table.len()];
    let mut data = String::with_capacity(template.len() + 16);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        data.push_str(before);
        match after.as_bytes()[0] {
            b'I' => data.push(char::from(b'0' + index % 4)),
            b'T' => data.push_str(pick(&TEXTS)),
            b'N' => data.push_str(pick(&NAMES)),
            b'A' => data.push_str(pick(&ARGUMENTS)),
            _ => data.push_str(pick(&REASONS)),
        }
        rest = &after[1..];
    }
    data.push_str(rest);
    (name, data)
}

/// Appends an event in the dialect's framing.
fn write(dialect: Dialect, name: &str, data: &[u8], out: &mut BytesMut) {
    match dialect {
        Dialect::Converse | Dialect::Invoke => {
            if let Some(name) = name.strip_prefix('!') {
                // Names that no header can hold are no names.
                let _ = encode_exception(name, data, out);
            } else if let Some(code) = name.strip_prefix('?') {
                let _ = encode_error(code, &String::from_utf8_lossy(data), out);
            } else if dialect == Dialect::Converse {
                let _ = encode_event(name, data, out);
            } else {
                let chunk = format!(r#"{{"bytes":"{}","p":"abc"}}"#, STANDARD.encode(data));
                encode_event("chunk", chunk.as_bytes(), out).unwrap();
            }
        }
        _ => {
            if !name.is_empty() {
                out.extend_from_slice(format!("event: {name}\n").as_bytes());
            }
            out.extend_from_slice(b"data: ");
            out.extend_from_slice(data);
            out.extend_from_slice(b"\n\n");
        }
    }
}

/// The stream of which three bytes each choose an event.
pub fn of_steps(dialect: Dialect, bytes: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    for step in bytes.as_chunks::<3>().0 {
        let (name, data) = event(dialect, *step);
        write(dialect, name, data.as_bytes(), &mut out);
    }
    out
}

/// Bytes as a stream: as they are where it is a text; else each line is an event, of a name, a blank and data, in sound frames,
/// as no mutation would make any.
pub fn of_bytes(dialect: Dialect, bytes: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    if !matches!(dialect, Dialect::Converse | Dialect::Invoke) {
        out.extend_from_slice(bytes);
        return out;
    }
    for line in bytes.split(|byte| *byte == b'\n') {
        let at = line.iter().position(|byte| *byte == b' ');
        let (name, data) = line.split_at(at.unwrap_or(line.len()));
        let name = String::from_utf8_lossy(name);
        write(dialect, &name, data.get(1..).unwrap_or_default(), &mut out);
    }
    out
}
