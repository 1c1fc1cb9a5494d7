//! What stands for AWS signatures where the feature `aws` is off: types without values.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::response::Parts;
use http::{Request, Response};

use crate::body::Payload;
use crate::clock::Clock;
use crate::error::Error;

#[derive(Debug, Clone)]
pub(crate) struct Signer(Infallible);

pub(super) type Ready<S> = (S, Request<Payload>, Trail);

#[expect(
    dead_code,
    clippy::large_enum_variant,
    reason = "nothing is ever signed"
)]
pub(super) enum Signing<S> {
    Signed(Request<Payload>, Trail),
    Pending(Box<Pending<S>>),
}

impl Signer {
    pub(super) fn in_region(self, _: &Arc<str>) -> Self {
        match self.0 {}
    }

    pub(super) fn sign<S>(
        &self,
        _: Request<Payload>,
        _: Clock,
        _: impl FnOnce() -> S,
    ) -> Result<Signing<S>, Error> {
        match self.0 {}
    }
}

/// Without signatures none is ever refused.
pub(crate) fn refused(_: &Parts, _: &[u8]) -> bool {
    false
}

#[derive(Debug)]
pub(super) struct Pending<S>(Infallible, PhantomData<fn() -> S>);

impl<S> Pending<S> {
    pub(super) fn poll(&self, _: &Context<'_>) -> Poll<Result<Ready<S>, Error>> {
        match self.0 {}
    }
}

#[derive(Debug)]
pub(super) struct Trail(Infallible);

impl Trail {
    pub(super) fn poll(&self, _: &Context<'_>) {
        match self.0 {}
    }

    pub(super) fn mark<B>(self, _: &mut Response<B>) {
        match self.0 {}
    }
}
