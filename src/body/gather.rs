//! Gathering a body into one piece, up to a limit.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::Body;

/// The most that a size hint is believed at once, in bytes.
const BELIEVED: usize = 1024 * 1024;

/// The pieces of a body so far. One piece alone is never copied.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    first: Option<Bytes>,
    joined: BytesMut,
    limit: usize,
}

/// Why a body was not gathered.
#[derive(Debug)]
pub(crate) enum GatherError<E> {
    /// It is longer than the limit; what came so far is kept.
    TooLarge,
    Body(E),
}

impl Gathered {
    /// Gathers at most `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            first: None,
            joined: BytesMut::new(),
            limit,
        }
    }

    /// Bytes so far.
    pub(crate) fn len(&self) -> usize {
        self.first.as_ref().map_or(self.joined.len(), Bytes::len)
    }

    fn push(&mut self, piece: Bytes, hint: usize) {
        if piece.is_empty() {
            return;
        }
        if self.first.is_none() && self.joined.is_empty() {
            self.first = Some(piece);
            return;
        }
        if let Some(first) = self.first.take() {
            self.joined
                .reserve(first.len() + piece.len() + hint.min(BELIEVED));
            self.joined.extend_from_slice(&first);
        }
        self.joined.extend_from_slice(&piece);
    }

    /// What was gathered.
    pub(crate) fn take(&mut self) -> Bytes {
        match self.first.take() {
            Some(first) => first,
            None => self.joined.split().freeze(),
        }
    }

    /// Gathers what `body` has ready. Over the limit, the piece that went over it is kept too: nothing is lost.
    pub(crate) fn poll<B: Body<Data = Bytes>>(
        &mut self,
        mut body: Pin<&mut B>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), GatherError<B::Error>>> {
        loop {
            match ready!(body.as_mut().poll_frame(cx)) {
                None => return Poll::Ready(Ok(())),
                Some(Err(error)) => return Poll::Ready(Err(GatherError::Body(error))),
                Some(Ok(frame)) => {
                    // Trailers have no place in what is gathered.
                    if let Ok(piece) = frame.into_data() {
                        let hint = usize::try_from(body.size_hint().lower()).unwrap_or(0);
                        self.push(piece, hint);
                        if self.len() > self.limit {
                            return Poll::Ready(Err(GatherError::TooLarge));
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body::Frame;

    use super::*;

    /// A body of ready frames.
    struct Pieces(std::vec::IntoIter<Bytes>);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.next().map(|piece| Ok(Frame::data(piece))))
        }
    }

    fn gather(pieces: &[&'static str], limit: usize) -> (bool, Bytes) {
        let pieces: Vec<_> = pieces
            .iter()
            .map(|piece| Bytes::from_static(piece.as_bytes()))
            .collect();
        let mut body = Pieces(pieces.into_iter());
        let mut gathered = Gathered::new(limit);
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let Poll::Ready(result) = gathered.poll(Pin::new(&mut body), &mut cx) else {
            panic!("pending")
        };
        (result.is_ok(), gathered.take())
    }

    #[test]
    fn pieces_are_joined() {
        assert_eq!(gather(&[], 3), (true, Bytes::new()));
        assert_eq!(
            gather(&["", "ab", "", "c"], 3),
            (true, Bytes::from_static(b"abc"))
        );
    }

    #[test]
    fn one_piece_is_not_copied() {
        let piece = "whole";
        let (_, bytes) = gather(&["", piece], 10);
        assert_eq!(bytes.as_ptr(), piece.as_ptr());
    }

    #[test]
    fn over_the_limit_nothing_is_lost() {
        assert_eq!(
            gather(&["ab", "cd", "ef"], 3),
            (false, Bytes::from_static(b"abcd"))
        );
    }
}
