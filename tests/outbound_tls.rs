//! The client for providers over TLS: further roots, tunnels through a proxy, HTTP/2 and its signs of life.

pub mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use support::gateway::Gateway;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;
use tower_llm_gateway::client::{ClientBuilder, HttpsClient, classify};
use tower_llm_gateway::settings::Timeouts;
use tower_llm_gateway::{ErrorClass, Payload};

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

fn file(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/tls")
        .join(name)
}

fn acceptor(protocols: &[&str]) -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(file("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    TlsAcceptor::from(Arc::new(config))
}

/// Answers with the version of HTTP that it was asked in, as a Chat answer.
async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let version = request.version();
    request.into_body().collect().await?;
    let body = format!(
        r#"{{"id":"c","object":"chat.completion","model":"m","choices":[],"version":"{version:?}"}}"#
    );
    Ok(Response::builder()
        .header("content-type", "application/json")
        .body(Full::from(body))
        .unwrap())
}

/// A provider over TLS: its port, and how many connections it took.
async fn provider(protocols: &'static [&'static str]) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let taken = Arc::new(AtomicUsize::new(0));
    let count = taken.clone();
    let acceptor = acceptor(protocols);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            let count = count.clone();
            tokio::spawn(async move {
                // A client that does not trust it goes away here.
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                count.fetch_add(1, Ordering::Relaxed);
                let server = auto::Builder::new(TokioExecutor::new());
                let _ = server
                    .serve_connection(TokioIo::new(stream), service_fn(answer))
                    .await;
            });
        }
    });
    (port, taken)
}

