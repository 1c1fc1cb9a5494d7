//! Medians and ratios.

/// The median of some figures, and how far from it the middle half of them goes, in percent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Median {
    pub(crate) value: f64,
    pub(crate) spread: f64,
}

pub(crate) fn median(mut figures: Vec<f64>) -> Median {
    figures.sort_by(f64::total_cmp);
    let value = figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN);
    let quarter = figures.len() / 4;
    let (low, high) = (
        figures.get(quarter).copied().unwrap_or(value),
        figures.iter().rev().nth(quarter).copied().unwrap_or(value),
    );
    Median {
        value,
        spread: 100.0 * (high - value).max(value - low) / value,
    }
}

/// The figure below which this part of all figures is.
pub(crate) fn quantile(mut figures: Vec<f64>, part: f64) -> f64 {
    figures.sort_by(f64::total_cmp);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a position in a list"
    )]
    let at = (part * (figures.len().saturating_sub(1)) as f64) as usize;
    figures.get(at).copied().unwrap_or(f64::NAN)
}
