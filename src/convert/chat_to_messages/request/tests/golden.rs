//! The golden cases' request side.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Case;
use crate::format::walk::{Node, Parts};
use crate::provider::Provider;

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/chat_to_messages");
    let mut cases: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    cases
}

fn json(case: &Path, name: &str) -> Option<Value> {
    let text = fs::read_to_string(case.join(name)).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

#[test]
fn every_case() {
    let (mut bodies, mut refusals) = (0, 0);
    for folder in cases() {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let Ok(request) = fs::read_to_string(folder.join("client_request.json")) else {
            continue;
        };
        let settings = json(&folder, "case.json").unwrap();
        let client: Value = serde_json::from_str(&request).unwrap();
        let model = settings["upstream_model"]
            .as_str()
            .or(client["model"].as_str())
            .unwrap();
        let provider: Provider = settings["provider"].as_str().unwrap().parse().unwrap();
        let case = Case {
            model: model.to_owned().leak(),
            provider,
            lossy: settings["config"]["lossy"] == "drop",
            ..Case::default()
        };
        let result = case.try_run_text(&request);
        if settings["upstream_status"].is_null() {
            let refusal = result.expect_err(&name);
            let error = json(&folder, "client_error.json").unwrap();
            assert_eq!(
                refusal.param,
                error["body"]["error"]["param"].as_str().unwrap(),
                "{name}"
            );
            refusals += 1;
            continue;
        }
        let done = result.unwrap_or_else(|refusal| panic!("{name}: {refusal:?}"));
        if let Ok(expected) = fs::read_to_string(folder.join("upstream_request.json")) {
            let (have, want) = (Node::parse(&done.text), Node::parse(&expected));
            same(&have, &want, false)
                .unwrap_or_else(|at| panic!("{name}{at}\nhave {}\nwant {expected}", done.text));
            bodies += 1;
        }
        let headers = json(&folder, "upstream_request.headers.json");
        for (header, value) in headers.iter().flat_map(|h| h.as_object().unwrap()) {
            if header.starts_with("anthropic-") {
                assert_eq!(done.header(header), value.as_str(), "{name}");
            }
        }
        if let Some(report) = json(&folder, "report.json") {
            for field in report["dropped"].as_array().unwrap() {
                done.dropped(field.as_str().unwrap());
            }
            for field in report["approximated"].as_array().unwrap() {
                done.approximated(field.as_str().unwrap());
            }
        }
    }
    assert!(
        bodies >= 6 && refusals >= 1,
        "{bodies} bodies, {refusals} refusals"
    );
}

/// Equal by value; the order of members counts inside tool inputs and schemas only.
fn same(have: &Node<'_>, want: &Node<'_>, ordered: bool) -> Result<(), String> {
    match (&have.parts, &want.parts) {
        (Parts::Object(a), Parts::Object(b)) => {
            if a.len() != b.len() {
                return Err(format!(": {} members, not {}", a.len(), b.len()));
            }
            for (at, (key, value)) in b.iter().enumerate() {
                let key = key.decode();
                let ordered = ordered || matches!(&*key, "input" | "input_schema" | "schema");
                if ordered && matches!(a.get(at), Some((other, _)) if !other.is(&key)) {
                    // The order inside counts, that of the keys `input` and `schema` themselves does not.
                    let inside = !matches!(&*key, "input" | "input_schema" | "schema");
                    if inside {
                        return Err(format!(".{key}: out of order"));
                    }
                }
                let other = have.members().iter().find(|(other, _)| other.is(&key));
                let Some((_, other)) = other else {
                    return Err(format!(".{key}: missing"));
                };
                same(other, value, ordered).map_err(|e| format!(".{key}{e}"))?;
            }
            Ok(())
        }
        (Parts::Array(a), Parts::Array(b)) => {
            if a.len() != b.len() {
                return Err(format!(": {} elements, not {}", a.len(), b.len()));
            }
            for (at, (a, b)) in a.iter().zip(b).enumerate() {
                same(a, b, ordered).map_err(|e| format!("[{at}]{e}"))?;
            }
            Ok(())
        }
        (Parts::Scalar, Parts::Scalar) => {
            let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            let (a, b) = (value(have.text), value(want.text));
            let equal = match (a.as_f64(), b.as_f64()) {
                (Some(a), Some(b)) => a == b,
                _ => a == b,
            };
            if equal {
                Ok(())
            } else {
                Err(format!(": {a}, not {b}"))
            }
        }
        _ => Err(": of another type".to_owned()),
    }
}