/// A proxy that tunnels to `port`, whatever host it is asked for, until it falls silent; and the hosts it was asked for.
async fn proxy(port: u16, silent: Arc<AtomicBool>) -> (u16, Arc<std::sync::Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().port();
    let asked = Arc::<std::sync::Mutex<Vec<String>>>::default();
    let hosts = asked.clone();
    tokio::spawn(async move {
        loop {
            let (mut near, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(near.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap();
            let host = head.split(' ').nth(1).unwrap().to_owned();
            hosts.lock().unwrap().push(host);
            near.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let mut far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let silent = silent.clone();
            tokio::spawn(async move {
                let quiet = async {
                    while !silent.load(Ordering::Relaxed) {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                };
                tokio::select! {
                    _ = copy_bidirectional(&mut near, &mut far) => {}
                    () = quiet => std::future::pending().await,
                }
            });
        }
    });
    (own, asked)
}

fn builder() -> ClientBuilder {
    let mut timeouts = Timeouts::default();
    timeouts.connect = PATIENCE;
    ClientBuilder::new(&timeouts)
}

fn trusting() -> ClientBuilder {
    builder().extra_roots(&file("ca.pem")).unwrap()
}

async fn get(client: &HttpsClient, url: &str) -> Result<Version, ErrorClass> {
    let request = Request::get(url).body(Payload::default()).unwrap();
    match timeout(PATIENCE, client.clone().oneshot(request))
        .await
        .expect("it hangs")
    {
        Ok(response) => {
            let version = response.version();
            response.into_body().collect().await.unwrap();
            Ok(version)
        }
        Err(error) => Err(classify(error.into()).class()),
    }
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_once_it_is_named() {
    let (port, taken) = provider(&["http/1.1"]).await;
    let url = format!("https://localhost:{port}/v1");
    let stranger = builder().build().unwrap();
    assert_eq!(get(&stranger, &url).await, Err(ErrorClass::NeverSent));
    assert_eq!(taken.load(Ordering::Relaxed), 0);
    let client = trusting().build().unwrap();
    assert_eq!(get(&client, &url).await, Ok(Version::HTTP_11));
    // But not for names that it did not vouch for.
    let silent = Arc::<AtomicBool>::default();
    let (proxy_port, _) = proxy(port, silent).await;
    let proxied = trusting().proxy(&format!("http://127.0.0.1:{proxy_port}"), "");
    let other = get(&proxied.build().unwrap(), "https://another.test/v1").await;
    assert_eq!(other, Err(ErrorClass::NeverSent));
}

#[tokio::test]
async fn http2_is_chosen_where_the_peer_has_it_and_shares_one_connection() {
    let (port, taken) = provider(&["h2", "http/1.1"]).await;
    let url = format!("https://localhost:{port}/v1");
    let client = trusting().build().unwrap();
    assert_eq!(get(&client, &url).await, Ok(Version::HTTP_2));
    let calls = (0..20).map(|_| get(&client, &url));
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await, Ok(Version::HTTP_2));
    }
    assert_eq!(taken.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_tunnel_carries_tls_and_http2_to_the_provider_itself() {
    let (port, _) = provider(&["h2"]).await;
    let (proxy_port, asked) = proxy(port, Arc::default()).await;
    let client = trusting()
        .proxy(&format!("http://127.0.0.1:{proxy_port}"), "")
        .build()
        .unwrap();
    let version = get(&client, "https://provider.test/v1").await;
    assert_eq!(version, Ok(Version::HTTP_2));
    assert_eq!(*asked.lock().unwrap(), ["provider.test:443"]);
}

#[tokio::test]
async fn a_connection_that_died_silently_is_found_out() {
    let (port, _) = provider(&["h2"]).await;
    let silent = Arc::new(AtomicBool::new(false));
    let (proxy_port, asked) = proxy(port, silent.clone()).await;
    let client = trusting()
        .proxy(&format!("http://127.0.0.1:{proxy_port}"), "")
        .build()
        .unwrap();
    let url = "https://provider.test/v1";
    assert_eq!(get(&client, url).await, Ok(Version::HTTP_2));
    silent.store(true, Ordering::Relaxed);
    // The proxy notices.
    tokio::time::sleep(Duration::from_millis(50)).await;
    // From here on nothing comes from any socket, so that the clock may run ahead.
    tokio::time::pause();
    let request = Request::get(url).body(Payload::default()).unwrap();
    let answer = timeout(Duration::from_secs(600), client.clone().oneshot(request)).await;
    let error = answer
        .expect("a ping without an answer ends the call")
        .unwrap_err();
    // It may have been worked on: nobody knows.
    assert_ne!(classify(error.into()).class(), ErrorClass::NeverSent);
    assert_eq!(asked.lock().unwrap().len(), 1);
}

/// The standalone program, as its environment wants it.
#[test]
fn the_program_obeys_https_proxy_and_ssl_cert_file() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (port, proxy_port, asked) = runtime.block_on(async {
        let (port, _) = provider(&["h2", "http/1.1"]).await;
        let (proxy_port, asked) = proxy(port, Arc::default()).await;
        (port, proxy_port, asked)
    });
    let config = |host: &str| {
        format!(
            "[connections.c]\nprovider = \"openai-compatible\"\nbase_url = \"https://{host}/v1\"\napi_key = \"k\"\n\
             [retry]\nmax_retries = 0\n"
        )
    };
    let ca = file("ca.pem");
    let ca = ca.to_str().unwrap();
    let proxy = format!("http://127.0.0.1:{proxy_port}");
    let direct = format!("localhost:{port}");
    for (host, environment, expected) in [
        (&*direct, vec![("SSL_CERT_FILE", ca)], "200"),
        (&*direct, vec![("SSL_CERT_FILE", "")], "502"),
        (
            "provider.test",
            vec![("SSL_CERT_FILE", ca), ("HTTPS_PROXY", &proxy)],
            "200",
        ),
        // What NO_PROXY names is asked for directly, where nobody is.
        (
            "provider.test",
            vec![
                ("SSL_CERT_FILE", ca),
                ("HTTPS_PROXY", &proxy),
                ("NO_PROXY", "provider.test"),
            ],
            "502",
        ),
    ] {
        let builder = environment.into_iter().fold(
            Gateway::builder().config(config(host)),
            |builder, (name, value)| builder.env(name, value),
        );
        let gateway = builder.start();
        let answer = runtime.block_on(async {
            let mut stream = TcpStream::connect(gateway.addr()).await.unwrap();
            let body = r#"{"model":"c/m","messages":[]}"#;
            let request = format!(
                "POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            timeout(PATIENCE, stream.read_to_string(&mut answer))
                .await
                .unwrap()
                .unwrap();
            answer
        });
        assert_eq!(
            answer.get(9..12),
            Some(expected),
            "{host}: {answer}\n{}",
            gateway.log()
        );
    }
    assert_eq!(*asked.lock().unwrap(), ["provider.test:443"]);
}
