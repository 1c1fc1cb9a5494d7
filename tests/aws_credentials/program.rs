//! The standalone gateway in front of Bedrock: what it takes from its configuration and its environment.

use super::ROLE;
use super::support::gateway::Gateway;
use super::support::sts;
use super::support::upstream::{Reply, Upstream};

const ANSWER: &str = r#"{"output":{"message":{"role":"assistant","content":[{"text":"Hi"}]}},"stopReason":"end_turn","usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2}}"#;
const QUESTION: &str = r#"{"model":"b/us.anthropic.claude-sonnet-4-5-20250929-v1:0","max_tokens":5,"messages":[{"role":"user","content":"Hi"}]}"#;

/// Asks a gateway over HTTP/1.1; the whole answer.
fn ask(gateway: &Gateway, method: &str, path: &str, body: &str) -> String {
    use std::io::{Read, Write};
    let address = gateway.url().trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(super::PATIENCE)).unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer canary-client\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn config(upstream: &Upstream, rest: &str) -> String {
    format!(
        "[connections.b]\nprovider = \"aws-bedrock\"\nbase_url = \"{}/aws/\"\nregion = \"us-east-1\"\n{rest}",
        upstream.url()
    )
}

fn bedrock() -> Upstream {
    Upstream::start(|_| Reply::json(200, ANSWER))
}

#[test]
fn keys_in_the_configuration_sign() {
    let bedrock = bedrock();
    let keys = format!(
        "access_key_id = \"AKIDCONFIG\"\nsecret_access_key = \"{}\"\nsession_token = \"{}\"\n",
        sts::SECRET,
        sts::TOKEN
    );
    let gateway = Gateway::builder().config(config(&bedrock, &keys)).start();
    let answer = ask(&gateway, "POST", "/v1/messages", QUESTION);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let sent = bedrock.requests().remove(0);
    assert_eq!(
        sent.target,
        "/aws/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse"
    );
    let authorization = sent.header("authorization").unwrap();
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDCONFIG/"));
    assert_eq!(sent.header("x-amz-security-token"), Some(sts::TOKEN));
    for name in ["accept", "accept-encoding", "x-api-key"] {
        assert_eq!(sent.header(name), None);
    }
    let log = gateway.log();
    for secret in [sts::SECRET, sts::TOKEN, "canary-client"] {
        assert!(
            !log.contains(secret) && !answer.contains(secret),
            "{secret}"
        );
    }
}

#[test]
fn a_role_in_the_configuration_is_assumed_at_the_first_call() {
    let (bedrock, sts) = (
        bedrock(),
        Upstream::start(|request| sts::assumed(request, 1, "2099-01-01T00:00:00Z")),
    );
    let role = format!(
        "access_key_id = \"AKIDCONFIG\"\nsecret_access_key = \"canary\"\nrole_arn = \"{ROLE}\"\nexternal_id = \"e-1\"\nsts_endpoint = \"{}\"\n",
        sts.url()
    );
    let gateway = Gateway::builder().config(config(&bedrock, &role)).start();
    assert_eq!(sts.connections(), 0);
    for _ in 0..3 {
        let answer = ask(&gateway, "POST", "/v1/messages", QUESTION);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let asked = sts.requests();
    assert_eq!(asked.len(), 1);
    assert_eq!(sts::form(&asked[0], "ExternalId").as_deref(), Some("e-1"));
    let sent = bedrock.requests().remove(2);
    assert!(
        sent.header("authorization")
            .unwrap()
            .contains(&sts::access_key(1))
    );
}

#[test]
fn an_api_key_is_a_bearer() {
    let bedrock = bedrock();
    let gateway = Gateway::builder()
        .config(config(&bedrock, ""))
        .env("AWS_BEARER_TOKEN_BEDROCK", "canary-bearer")
        .start();
    ask(&gateway, "POST", "/v1/messages", QUESTION);
    let sent = bedrock.requests().remove(0);
    assert_eq!(sent.header("authorization"), Some("Bearer canary-bearer"));
    assert_eq!(sent.header("x-amz-date"), None);
    assert!(!gateway.log().contains("canary-bearer"));
}

#[test]
fn errors_say_where() {
    let bedrock = bedrock();
    for (rest, place) in [
        ("role_arn = \"r\"\n", "line 5: connections.b.role_arn: "),
        (
            "external_id = \"ab\"\n",
            "line 5: connections.b.external_id: ",
        ),
        (
            "access_key_id = \"canary\"\n",
            "line 5: connections.b.access_key_id: ",
        ),
    ] {
        let finished = Gateway::builder().config(config(&bedrock, rest)).run();
        assert_eq!(finished.status.unwrap().code(), Some(2), "{finished:?}");
        assert!(finished.stderr.contains(place), "{finished:?}");
        assert!(!finished.stderr.contains("canary"));
    }
    let lost = "[connections.b]\nprovider = \"aws-bedrock\"\n";
    let finished = Gateway::builder()
        .config(lost)
        .env("HOME", "/nowhere")
        .run();
    assert!(
        finished.stderr.contains("line 1: connections.b.region: "),
        "{finished:?}"
    );
}

/// The environment of a container, whose endpoint is not there.
fn container(builder: super::support::gateway::Builder) -> super::support::gateway::Builder {
    builder
        .env("AWS_REGION", "us-east-1")
        .env("HOME", "/nowhere")
        .env(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "http://127.0.0.1:9/credentials",
        )
}

#[test]
fn the_environment_alone_is_enough() {
    let checked = container(Gateway::builder()).arg("--check").run();
    assert!(checked.success(), "{checked:?}");
    let gateway = container(Gateway::builder()).start();
    assert!(
        gateway
            .log()
            .contains("connections from the environment: aws-bedrock"),
        "{}",
        gateway.log()
    );
    let models = ask(&gateway, "GET", "/v1/models", "");
    for model in ["claude-sonnet-4-5", "claude-haiku-4-5-20251001"] {
        assert!(models.contains(&format!("\"{model}\"")), "{models}");
    }
    // Nobody hands out credentials.
    let call = r#"{"model":"claude-sonnet-4-5","max_tokens":5,"messages":[{"role":"user","content":"Hi"}]}"#;
    let answer = ask(&gateway, "POST", "/v1/messages", call);
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
    let answer = answer.to_ascii_lowercase();
    assert!(
        answer.contains("x-gateway-connection: aws-bedrock"),
        "{answer}"
    );
    assert!(
        answer.contains("x-gateway-model: us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        "{answer}"
    );
    assert!(answer.contains("no valid credentials"), "{answer}");
}

#[test]
fn anthropics_own_names_stay_with_anthropic() {
    let gateway = container(Gateway::builder())
        .env("ANTHROPIC_API_KEY", "canary")
        .start();
    let models = ask(&gateway, "GET", "/v1/models", "");
    assert!(!models.contains("\"claude-haiku-4-5\""), "{models}");
    assert!(
        gateway
            .log()
            .contains("connections from the environment: aws-bedrock")
    );
}
