//! Cache points: where they may stand, and what they make of the counts.

use serde_json::{Value, json};

use super::super::answer::is_repeated;
use super::super::aws::validation;
use super::super::check::{Check, Object, list};
use super::check::{blocks, kind};
use super::models::{Caching, Family};

/// The cache points in the order in which the prompt is read.
pub(super) fn points(body: &Object) -> Vec<&Value> {
    let tools = body
        .get("toolConfig")
        .and_then(|config| config["tools"].as_array());
    let messages = list(body, "messages").iter().flat_map(blocks);
    let all = tools
        .into_iter()
        .flatten()
        .chain(list(body, "system"))
        .chain(messages);
    all.filter_map(|block| block.get("cachePoint")).collect()
}

/// Refuses cache points that the service would.
pub(super) fn check(body: &Object, family: &Family) -> Check {
    let all = points(body);
    if all.is_empty() {
        return Ok(());
    }
    if family.caching == Caching::None {
        return Err(validation(
            "You invoked an unsupported model or your request did not allow prompt caching. See the documentation for more information.",
        ));
    }
    if all.len() > 4 {
        return Err(validation(format!(
            "The model returned the following errors: A maximum of 4 blocks with cache_control may be provided. Found {}.",
            all.len()
        )));
    }
    let tools = body
        .get("toolConfig")
        .and_then(|config| config["tools"].as_array());
    let tools = tools.map(Vec::as_slice).unwrap_or_default();
    if family.caching == Caching::NotInTools && tools.iter().any(|tool| kind(tool) == "cachePoint")
    {
        return Err(validation("Tool caching isn't supported for this model."));
    }
    place(tools, "toolConfig.tools")?;
    place(list(body, "system"), "system")?;
    for (index, message) in list(body, "messages").iter().enumerate() {
        place(blocks(message), &format!("messages.{index}.content"))?;
    }
    let mut has_short = false;
    for point in all {
        let ttl = point.get("ttl").and_then(Value::as_str);
        if ttl.is_some() && family.caching != Caching::Everywhere {
            return Err(validation(
                "This model doesn't support the cachePoint.ttl field.",
            ));
        }
        let is_long = ttl == Some("1h");
        if is_long && has_short {
            return Err(validation(
                "The model returned the following errors: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block",
            ));
        }
        has_short |= !is_long;
    }
    Ok(())
}

/// A point stands behind what it marks.
fn place(blocks: &[Value], at: &str) -> Check {
    let mut before = "";
    for (index, block) in blocks.iter().enumerate() {
        if kind(block) == "cachePoint" {
            match before {
                "" | "cachePoint" => {
                    return Err(validation(format!(
                        "The cachePoint at {at}.{index} has no content before it."
                    )));
                }
                "reasoningContent" => {
                    return Err(validation(
                        "The model returned the following errors: Cache point cannot be inserted after reasoning block.",
                    ));
                }
                _ => {}
            }
        }
        before = kind(block);
    }
    Ok(())
}

/// The counts of an answer: input, read from the cache and written to it are apart.
pub(super) fn usage(body: &Object, bytes: &[u8], last_user: &str, output: u64) -> Value {
    let points = points(body);
    let total = (bytes.len() as u64).div_ceil(4);
    let cached = if points.is_empty() { 0 } else { total * 3 / 4 };
    let (read, written) = if is_repeated(last_user) {
        (cached, 0)
    } else {
        (0, cached)
    };
    let mut usage = json!({
        "inputTokens": total - cached, "outputTokens": output, "totalTokens": total + output,
    });
    if cached > 0 {
        usage["cacheReadInputTokens"] = json!(read);
        usage["cacheWriteInputTokens"] = json!(written);
    }
    if written > 0 {
        let is_long = |point: &&&Value| point["ttl"] == "1h";
        let longs = points.iter().filter(is_long).count();
        let long = match longs {
            0 => 0,
            count if count == points.len() => written,
            _ => written / 2,
        };
        // The longer time to live first, and none without tokens.
        let details = [("1h", long), ("5m", written - long)];
        let details = details.iter().filter(|(_, tokens)| *tokens > 0);
        usage["cacheDetails"] = details
            .map(|(ttl, tokens)| json!({"ttl": ttl, "inputTokens": tokens}))
            .collect();
    }
    usage
}
