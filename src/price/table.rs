//! Which price a call has.

use std::sync::Arc;

use super::Price;
use crate::glob;

/// Prices by `*` glob over the model's id at the provider, or over `CONNECTION/model-id`.
///
/// The most particular pattern that matches counts, alone: the one with the most characters that are no `*`. So the order of the
/// patterns does not matter.
#[derive(Debug, Clone, Default)]
pub struct PriceTable {
    prices: Vec<(String, Arc<Price>)>,
}

impl PriceTable {
    /// A table without any price: no cost is known but what providers themselves say.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same table with a price for the models that match `glob`. A pattern that is there already gets the new price.
    #[must_use]
    pub fn with(mut self, glob: impl Into<String>, price: Price) -> Self {
        let glob = glob.into();
        self.prices.retain(|(known, _)| *known != glob);
        self.prices.push((glob, Arc::new(price)));
        self.prices
            .sort_by_cached_key(|(glob, _)| (std::cmp::Reverse(literals(glob)), glob.clone()));
        self
    }

    /// Whether there is no price at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.prices.is_empty()
    }

    /// The price of `model` over `connection`.
    #[must_use]
    pub fn lookup(&self, connection: &str, model: &str) -> Option<&Arc<Price>> {
        if self.prices.is_empty() {
            return None;
        }
        let full = format!("{connection}/{model}");
        self.prices
            .iter()
            .find(|(glob, _)| glob::matches(glob, model) || glob::matches(glob, &full))
            .map(|(_, price)| price)
    }
}

/// How particular a pattern is.
fn literals(glob: &str) -> usize {
    glob.bytes().filter(|byte| *byte != b'*').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_particular_pattern_counts_whatever_the_order() {
        let price = |dollars: &str| Price::new(dollars.parse().unwrap(), dollars.parse().unwrap());
        let entries = [
            ("*", "1"),
            ("gpt-5*", "2"),
            ("gpt-5-mini", "3"),
            ("azure/gpt-5*", "4"),
            ("azure/*", "5"),
            ("openai/gpt-oss-*", "6"),
        ];
        for turn in 0..entries.len() {
            let mut order = entries;
            order.rotate_left(turn);
            let table = order
                .iter()
                .fold(PriceTable::new(), |table, (glob, dollars)| {
                    table.with(*glob, price(dollars))
                });
            for (connection, model, dollars) in [
                ("openai", "gpt-5.5", "2"),
                ("openai", "gpt-5-mini", "3"),
                ("azure", "gpt-5.5", "4"),
                ("azure", "gpt-4", "5"),
                ("groq", "openai/gpt-oss-120b", "6"),
                ("groq", "kimi", "1"),
            ] {
                let found = table.lookup(connection, model).unwrap();
                assert_eq!(**found, price(dollars), "{connection}/{model}");
            }
        }
        assert!(PriceTable::new().lookup("a", "b").is_none());
        let replaced = PriceTable::new()
            .with("*", price("1"))
            .with("*", price("2"));
        assert_eq!(**replaced.lookup("a", "b").unwrap(), price("2"));
    }
}
