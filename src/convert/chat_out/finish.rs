//! The order and the shape that a provider demands of the messages.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{Assistant, Conversation, Escaped, Part, ToolResult, Turn, escaped};
use crate::convert::report::{LossReport, Refusal};
use crate::provider::chat_profile::{ChatProfile, MidSystem};

/// What becomes of a system message between the others, where the provider honours only one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LateSystem {
    /// Its text joins that of the first.
    Merge,
    /// It becomes a marked text of the user, in its place.
    Mark,
}

/// Messages as the provider takes them.
#[derive(Debug)]
pub(crate) struct Finished<'a> {
    pub(super) system: Vec<Escaped<'a>>,
    pub(super) turns: Vec<Turn<'a>>,
    pub(super) signatures: HashMap<String, String>,
    /// From where on the model's current turn goes: calls must be signed, reasoning goes back.
    pub(super) current: usize,
    pub(super) demands_signatures: bool,
    pub(super) replays_reasoning: bool,
    pub(super) profile: &'static ChatProfile,
}

/// What stands before a system message that became the user's.
const MARK: &str = r"[System message]\n";

impl<'a> Conversation<'a> {
    /// Brings the turns into the order that the provider demands. `list` is the client's name of the list (`messages`).
    ///
    /// # Errors
    /// Calls and results do not match, or the provider does not take the order of the roles.
    pub(crate) fn finish(
        self,
        list: &'static str,
        profile: &'static ChatProfile,
        model: &str,
        late: LateSystem,
        report: &mut LossReport,
    ) -> Result<Finished<'a>, Refusal> {
        let rules = Rules { list, profile };
        let (system, turns) = rules.place_system(without_empty(self.turns), late, report);
        let turns = rules.pair(merge_assistants(turns))?;
        let turns = if profile.alternates {
            merge_users(turns)
        } else {
            turns
        };
        rules.check_order(&turns)?;
        let current = turns
            .iter()
            .rposition(|turn| matches!(turn, Turn::User { speaks: true, .. }))
            .map_or(0, |last| last + 1);
        Ok(Finished {
            system,
            turns,
            signatures: self.signatures,
            current,
            demands_signatures: profile.demands_signatures(model),
            replays_reasoning: profile
                .reasoning(model)
                .is_some_and(|reasoning| reasoning.replay),
            profile,
        })
    }
}

struct Rules {
    list: &'static str,
    profile: &'static ChatProfile,
}

impl Rules {
    fn refuse(&self, at: usize, message: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal::invalid(format!("{}[{at}]", self.list), message)
    }

