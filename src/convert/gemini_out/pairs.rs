//! Which result answers which call.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};

use crate::convert::report::Refusal;

/// The calls and results of a conversation, in the order in which the client's list holds them.
///
/// Messages of the model that follow each other are one turn; its results go right behind it, in the order of its calls,
/// wherever the client put them.
#[derive(Debug, Default)]
pub(crate) struct Pairs<'a> {
    calls: Vec<Call<'a>>,
    /// Calls that wait for their result, by id.
    open: HashMap<Cow<'a, str>, VecDeque<usize>>,
}

#[derive(Debug)]
struct Call<'a> {
    /// The turn that it belongs to.
    turn: usize,
    id: Cow<'a, str>,
    name: Cow<'a, str>,
    /// Where in the client's list its result stands.
    result: Option<usize>,
}

/// A call and where its result stands in the client's list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paired<'p> {
    pub(crate) id: &'p str,
    pub(crate) name: &'p str,
    pub(crate) result: usize,
}

impl<'a> Pairs<'a> {
    /// Notes a call of the turn that begins at `turn` in the client's list.
    pub(crate) fn call(
        &mut self,
        turn: usize,
        id: impl Into<Cow<'a, str>>,
        name: impl Into<Cow<'a, str>>,
    ) {
        let id = id.into();
        let place = self.calls.len();
        self.open.entry(id.clone()).or_default().push_back(place);
        self.calls.push(Call {
            turn,
            id,
            name: name.into(),
            result: None,
        });
    }

    /// Notes the result at `at` of the call `id`; `list` is the client's name of the list.
    ///
    /// # Errors
    /// There is no such call, in OpenAI's words.
    pub(crate) fn result(&mut self, list: &str, at: usize, id: &str) -> Result<(), Refusal> {
        let call = self.open.get_mut(id).and_then(VecDeque::pop_front);
        let Some(call) = call.and_then(|call| self.calls.get_mut(call)) else {
            return Err(Refusal::invalid(
                format!("{list}[{at}]"),
                format!("No tool call found for function call output with call_id {id}."),
            ));
        };
        call.result = Some(at);
        Ok(())
    }

    /// Checks that every call has a result. Those of a turn at `last`, after which nothing comes, may still be running.
    ///
    /// # Errors
    /// One has none, in OpenAI's words.
    pub(crate) fn check(&self, list: &str, last: Option<usize>) -> Result<(), Refusal> {
        let unanswered = self
            .calls
            .iter()
            .find(|call| call.result.is_none() && Some(call.turn) != last);
        match unanswered {
            None => Ok(()),
            Some(call) => Err(Refusal::invalid(
                format!("{list}[{}]", call.turn),
                format!("No tool output found for function call {}.", call.id),
            )),
        }
    }

    /// The results of a turn, in the order of its calls.
    pub(crate) fn results(&self, turn: usize) -> impl Iterator<Item = Paired<'_>> {
        let first = self.calls.partition_point(|call| call.turn < turn);
        let rest = self.calls.get(first..).unwrap_or_default();
        rest.iter()
            .take_while(move |call| call.turn == turn)
            .filter_map(|call| {
                Some(Paired {
                    id: &call.id,
                    name: &call.name,
                    result: call.result?,
                })
            })
    }
}
