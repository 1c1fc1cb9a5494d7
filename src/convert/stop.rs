//! Stop sequences, looked for in the texts of the answer where the provider cannot: OpenAI Responses has no parameter for
//! them, Anthropic takes none that is only white space.

/// More stop sequences, and longer ones, than any client has: each is looked for in every piece of the answer.
const MOST: usize = 64;
const LONGEST: usize = 1024;

/// Whether these are more, or longer, than the gateway looks for.
pub(crate) fn are_excessive(stops: &[String]) -> bool {
    stops.len() > MOST || stops.iter().any(|stop| stop.len() > LONGEST)
}

/// Looks through the deltas of one text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scanner {
    /// The end of the text so far, where it may be the beginning of a stop sequence.
    held: String,
}

/// What a piece of text comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Scanned {
    /// Text that holds no stop sequence, nor the beginning of one at its end.
    pub(crate) released: String,
    /// The stop sequence that follows it.
    pub(crate) hit: Option<usize>,
}

impl Scanner {
    /// Takes more text. The stop sequence that is complete first is met, as a provider would stop there; of two that end
    /// together the longer one. So it does not matter how the text was cut.
    pub(crate) fn push(&mut self, text: &str, stops: &[String]) -> Scanned {
        self.held.push_str(text);
        let found = stops
            .iter()
            .enumerate()
            .filter_map(|(index, stop)| {
                let at = self.held.find(stop.as_str())?;
                Some((at + stop.len(), at, index))
            })
            .min();
        if let Some((_, at, index)) = found {
            self.held.truncate(at);
            return Scanned {
                released: std::mem::take(&mut self.held),
                hit: Some(index),
            };
        }
        let kept = stops
            .iter()
            .map(|stop| overlap(&self.held, stop))
            .max()
            .unwrap_or(0);
        let kept = self.held.split_off(self.held.len() - kept);
        Scanned {
            released: std::mem::replace(&mut self.held, kept),
            hit: None,
        }
    }

    /// The rest, at the end of the text.
    pub(crate) fn flush(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

/// The length of the longest end of `text` that `stop` begins with, short of all of it.
fn overlap(text: &str, stop: &str) -> usize {
    stop.char_indices()
        .map(|(at, _)| at)
        .rev()
        .filter(|at| *at <= text.len())
        .find(|at| stop.get(..*at).is_some_and(|start| text.ends_with(start)))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(deltas: &[&str], stops: &[&str]) -> (String, Option<usize>, Vec<String>) {
        let stops: Vec<String> = stops.iter().map(|stop| (*stop).to_owned()).collect();
        let mut scanner = Scanner::default();
        let mut pieces = Vec::new();
        for delta in deltas {
            let scanned = scanner.push(delta, &stops);
            pieces.push(scanned.released);
            if scanned.hit.is_some() {
                return (pieces.concat(), scanned.hit, pieces);
            }
        }
        pieces.push(scanner.flush());
        (pieces.concat(), None, pieces)
    }

    #[test]
    fn hits() {
        for (deltas, stops, text, hit) in [
            (&["abcSTOPdef"][..], &["STOP"][..], "abc", Some(0)),
            (&["abcST", "O", "Pdef"], &["STOP"], "abc", Some(0)),
            (&["abcST", "Odd"], &["STOP"], "abcSTOdd", None),
            (&["x\n\n", "Human", ":"], &["\n\nHuman:"], "x", Some(0)),
            (&["aab"], &["b", "ab"], "a", Some(1)),
            (&["ab"], &["ab", "a"], "", Some(1)),
            (&["x\n \n\n"], &["\n \n\n", " \n"], "x\n", Some(1)),
            (&["x\n ", "\n\n"], &["\n \n\n", " \n"], "x\n", Some(1)),
            (&["é", "è", "x"], &["éèx"], "", Some(0)),
            (&["éè"], &["éèx"], "éè", None),
            (&["ababac"], &["abac"], "ab", Some(0)),
            (&["ab", "aba", "c"], &["abac"], "ab", Some(0)),
            (&["abc"], &[], "abc", None),
        ] {
            let (released, found, _) = run(deltas, stops);
            assert_eq!((released.as_str(), found), (text, hit), "{deltas:?}");
        }
    }

    #[test]
    fn only_what_may_become_a_stop_sequence_is_held() {
        let (_, _, pieces) = run(&["hello S", "x"], &["STOP"]);
        assert_eq!(pieces, ["hello ", "Sx", ""]);
    }

    #[test]
    fn cuts_make_no_difference() {
        let text = "one END two";
        for cut in 0..=text.len() {
            let (a, b) = text.split_at(cut);
            assert_eq!(run(&[a, b], &["END", "tw"]).0, "one ", "{cut}");
        }
    }

    #[test]
    fn only_so_many_and_so_long() {
        assert!(!are_excessive(&vec!["s".repeat(LONGEST); MOST]));
        assert!(are_excessive(&vec![String::new(); MOST + 1]));
        assert!(are_excessive(&["s".repeat(LONGEST + 1)]));
    }
}