    /// Puts every result right behind the message that holds its call.
    fn pair<'a>(&self, turns: Vec<Turn<'a>>) -> Result<Vec<Turn<'a>>, Refusal> {
        /// Calls that wait for their result, and the results by the assistant message they belong to.
        #[derive(Default)]
        struct Owner<'a> {
            results: Vec<ToolResult<'a>>,
        }
        let mut open: HashMap<Cow<'a, str>, Vec<usize>> = HashMap::new();
        let mut owners: Vec<Owner<'a>> = Vec::new();
        let mut kept = Vec::with_capacity(turns.len());
        let count = turns.len();
        for (place, turn) in turns.into_iter().enumerate() {
            match turn {
                Turn::Assistant(assistant) if !assistant.calls.is_empty() => {
                    if !self.profile.tools {
                        return Err(Refusal::unsupported(
                            format!("{}[{}]", self.list, assistant.at),
                            "this provider has no tools, and takes no calls of any in the history",
                        ));
                    }
                    for call in &assistant.calls {
                        open.entry(call.id.clone()).or_default().push(owners.len());
                    }
                    kept.push((place, Some(owners.len()), Turn::Assistant(assistant)));
                    owners.push(Owner::default());
                }
                Turn::Result(result) => {
                    let owner = open.get_mut(&result.id).and_then(Vec::pop);
                    let Some(owner) = owner.and_then(|owner| owners.get_mut(owner)) else {
                        return Err(self.refuse(
                            result.at,
                            format!(
                                "No tool call found for function call output with call_id {}.",
                                result.id
                            ),
                        ));
                    };
                    owner.results.push(result);
                }
                other => kept.push((place, None, other)),
            }
        }
        let mut paired = Vec::with_capacity(count);
        for (place, owner, turn) in kept {
            if let (Turn::Assistant(assistant), Some(owner)) = (&turn, owner) {
                // The calls of the very last message may still be running.
                let unanswered = assistant.calls.iter().find(|call| {
                    open.get(&call.id)
                        .is_some_and(|waiting| waiting.contains(&owner))
                });
                if let Some(call) = unanswered
                    && place + 1 < count
                {
                    return Err(self.refuse(
                        assistant.at,
                        format!("No tool output found for function call {}.", call.id),
                    ));
                }
            }
            paired.push(turn);
            let results = owner.and_then(|owner| owners.get_mut(owner));
            let mut media = Vec::new();
            let mut first = 0;
            for mut result in results
                .map(|o| std::mem::take(&mut o.results))
                .into_iter()
                .flatten()
            {
                for item in std::mem::take(&mut result.media) {
                    if media.is_empty() {
                        first = result.at;
                    }
                    media.push(Part::Text(Cow::Owned(format!(
                        "[{} returned by tool call {}]",
                        item.noun(),
                        escaped(&result.id)
                    ))));
                    media.push(Part::Media(item));
                }
                paired.push(Turn::Result(result));
            }
            if !media.is_empty() {
                paired.push(Turn::User {
                    at: first,
                    parts: media,
                    speaks: false,
                });
            }
        }
        Ok(paired)
    }

    /// The text of the one system message, and the other turns.
    fn place_system<'a>(
        &self,
        turns: Vec<Turn<'a>>,
        late: LateSystem,
        report: &mut LossReport,
    ) -> (Vec<Escaped<'a>>, Vec<Turn<'a>>) {
        let mut system = Vec::new();
        let mut placed = Vec::with_capacity(turns.len());
        for turn in turns {
            let Turn::System { at, texts } = turn else {
                placed.push(turn);
                continue;
            };
            if placed.is_empty() {
                system.extend(texts);
                continue;
            }
            match (self.profile.mid_system, late) {
                (MidSystem::Keep, _) => placed.push(Turn::System { at, texts }),
                (MidSystem::One, LateSystem::Merge) => {
                    report.approximate(format!("{}[].role", self.list));
                    system.extend(texts);
                }
                (MidSystem::One, LateSystem::Mark) | (MidSystem::User, _) => {
                    report.approximate(format!("{}[].role", self.list));
                    let text = format!("{MARK}{}", texts.join(r"\n\n"));
                    placed.push(Turn::User {
                        at,
                        parts: vec![Part::Text(Cow::Owned(text))],
                        speaks: false,
                    });
                }
            }
        }
        (system, placed)
    }

    fn check_order(&self, turns: &[Turn<'_>]) -> Result<(), Refusal> {
        let talks = |turn: &&Turn<'_>| !matches!(turn, Turn::System { .. });
        let Some(first) = turns.iter().find(talks) else {
            return Err(Refusal::invalid(
                self.list,
                format!("`{}` holds no message of the user", self.list),
            ));
        };
        let speaks = |turn: &Turn<'_>| matches!(turn, Turn::Assistant(_));
        if self.profile.alternates && speaks(first) {
            return Err(Refusal::unsupported(
                format!("{}[{}]", self.list, first.at()),
                "this provider takes no message of the assistant before one of the user",
            ));
        }
        let last = turns.iter().rfind(talks).filter(|last| speaks(last));
        if let (false, Some(last)) = (self.profile.prefill, last) {
            return Err(Refusal::unsupported(
                format!("{}[{}]", self.list, last.at()),
                "this provider takes no message of the assistant at the end",
            ));
        }
        Ok(())
    }
}

/// The turns that hold anything, without their empty texts.
fn without_empty(turns: Vec<Turn<'_>>) -> Vec<Turn<'_>> {
    turns
        .into_iter()
        .filter_map(|mut turn| {
            let holds = match &mut turn {
                Turn::System { texts, .. } => {
                    texts.retain(|text| !text.is_empty());
                    !texts.is_empty()
                }
                Turn::User { parts, .. } => {
                    parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
                    !parts.is_empty()
                }
                Turn::Assistant(Assistant {
                    texts,
                    calls,
                    reasoning,
                    ..
                }) => {
                    texts.retain(|text| !text.is_empty());
                    reasoning.retain(|text| !text.is_empty());
                    !(texts.is_empty() && calls.is_empty())
                }
                Turn::Result(_) => true,
            };
            holds.then_some(turn)
        })
        .collect()
}

fn merge_assistants(turns: Vec<Turn<'_>>) -> Vec<Turn<'_>> {
    let mut merged: Vec<Turn<'_>> = Vec::with_capacity(turns.len());
    for turn in turns {
        match (merged.last_mut(), turn) {
            (Some(Turn::Assistant(last)), Turn::Assistant(next)) => {
                last.texts.extend(next.texts);
                last.reasoning.extend(next.reasoning);
                last.calls.extend(next.calls);
                last.signature = next.signature.or_else(|| last.signature.take());
            }
            (_, turn) => merged.push(turn),
        }
    }
    merged
}

fn merge_users(turns: Vec<Turn<'_>>) -> Vec<Turn<'_>> {
    let mut merged: Vec<Turn<'_>> = Vec::with_capacity(turns.len());
    for turn in turns {
        match (merged.last_mut(), turn) {
            (
                Some(Turn::User { parts, speaks, .. }),
                Turn::User {
                    parts: mut more,
                    speaks: speaks_too,
                    ..
                },
            ) => {
                *speaks |= speaks_too;
                let plain = |part: &Part<'_>| matches!(part, Part::Text(_));
                if let (true, Some(Part::Text(first))) =
                    (parts.iter().chain(&more).all(plain), more.first_mut())
                {
                    // Several texts of one message are lines; several messages are paragraphs.
                    *first = Cow::Owned(format!(r"\n{first}"));
                }
                parts.append(&mut more);
            }
            (_, turn) => merged.push(turn),
        }
    }
    merged
}
