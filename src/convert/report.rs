//! What a conversion could not carry exactly.

use std::borrow::Cow;

use crate::endpoint::Format;
use crate::format::error::{ClientError, Fault};

/// The client's fields that a conversion approximated or dropped, by path (`messages[].name`, array indexes as `[]`).
///
/// Sent to the client as `x-gateway-approximated` and `x-gateway-dropped`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LossReport {
    dropped: Vec<Cow<'static, str>>,
    approximated: Vec<Cow<'static, str>>,
}

impl LossReport {
    /// Fields that were left out: hints that the target has no word for.
    #[must_use]
    pub fn dropped(&self) -> &[Cow<'static, str>] {
        &self.dropped
    }

    /// Fields that were carried in another shape or with another value.
    #[must_use]
    pub fn approximated(&self) -> &[Cow<'static, str>] {
        &self.approximated
    }

    pub(crate) fn drop_field(&mut self, path: impl Into<Cow<'static, str>>) {
        push_once(&mut self.dropped, path.into());
    }

    pub(crate) fn approximate(&mut self, path: impl Into<Cow<'static, str>>) {
        push_once(&mut self.approximated, path.into());
    }
}

fn push_once(list: &mut Vec<Cow<'static, str>>, path: Cow<'static, str>) {
    // A request that drops thousands of different paths is not worth a longer list: the header is cut at 2 KiB.
    if list.len() < 256 && !list.contains(&path) {
        list.push(path);
    }
}

/// Why a request cannot be carried to the target: answered with 400 in the client's format, without any upstream call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) fault: Fault,
    /// The client's field, with array indexes (`messages[2].content[0]`).
    pub(crate) param: Cow<'static, str>,
    pub(crate) message: Cow<'static, str>,
}

impl Refusal {
    /// A field that the target has no way to express; another target may.
    pub(crate) fn unsupported(
        param: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            fault: Fault::Unsupported,
            param: param.into(),
            message: message.into(),
        }
    }

    /// A field whose value no target would take.
    pub(crate) fn invalid(
        param: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            fault: Fault::Invalid,
            param: param.into(),
            message: message.into(),
        }
    }

    pub(crate) fn into_client_error(self, format: Format) -> ClientError {
        ClientError::gateway(format, self.fault, self.message).with_param(self.param)
    }
}
