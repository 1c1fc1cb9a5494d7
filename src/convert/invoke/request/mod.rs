//! Requests: spliced, not rewritten.

mod content;
mod fold;
mod members;
mod tools;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use http::header::ACCEPT;
use http::{HeaderName, HeaderValue};

use self::members::Members;
use super::betas;
use super::edits::Edits;
use crate::codec::scan::{ScanLimits, elements, scan};
use crate::codec::write;
use crate::convert::context::{ConvertedRequest, RequestContext};
use crate::convert::report::Refusal;
use crate::format::error::Fault;
use crate::format::raw::RawStr;
use crate::models::Capabilities;
use crate::options::{MidSystem, Options};

pub(crate) use self::fold::is_cacheable;
pub(crate) use self::tools::runs_tool;

/// The version that AWS demands in bodies.
const VERSION: &str = "bedrock-2023-05-31";
/// The largest body that InvokeModel takes, in bytes.
const LARGEST: usize = 25_000_000;
/// In which a stream's inner media type is asked for.
const X_ACCEPT: HeaderName = HeaderName::from_static("x-amzn-bedrock-accept");
const SERVICE_TIER: HeaderName = HeaderName::from_static("x-amzn-bedrock-service-tier");
const BETA: &str = "anthropic-beta";
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Who wrote a body, and the client's names for what is taken away from it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Author {
    /// The client itself: all of it is looked at.
    Client,
    /// A converter, which knew that it writes for Bedrock.
    Converter {
        /// The client's member that says whether thinking is shown, where it has one.
        display: Option<&'static str>,
        /// The client's member that asks for automatic caching.
        cache: &'static str,
    },
}

