//! Streams that end at a stop sequence which the gateway looks for itself.

use crate::convert::stop::Scanner;

/// Looks for stop sequences in the client's text.
#[derive(Debug)]
pub(in crate::convert) struct Cutter {
    stops: Vec<String>,
    scanner: Scanner,
    /// Unicode scalar values that went to the client.
    released: u64,
    is_cut: bool,
    /// Cited texts that ended while something was held back: where, and the size of the annotations before theirs.
    cited: Vec<(u64, usize)>,
}

impl Cutter {
    /// `None` where there is nothing to look for.
    pub(in crate::convert) fn new(stops: &[String]) -> Option<Self> {
        (!stops.is_empty()).then(|| Self {
            stops: stops.to_vec(),
            scanner: Scanner::default(),
            released: 0,
            is_cut: false,
            cited: Vec::new(),
        })
    }

    /// Whether a stop sequence was met: there is no text after it.
    pub(in crate::convert) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Takes more text, and returns what the client gets.
    pub(in crate::convert) fn push(&mut self, text: &str) -> String {
        if self.is_cut {
            return String::new();
        }
        let scanned = self.scanner.push(text, &self.stops);
        self.is_cut = scanned.hit.is_some();
        self.release(scanned.released)
    }

    /// What was held back, where no stop sequence can follow.
    pub(in crate::convert) fn flush(&mut self) -> String {
        let rest = self.scanner.flush();
        self.release(rest)
    }

    fn release(&mut self, text: String) -> String {
        let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
        self.released = self.released.saturating_add(length);
        let released = self.released;
        self.cited.retain(|(end, _)| *end > released);
        text
    }

    /// A text with citations ends at `end`; the annotations before its own have this size.
    pub(in crate::convert) fn cite(&mut self, end: u64, size: usize) {
        if end > self.released {
            self.cited.push((end, size));
        }
    }

    /// The size of the annotations without those of texts that were cut; `None` where all are the client's.
    pub(in crate::convert) fn citations(&self) -> Option<usize> {
        self.cited.iter().map(|(_, size)| *size).min()
    }
}
