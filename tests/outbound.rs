//! How the client for providers connects: through proxies, with further roots, and in time.

use std::io::Write;
use std::time::Duration;

use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tower::ServiceExt;
use tower_llm_gateway::client::{ClientBuilder, HttpsClient, classify};
use tower_llm_gateway::settings::Timeouts;
use tower_llm_gateway::{ErrorClass, Payload};

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

async fn bind() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

/// Reads a request's head.
async fn head(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        text.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(text).unwrap()
}

fn get(client: &HttpsClient, url: &str) -> impl Future<Output = Result<u16, ErrorClass>> + use<> {
    let request = Request::get(url).body(Payload::default()).unwrap();
    let answer = client.clone().oneshot(request);
    async move {
        match timeout(PATIENCE, answer).await.expect("it hangs") {
            Ok(response) => Ok(response.status().as_u16()),
            Err(error) => Err(classify(error.into()).class()),
        }
    }
}

fn builder() -> ClientBuilder {
    let mut timeouts = Timeouts::default();
    timeouts.connect = Duration::from_millis(300);
    ClientBuilder::new(&timeouts)
}

#[tokio::test]
async fn https_goes_through_a_tunnel_with_the_proxys_credential() {
    let (listener, address) = bind().await;
    let client = builder()
        .proxy(&format!("http://user:secret@{address}"), "")
        .build()
        .unwrap();
    let proxy = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = head(&mut stream).await;
        stream
            .write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
        head
    };
    let (answer, head) = tokio::join!(get(&client, "https://provider.invalid/v1"), proxy);
    // Nothing was sent to the provider: another try cannot do harm.
    assert_eq!(answer, Err(ErrorClass::NeverSent));
    assert!(
        head.starts_with("CONNECT provider.invalid:443 HTTP/1.1\r\n"),
        "{head}"
    );
    let basic = "proxy-authorization: basic dxnlcjpzzwnyzxq=";
    assert!(head.to_lowercase().contains(basic), "{head}");
}

#[tokio::test]
async fn plain_hosts_are_asked_for_by_their_whole_url_and_excepted_ones_directly() {
    let (listener, address) = bind().await;
    let client = builder()
        .proxy(&format!("http://{address}"), "127.0.0.1")
        .build()
        .unwrap();
    for (url, line) in [
        (
            "http://provider.invalid/v1".to_owned(),
            "GET http://provider.invalid/v1 HTTP/1.1",
        ),
        (format!("http://{address}/v1"), "GET /v1 HTTP/1.1"),
    ] {
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let head = head(&mut stream).await;
            let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
            stream.write_all(answer).await.unwrap();
            head
        };
        let (answer, head) = tokio::join!(get(&client, &url), serve);
        assert_eq!(answer, Ok(204));
        assert_eq!(head.lines().next(), Some(line));
    }
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_given_up() {
    let (listener, address) = bind().await;
    let client = builder().build().unwrap();
    let silent = async { listener.accept().await.unwrap() };
    let url = format!("https://{address}/");
    let (answer, _open) = tokio::join!(get(&client, &url), silent);
    assert_eq!(answer, Err(ErrorClass::NeverSent));
}

#[test]
fn unusable_roots_and_secrets_stay_out_of_sight() {
    let file = std::env::temp_dir().join(format!("roots-{}.pem", std::process::id()));
    std::fs::File::create(&file)
        .unwrap()
        .write_all(b"no certificate")
        .unwrap();
    assert!(builder().extra_roots(&file).is_err());
    std::fs::remove_file(&file).unwrap();
    assert!(builder().extra_roots(&file).is_err());
    let builder = builder().proxy("http://user:canary@127.0.0.1:1", "");
    assert!(!format!("{builder:?}").contains("canary"));
    let client = builder.build().unwrap();
    assert!(!format!("{client:?}").contains("canary"));
}
