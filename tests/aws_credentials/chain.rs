//! The default chain, step by step, each in a process of its own with an environment of its own.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tower_llm_gateway::Credential;
use tower_llm_gateway::auth::AwsChain;

use super::support::upstream::Upstream;
use super::support::{process, sts};
use super::{NOW, UNTIL, signed_with};

/// Set where a process is to look for credentials.
const CHILD: &str = "LOOK_FOR_AWS_CREDENTIALS";
/// How long it may take.
const LIMIT: Duration = Duration::from_secs(30);

/// What [`look`] does in a process of its own.
#[tokio::test]
async fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let mut chain = AwsChain::new().region("eu-west-1");
    if let Ok(profile) = std::env::var("PROFILE") {
        chain = chain.profile(profile);
    }
    match signed_with(&Credential::aws(chain), NOW).await {
        Ok(key) => println!("signed with {key}."),
        Err(error) => println!("not signed: {error}."),
    }
}

/// A folder that is removed again, as the home of the processes.
struct Home(PathBuf);

impl Home {
    fn new(name: &str) -> Self {
        let folder = format!("aws-{name}-{}", std::process::id());
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(folder);
        std::fs::create_dir_all(folder.join(".aws")).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let file = self.0.join(name);
        std::fs::write(&file, text).unwrap();
        file.into_os_string().into_string().unwrap()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Looks for credentials with these variables; what the process says, after a look at its log.
fn look(home: &Home, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    process::clean_environment(&mut command)
        .args(["--exact", "chain::child", "--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        .env("HOME", &home.0)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(variables.iter().copied());
    let finished = process::run(&mut command, LIMIT).unwrap();
    assert!(finished.success(), "{finished:?}");
    let log = &finished.stderr;
    for secret in [sts::SECRET, sts::TOKEN, "canary"] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
    finished.stdout
}

fn found(said: &str, number: usize) {
    let expected = format!("signed with {}.", sts::access_key(number));
    assert!(said.contains(&expected), "{said}");
}

fn keys(number: usize) -> String {
    format!(
        "aws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {}\n",
        sts::access_key(number),
        sts::SECRET,
        sts::TOKEN
    )
}

#[test]
fn the_environment() {
    let said = look(
        &Home::new("environment"),
        &[
            ("AWS_ACCESS_KEY_ID", &sts::access_key(3)),
            ("AWS_SECRET_ACCESS_KEY", sts::SECRET),
            ("AWS_SESSION_TOKEN", sts::TOKEN),
        ],
    );
    found(&said, 3);
}

#[test]
fn a_profile() {
    let home = Home::new("profile");
    let text = format!("[default]\n{}[other]\n{}", keys(4), keys(5));
    home.write(".aws/credentials", &text);
    found(&look(&home, &[]), 4);
    found(&look(&home, &[("AWS_PROFILE", "other")]), 5);
    found(&look(&home, &[("PROFILE", "other")]), 5);
}

#[test]
fn a_role_of_a_profile() {
    let sts = Upstream::start(|request| sts::assumed(request, 6, UNTIL));
    let home = Home::new("role");
    home.write(".aws/credentials", &format!("[base]\n{}", keys(1)));
    home.write(
        ".aws/config",
        "[default]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = base\nexternal_id = e-1\n",
    );
    found(&look(&home, &[("AWS_ENDPOINT_URL_STS", &sts.url())]), 6);
    let requests = sts.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(
        sts::form(&requests[0], "ExternalId").as_deref(),
        Some("e-1")
    );
}

#[cfg(unix)]
#[test]
fn a_process() {
    let home = Home::new("process");
    let answer = format!(
        r#"{{"Version":1,"AccessKeyId":"{}","SecretAccessKey":"{}","SessionToken":"{}","Expiration":"{UNTIL}"}}"#,
        sts::access_key(7),
        sts::SECRET,
        sts::TOKEN
    );
    let file = home.write("answer.json", &answer);
    home.write(
        ".aws/config",
        &format!("[default]\ncredential_process = cat {file}\n"),
    );
    found(&look(&home, &[]), 7);
}

#[test]
fn a_web_identity() {
    let sts = Upstream::start(|request| sts::assumed(request, 8, UNTIL));
    let home = Home::new("web");
    let file = home.write("token", "canary-identity");
    let said = look(
        &home,
        &[
            ("AWS_WEB_IDENTITY_TOKEN_FILE", &file),
            ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/pod"),
            ("AWS_ROLE_SESSION_NAME", "pod-1"),
            ("AWS_ENDPOINT_URL_STS", &sts.url()),
        ],
    );
    found(&said, 8);
    let requests = sts.requests();
    assert_eq!(requests.len(), 1);
    for (field, expected) in [
        ("Action", "AssumeRoleWithWebIdentity"),
        ("WebIdentityToken", "canary-identity"),
        ("RoleSessionName", "pod-1"),
    ] {
        assert_eq!(sts::form(&requests[0], field).as_deref(), Some(expected));
    }
    assert_eq!(requests[0].header("authorization"), None);
}

#[test]
fn a_container() {
    let endpoint = Upstream::start(|request| {
        assert_eq!(request.path(), "/credentials");
        assert_eq!(request.header("authorization"), Some("canary-container"));
        sts::endpoint(9, UNTIL)
    });
    let said = look(
        &Home::new("container"),
        &[
            (
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                &format!("{}/credentials", endpoint.url()),
            ),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "canary-container"),
            // Never asked for an endpoint that is near.
            ("HTTP_PROXY", "http://127.0.0.1:9"),
            ("http_proxy", "http://127.0.0.1:9"),
        ],
    );
    found(&said, 9);
    assert_eq!(endpoint.requests().len(), 1);
}

#[test]
fn an_instance() {
    let service = Upstream::start(|request| sts::metadata(request, 10, UNTIL));
    let said = look(
        &Home::new("instance"),
        &[
            ("AWS_EC2_METADATA_DISABLED", "false"),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &service.url()),
        ],
    );
    found(&said, 10);
}

#[test]
fn nothing() {
    let said = look(&Home::new("nothing"), &[]);
    assert!(
        said.contains("not signed: there are no credentials for the provider."),
        "{said}"
    );
}