/// A body for InvokeModel.
#[derive(Debug)]
pub(super) struct Edited {
    pub(super) body: Vec<u8>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

/// What a model can do, where InvokeModel serves it and the owner says no more: only the newest of Anthropic's own take system
/// messages between the others there.
pub(crate) fn adapt(capabilities: &mut Capabilities, options: &Options) {
    capabilities.mid_system = options.mid_system == Some(MidSystem::Native);
}

/// Edits the request of a Messages client.
///
/// # Errors
/// The request holds something that Bedrock has no place for and that may not be left out.
pub(crate) fn convert(
    body: &[u8],
    cx: &mut RequestContext<'_>,
) -> Result<ConvertedRequest<()>, Refusal> {
    let Edited { body, headers } = edit(body, Author::Client, &[], cx)?;
    Ok(ConvertedRequest {
        body: limited(body)?,
        headers,
        state: (),
    })
}

/// Edits a request that was converted from Chat for Anthropic; `client` is what it was made of.
pub(crate) fn of_chat<S>(
    converted: ConvertedRequest<S>,
    client: &[u8],
    cx: &mut RequestContext<'_>,
) -> Result<ConvertedRequest<S>, Refusal> {
    let display = crate::codec::contains(client, b"\"display\"").then_some("thinking.display");
    let author = Author::Converter {
        display,
        cache: "prompt_cache_options",
    };
    of_converter(converted, author, cx)
}

/// Edits a request that was converted from Responses for Anthropic; `client` is what it was made of.
pub(crate) fn of_responses<S>(
    converted: ConvertedRequest<S>,
    client: &[u8],
    cx: &mut RequestContext<'_>,
) -> Result<ConvertedRequest<S>, Refusal> {
    let display = crate::codec::contains(client, b"\"summary\"").then_some("reasoning.summary");
    let author = Author::Converter {
        display,
        cache: "prompt_cache_options",
    };
    of_converter(converted, author, cx)
}

fn of_converter<S>(
    converted: ConvertedRequest<S>,
    author: Author,
    cx: &mut RequestContext<'_>,
) -> Result<ConvertedRequest<S>, Refusal> {
    let ConvertedRequest {
        body,
        headers,
        state,
    } = converted;
    // Its version goes into the body, and so do its betas.
    let Edited { body, headers } = edit(&body, author, &headers, cx)?;
    Ok(ConvertedRequest {
        body: limited(body)?,
        headers,
        state,
    })
}

/// A body that is not too large.
fn limited(body: Vec<u8>) -> Result<Bytes, Refusal> {
    if body.len() > LARGEST {
        return Err(Refusal {
            fault: Fault::TooLarge,
            param: Cow::Borrowed(""),
            message: Cow::Borrowed("Bedrock takes request bodies of at most 25,000,000 bytes"),
        });
    }
    Ok(Bytes::from(body))
}

/// Makes the edits. `written`: the headers that a converter wrote for Anthropic.
pub(super) fn edit(
    body: &[u8],
    author: Author,
    written: &[(HeaderName, HeaderValue)],
    cx: &mut RequestContext<'_>,
) -> Result<Edited, Refusal> {
    let limits = ScanLimits {
        depth: 128,
        members: usize::MAX,
    };
    let scan =
        scan(body, limits).map_err(|_| Refusal::invalid("", "the body is no JSON object"))?;
    let mut edits = Edits::default();
    let mut members = Members::read(&scan, body);

    let betas = betas(body, &members, author, written, cx)?;
    members.filter(author, &betas, &mut edits, cx)?;
    if matches!(author, Author::Client) {
        if cx.headers.contains_key("anthropic-user-profile-id") {
            cx.report.drop_field("anthropic-user-profile-id");
        }
        tools::filter(body, &mut members, &mut edits, cx)?;
        if let Some(system) = members.get("system") {
            content::system(body, system, &mut edits, cx);
        }
    }
    if let Some(messages) = members.get("messages") {
        let mark = members.take_automatic_mark(author, cx);
        let all = matches!(author, Author::Client);
        content::messages(body, messages, all, mark, &mut edits, cx)?;
    }

    let mut added = BytesMut::new();
    if members.get("anthropic_version").is_none() {
        let version = cx.options.anthropic_version.as_deref().unwrap_or(VERSION);
        added.extend_from_slice(b",\"anthropic_version\":");
        write::string(&mut added, version);
    }
    if betas.is_empty() {
        members.remove("anthropic_beta");
    } else {
        let mut list = BytesMut::new();
        for (at, name) in betas.iter().enumerate() {
            list.extend_from_slice(if at == 0 { b"[" } else { b"," });
            write::string(&mut list, name);
        }
        list.extend_from_slice(b"]");
        if let Some(span) = members.get("anthropic_beta") {
            edits.replace(span, list.to_vec());
        } else {
            added.extend_from_slice(b",\"anthropic_beta\":");
            added.extend_from_slice(&list);
        }
    }
    let streams = members.streams;
    let tier = members.service_tier.take();
    members.finish(&mut edits, &added);
    let body = edits
        .apply(body, 0..body.len())
        .map_err(|_| Refusal::invalid("", "the request cannot be edited"))?;

    let mut headers = vec![(if streams { X_ACCEPT } else { ACCEPT }, JSON)];
    if let Some(tier) = tier {
        headers.push((SERVICE_TIER, tier));
    }
    Ok(Edited { body, headers })
}

/// The betas that are sent: those that the client's headers or the converter's name, then the body's.
fn betas<'x, 'r: 'x>(
    body: &'x [u8],
    members: &Members<'_>,
    author: Author,
    written: &'x [(HeaderName, HeaderValue)],
    cx: &mut RequestContext<'r>,
) -> Result<Vec<Cow<'x, str>>, Refusal> {
    let mut asked: Vec<Cow<'x, str>> = Vec::new();
    match author {
        Author::Client => asked.extend(betas::in_headers(cx.headers).map(Cow::Borrowed)),
        Author::Converter { .. } => {
            let written = written.iter().filter(|(name, _)| name == BETA);
            let lists = written.filter_map(|(_, list)| list.to_str().ok());
            asked.extend(lists.flat_map(|list| list.split(',')).map(Cow::Borrowed));
        }
    }
    if let Some(list) = members.get("anthropic_beta") {
        for element in elements(body, list) {
            let text = body
                .get(element)
                .and_then(|text| std::str::from_utf8(text).ok());
            let name = text.and_then(RawStr::from_json).ok_or_else(|| {
                Refusal::invalid(
                    "anthropic_beta",
                    "`anthropic_beta` must be a list of strings",
                )
            })?;
            asked.push(name.decode());
        }
    }
    let older = cx.capabilities.bedrock.interleaved_beta;
    Ok(betas::select(
        asked,
        cx.options.betas.as_ref(),
        older,
        cx.report,
    ))
}
