//! Signatures of Gemini's calls: over the call and over the steps of its own tools that led to it.

use serde_json::Value;

use super::super::reply::digest;

/// What a client sends for calls of another model.
pub(crate) const SKIP: &str = "skip_thought_signature_validator";

/// Whether a model signs its calls, names them with ids, and has what else came with the third generation.
pub(crate) fn signs(model: &str) -> bool {
    let name = model.strip_prefix("models/").unwrap_or(model);
    !name.starts_with("gemini-1") && !name.starts_with("gemini-2")
}

/// The signature of a call: its arguments count by value.
pub(crate) fn sign(name: &str, arguments: &Value, steps: &[&Value]) -> String {
    let arguments = arguments.to_string();
    let call = [
        b"demo thought".as_slice(),
        name.as_bytes(),
        arguments.as_bytes(),
    ];
    let steps: Vec<_> = steps.iter().map(|step| unsigned(step)).collect();
    let sum = digest(call.into_iter().chain(steps.iter().map(String::as_bytes)));
    format!("CiQBdemo{sum:016x}+w==")
}

/// A step without what may be added to it.
fn unsigned(step: &Value) -> String {
    let mut step = step.clone();
    if let Some(step) = step.as_object_mut() {
        step.remove("thoughtSignature");
    }
    step.to_string()
}

/// Whether a part is a step of one of the model's own tools.
pub(crate) fn is_step(part: &Value) -> bool {
    [
        "toolCall",
        "toolResponse",
        "executableCode",
        "codeExecutionResult",
    ]
    .iter()
    .any(|name| part.get(name).is_some())
}
