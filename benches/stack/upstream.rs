//! The upstream: canned answers in every provider's format.

use std::convert::Infallible;
use std::sync::Arc;

use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

use crate::answers::Format;
use crate::canned::{Answer, Canned, Pace};

pub(crate) fn run() {
    let canned = all();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("{}", listener.local_addr().expect("its address"));
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                continue;
            };
            let _ = stream.set_nodelay(true);
            let canned = canned.clone();
            let service = service_fn(move |request| answer(canned.clone(), request));
            tokio::spawn(async move {
                let _ = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
}

fn all() -> Arc<[Canned]> {
    use Format::{Chat, Converse, Gemini, Invoke, Messages, Responses};
    let formats = [Chat, Responses, Messages, Converse, Gemini, Invoke];
    formats.map(Canned::new).into()
}

async fn answer(
    canned: Arc<[Canned]>,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Infallible> {
    let path = request.uri().path().to_owned();
    let format = Format::of_path(&path);
    let Ok(body) = request.into_body().collect().await else {
        return Ok(Response::new(Answer::nothing()));
    };
    let body = body.to_bytes();
    let has = |word: &str| memchr::memmem::find(&body, word.as_bytes()).is_some();
    let streams = path.ends_with("-stream") || path.contains(":stream") || {
        !path.contains("/model") && has(r#""stream":true"#)
    };
    let pace = streams.then(|| {
        if has("pace-slow") {
            Pace::Slow
        } else if has("pace-brief") {
            Pace::Brief
        } else if has("pace-idle") {
            Pace::Idle
        } else if has("pace-each") {
            Pace::Each
        } else {
            Pace::AtOnce
        }
    });
    let canned = canned.iter().find(|canned| canned.format == format);
    Ok(canned.expect("an answer in each format").answer(pace))
}
