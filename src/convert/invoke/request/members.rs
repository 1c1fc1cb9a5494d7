//! The top-level members: which stay, which go elsewhere, and which Bedrock refuses.

use std::ops::Range;

use http::HeaderValue;

use super::Author;
use super::content::Mark;
use crate::codec::scan::{self, Scan};
use crate::convert::context::RequestContext;
use crate::convert::invoke::edits::Edits;
use crate::convert::report::Refusal;
use crate::format::raw::RawStr;

/// The beta that allows `compaction`.
const COMPACTION: &str = "compact-2026-01-12";

/// The top-level members of a body.
pub(super) struct Members<'a> {
    list: &'a [scan::Member<'a>],
    body: &'a [u8],
    gone: Vec<bool>,
    /// The client wants a stream.
    pub(super) streams: bool,
    /// What the header of that name says.
    pub(super) service_tier: Option<HeaderValue>,
}

impl<'a> Members<'a> {
    pub(super) fn read(scan: &'a Scan<'a>, body: &'a [u8]) -> Self {
        let list = scan.members();
        Self {
            list,
            body,
            gone: vec![false; list.len()],
            streams: scan.text("stream") == Some("true"),
            service_tier: None,
        }
    }

    /// Where a member's value stands, unless it is `null` or goes.
    pub(super) fn get(&self, name: &str) -> Option<Range<usize>> {
        let at = self.list.iter().position(|member| member.key == name)?;
        let stays = self.gone.get(at) == Some(&false);
        let span = self.list.get(at)?.value.clone();
        (stays && self.text(&span) != "null").then_some(span)
    }

    /// The JSON text of a value.
    pub(super) fn text(&self, span: &Range<usize>) -> &'a str {
        let text = self.body.get(span.clone()).unwrap_or_default();
        std::str::from_utf8(text).unwrap_or_default()
    }

    pub(super) fn remove(&mut self, name: &str) {
        let at = self.list.iter().position(|member| member.key == name);
        if let Some(gone) = at.and_then(|at| self.gone.get_mut(at)) {
            *gone = true;
        }
    }

    /// Takes away what Bedrock has elsewhere or refuses; `betas` are those that are sent.
    pub(super) fn filter(
        &mut self,
        author: Author,
        betas: &[impl AsRef<str>],
        edits: &mut Edits,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        for (at, member) in self.list.iter().enumerate() {
            let json = self.text(&member.value);
            let goes = match &*member.key {
                "model" | "stream" => true,
                "thinking" => {
                    self.hide_display(member.value.clone(), author, edits, cx);
                    false
                }
                "service_tier" => {
                    self.service_tier = service_tier(json, cx);
                    true
                }
                "speed" if json == "\"standard\"" => true,
                "context_management"
                | "speed"
                | "user_profile_id"
                | "workspace_id"
                | "diagnostics"
                | "billing_policy"
                | "fallback_credit_token"
                | "fallbacks" => {
                    if json != "null" {
                        cx.report.drop_field(member.key.clone().into_owned());
                    }
                    true
                }
                // Without them, the request would mean something else.
                "container" | "mcp_servers" | "inference_geo" | "thread" => {
                    if !is_empty(json) {
                        return Err(Refusal::unsupported(
                            member.key.clone().into_owned(),
                            format!("Bedrock has no `{}`", member.key),
                        ));
                    }
                    true
                }
                "compaction" if json == "null" => true,
                "compaction" if !betas.iter().any(|beta| beta.as_ref() == COMPACTION) => {
                    return Err(Refusal::unsupported(
                        "compaction",
                        format!("Bedrock takes `compaction` with the beta {COMPACTION} only"),
                    ));
                }
                "anthropic_version" | "anthropic_beta" | "cache_control" => json == "null",
                _ => false,
            };
            if let Some(gone) = self.gone.get_mut(at) {
                *gone |= goes;
            }
        }
        Ok(())
    }

    /// Removes `thinking.display`.
    fn hide_display(
        &self,
        thinking: Range<usize>,
        author: Author,
        edits: &mut Edits,
        cx: &mut RequestContext<'_>,
    ) {
        let list: Vec<_> = scan::members(self.body, thinking).collect();
        let Some(display) = list.iter().position(|member| member.key == "display") else {
            return;
        };
        let spans: Vec<_> = list.iter().map(|m| m.name.start..m.value.end).collect();
        edits.cut(&spans, |at| at == display);
        let path = match author {
            Author::Client => Some("thinking.display"),
            Author::Converter { display, .. } => display,
        };
        if let Some(path) = path {
            cx.report.drop_field(path);
        }
    }

    /// Takes away the cache mark for the whole request, which Bedrock may not take: it goes onto the last block.
    pub(super) fn take_automatic_mark(
        &mut self,
        author: Author,
        cx: &mut RequestContext<'_>,
    ) -> Option<Mark> {
        if cx.options.native_auto_cache == Some(true) {
            return None;
        }
        let span = self.get("cache_control")?;
        self.remove("cache_control");
        let path = match author {
            Author::Client => "cache_control",
            Author::Converter { cache, .. } => cache,
        };
        cx.report.approximate(path);
        Some(Mark { span, path })
    }

    /// Cuts what goes, and adds `more` behind the last member: members, each with a comma before it.
    pub(super) fn finish(self, edits: &mut Edits, more: &[u8]) {
        let spans: Vec<_> = self
            .list
            .iter()
            .map(|member| member.name.start..member.value.end)
            .collect();
        edits.cut(&spans, |at| self.gone.get(at) == Some(&true));
        let end = self.body.trim_ascii_end().len().saturating_sub(1);
        let nothing_stays = self.gone.iter().all(|gone| *gone);
        let more = more.get(usize::from(nothing_stays)..).unwrap_or_default();
        edits.insert(end, more.to_vec());
    }
}

/// Whether a member asks for nothing.
fn is_empty(json: &str) -> bool {
    json == "null" || json == "[]"
}

/// The service tier in AWS's words.
fn service_tier(json: &str, cx: &mut RequestContext<'_>) -> Option<HeaderValue> {
    match RawStr::from_json(json).map(RawStr::decode).as_deref() {
        Some("standard_only") => Some(HeaderValue::from_static("default")),
        Some("auto") => None,
        _ => {
            if json != "null" {
                cx.report.drop_field("service_tier");
            }
            None
        }
    }
}
