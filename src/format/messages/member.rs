//! Members that read as absent where they are not what they should be.

use serde::de::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::format::raw::RawStr;

/// A string member; absent when it is `null` or no string.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Text<'a>(Option<RawStr<'a>>);

impl<'a> Text<'a> {
    /// The string, if there is one.
    pub(crate) fn get(self) -> Option<RawStr<'a>> {
        self.0
    }

    /// The string, if there is one with at least one character.
    pub(crate) fn non_empty(self) -> Option<RawStr<'a>> {
        self.0.filter(|text| !text.is_empty())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(RawStr::new(<&'de RawValue>::deserialize(
            deserializer,
        )?)))
    }
}

/// A non-negative integer member; absent when it is `null` or anything else.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Count(Option<u64>);

impl Count {
    /// The number, if there is one.
    pub(crate) fn get(self) -> Option<u64> {
        self.0
    }

    /// Replaces what `slot` holds, where there is a number.
    pub(crate) fn overwrite(self, slot: &mut Option<u64>) {
        if self.0.is_some() {
            *slot = self.0;
        }
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?;
        Ok(Self(raw.get().parse().ok()))
    }
}
