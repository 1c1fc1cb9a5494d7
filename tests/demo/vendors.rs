//! The vendors' own libraries against the demo providers: an independent judge of signatures, framing and shapes.

use super::demo::{ACCESS_KEY_ID, Demo, SECRET_ACCESS_KEY};
use super::support::venv;

/// Runs a script against the demo on a socket.
fn judge(script: &str, key: &str) {
    if venv::python().is_none() {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"));
    let listener = listener.expect("bind");
    let address = listener.local_addr().expect("address");
    let server = runtime.spawn(Demo.serve(listener));
    let base = format!("http://{address}");
    venv::script(script, &["--base", &base, "--key", key, "--model", "-"]);
    server.abort();
}

#[test]
fn botocore_reads_the_bedrock_runtime() {
    let keys = format!("{ACCESS_KEY_ID}:{SECRET_ACCESS_KEY}");
    judge("botocore_bedrock.py", &keys);
}

#[test]
fn google_reads_native_gemini() {
    judge("google_gemini.py", "demo");
}

#[test]
fn golden_requests_fit_the_vendors_definitions() {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    let Some(finished) = venv::script("upstream_requests.py", &[golden]) else {
        return;
    };
    for family in ["ok bedrock ", "ok gemini "] {
        assert!(finished.stdout.contains(family), "{}", finished.stdout);
    }
}
