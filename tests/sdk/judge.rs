//! What reached a provider, before the vendors' own definitions of what may reach it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::support::upstream::Recorded;
use super::support::venv;

/// Files that go again.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Panics when a request to Bedrock or to Gemini's native API is not what botocore, Anthropic's or Google's types allow. The others are
/// left to the tests of their own cells.
pub(crate) fn requests(requests: &[Recorded]) {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let judged = |request: &&Recorded| {
        request.target.contains("/model/") || request.target.contains("enerateContent")
    };
    let requests: Vec<_> = requests.iter().filter(judged).collect();
    if requests.is_empty() {
        return;
    }
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("upstream-{}-{number}", std::process::id());
    let folder = Folder(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name));
    std::fs::create_dir_all(&folder.0).expect("a folder for the requests");
    for (index, request) in requests.iter().enumerate() {
        let recorded =
            json!({"target": request.target, "headers": request.headers, "body": request.text()});
        let file = folder.0.join(format!("{index:04}.json"));
        std::fs::write(file, recorded.to_string()).expect("write a request");
    }
    let path = folder.0.to_str().expect("the path is UTF-8");
    let finished = venv::script("upstream_requests.py", &[path]).expect("the SDKs are there");
    let judged: usize = finished
        .stdout
        .lines()
        .filter_map(|line| {
            line.strip_prefix("ok ")?
                .rsplit(' ')
                .next()?
                .parse::<usize>()
                .ok()
        })
        .sum();
    assert_eq!(judged, requests.len());
}
