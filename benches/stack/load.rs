//! The load: calls one after the other on connections that stay open.

use std::net::SocketAddr;
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

pub(crate) type Caller = Client<HttpConnector, Full<Bytes>>;

/// A client over one version of HTTP.
pub(crate) fn client<B>(http2: bool) -> Client<HttpConnector, B>
where
    B: Body + Send,
    B::Data: Send,
{
    let mut http = HttpConnector::new();
    http.set_nodelay(true);
    Client::builder(TokioExecutor::new())
        .http2_only(http2)
        .build(http)
}

/// One call: its latency to the first byte of the body, and in all.
pub(crate) async fn call(caller: &Caller, url: &str, body: &Bytes) -> (Duration, Duration) {
    let begin = Instant::now();
    let mut body = open(caller, url, body).await;
    let mut first = None;
    while let Some(frame) = body.frame().await {
        first.get_or_insert_with(|| begin.elapsed());
        assert!(frame.is_ok(), "{url}: the answer broke off");
    }
    (first.unwrap_or_default(), begin.elapsed())
}

/// Begins a call, and gives the answer's body.
pub(crate) async fn open(caller: &Caller, url: &str, body: &Bytes) -> Incoming {
    let request = Request::post(url)
        .header("content-type", "application/json")
        .body(Full::new(body.clone()))
        .expect("a request");
    let response = caller.request(request).await.expect("an answer");
    if response.status() != 200 {
        let status = response.status();
        let text = response.into_body().collect().await.expect("its body");
        panic!("{url}: {status}: {:?}", text.to_bytes());
    }
    response.into_body()
}

/// `count` calls one after the other on each of `lanes` connections; gives the latencies.
pub(crate) async fn calls(
    address: SocketAddr,
    path: &str,
    body: &Bytes,
    count: usize,
    lanes: usize,
    http2: bool,
) -> Vec<(Duration, Duration)> {
    let url = format!("http://{address}{path}");
    let mut tasks = Vec::new();
    for _ in 0..lanes {
        let (url, body) = (url.clone(), body.clone());
        tasks.push(tokio::spawn(async move {
            let caller: Caller = client(http2);
            let mut latencies = Vec::with_capacity(count);
            for _ in 0..count {
                latencies.push(call(&caller, &url, &body).await);
            }
            latencies
        }));
    }
    let mut all = Vec::with_capacity(count * lanes);
    for task in tasks {
        all.extend(task.await.expect("its calls"));
    }
    all
}

/// Runs all of these at once.
pub(crate) async fn all<F: Future>(futures: impl Iterator<Item = F>) {
    let mut futures: Vec<_> = futures.map(Box::pin).collect();
    std::future::poll_fn(|cx| {
        futures.retain_mut(|future| future.as_mut().poll(cx).is_pending());
        match futures.is_empty() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
}
