//! How an upstream stream is cut into pieces.

use bytes::Bytes;

/// SplitMix64: a few fixed random numbers without a dependency.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap();
        usize::try_from(self.next() % bound).unwrap()
    }
}

/// Pieces of this many bytes.
pub(crate) fn every(stream: &Bytes, size: usize) -> Vec<Bytes> {
    let mut rest = stream.clone();
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        pieces.push(rest.split_to(size.min(rest.len())));
    }
    pieces
}

/// Pieces cut at up to `count` random places.
pub(crate) fn random(stream: &Bytes, seed: u64, count: usize) -> Vec<Bytes> {
    let mut random = Random::new(seed);
    let mut places: Vec<_> = (0..count).map(|_| random.below(stream.len())).collect();
    places.push(stream.len());
    places.sort_unstable();
    let mut start = 0;
    let mut pieces = Vec::new();
    for place in places {
        if place > start {
            pieces.push(stream.slice(start..place));
            start = place;
        }
    }
    pieces
}
