//! What the errors of hyper-util's client mean.

use std::error::Error as StdError;

use crate::error::{BoxError, Error, ErrorClass};

/// Classes the errors of hyper-util's client; errors of other clients are ambiguous.
#[must_use]
pub fn classify(error: BoxError) -> Error {
    let error = match error.downcast::<Error>() {
        Ok(error) => return *error,
        Err(error) => error,
    };
    let mut class = ErrorClass::Ambiguous;
    let mut source: Option<&(dyn StdError + 'static)> = Some(&*error);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<hyper_util::client::legacy::Error>()
            && error.is_connect()
        {
            class = ErrorClass::NeverSent;
            break;
        }
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            if error.is_canceled() {
                class = ErrorClass::NeverSent;
                break;
            }
            if error.is_incomplete_message() {
                class = ErrorClass::Incomplete;
                break;
            }
        }
        // The peer says that it did nothing with this stream (RFC 9113, section 8.7): by a reset with this reason, or by a GOAWAY
        // that names an earlier stream as the last one. Streams that it did take see no GOAWAY, only their own end.
        if let Some(error) = error.downcast_ref::<h2::Error>()
            && error.is_remote()
            && (error.is_go_away() || error.reason() == Some(h2::Reason::REFUSED_STREAM))
        {
            class = ErrorClass::NeverSent;
            break;
        }
        if let Some(error) = error.downcast_ref::<std::io::Error>()
            && matches!(
                error.kind(),
                std::io::ErrorKind::ConnectionReset
                    | std::io::ErrorKind::BrokenPipe
                    | std::io::ErrorKind::UnexpectedEof
            )
        {
            class = ErrorClass::Incomplete;
            break;
        }
        source = error.source();
    }
    Error::new(class, error)
}

#[cfg(test)]
mod tests {
    use hyper::client::conn::http2;
    use hyper_util::rt::{TokioExecutor, TokioIo};

    use super::*;
    use crate::body::Payload;

    /// What the client sees of a call that an HTTP/2 peer resets for `reason`.
    async fn reset_for(reason: h2::Reason) -> ErrorClass {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let serve = async move {
            let mut connection = h2::server::handshake(theirs).await.unwrap();
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                respond.send_reset(reason);
            }
        };
        let ask = async move {
            let (mut sender, connection) =
                http2::handshake(TokioExecutor::new(), TokioIo::new(ours))
                    .await
                    .unwrap();
            tokio::spawn(connection);
            let request = http::Request::post("http://provider/").body(Payload::new("{}"));
            sender.send_request(request.unwrap()).await.unwrap_err()
        };
        let (error, ()) = tokio::join!(ask, serve);
        classify(error.into()).class()
    }

    /// What the client sees of a call when an HTTP/2 peer goes away, having taken streams up to `last`, and closes.
    async fn gone_away(last: u8, code: u8) -> ErrorClass {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
        let serve = async move {
            // Empty SETTINGS of its own.
            let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
            theirs.write_all(&settings).await.unwrap();
            // The preface, then frames up to the request's end: HEADERS or DATA with END_STREAM.
            theirs.read_exact(&mut [0; 24]).await.unwrap();
            loop {
                let mut head = [0; 9];
                theirs.read_exact(&mut head).await.unwrap();
                let length = usize::from(head[1]) * 256 + usize::from(head[2]);
                theirs.read_exact(&mut vec![0; length]).await.unwrap();
                if matches!(head[3], 0 | 1) && head[4] & 1 == 1 {
                    break;
                }
            }
            let go_away = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, last, 0, 0, 0, code];
            theirs.write_all(&go_away).await.unwrap();
            theirs.shutdown().await.unwrap();
            let _ = theirs.read_to_end(&mut Vec::new()).await;
        };
        let ask = async move {
            let (mut sender, connection) =
                http2::handshake(TokioExecutor::new(), TokioIo::new(ours))
                    .await
                    .unwrap();
            tokio::spawn(connection);
            let request = http::Request::post("http://provider/").body(Payload::new("{}"));
            sender.send_request(request.unwrap()).await.unwrap_err()
        };
        let (error, ()) = tokio::join!(ask, serve);
        classify(error.into()).class()
    }

    #[tokio::test]
    async fn a_stream_that_the_peer_did_not_take_was_never_sent() {
        for code in [0, 11] {
            assert_eq!(gone_away(0, code).await, ErrorClass::NeverSent);
            // This one it may have worked on.
            assert_ne!(gone_away(1, code).await, ErrorClass::NeverSent);
        }
    }

    #[tokio::test]
    async fn a_stream_that_the_peer_refused_was_never_sent() {
        assert_eq!(
            reset_for(h2::Reason::REFUSED_STREAM).await,
            ErrorClass::NeverSent
        );
        assert_eq!(
            reset_for(h2::Reason::INTERNAL_ERROR).await,
            ErrorClass::Ambiguous
        );
    }
}
