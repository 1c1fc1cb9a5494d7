//! Marks for prompt caches that an owner wants in requests that have none.

/// Where a request gets marks for the provider's prompt cache when the client sets none itself.
///
/// Everything up to a mark is read from the cache when a later request begins with the same; providers charge more for writing
/// there than for plain input, and less for reading. Whether a prefix is long enough is the provider's to say. Only `anthropic` and
/// the two Bedrock providers take such marks; other targets' requests stay as they are.
///
/// In a configuration file: `true`, `false`, or a table of these fields; what a table does not name is marked, for five minutes.
///
/// Sources: Anthropic's and AWS's pages on prompt caching.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize),
    serde(from = "written::Form")
)]
#[non_exhaustive]
pub struct CacheMarks {
    /// Behind the last tool.
    pub tools: bool,
    /// Behind the system prompt.
    pub system: bool,
    /// Behind the user's last message.
    pub last_message: bool,
    /// How long what is written there lives.
    pub ttl: CacheTtl,
}

/// How long a prefix lives in a prompt cache since it was last read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "config", derive(serde::Deserialize))]
#[non_exhaustive]
pub enum CacheTtl {
    /// Five minutes.
    #[default]
    #[cfg_attr(feature = "config", serde(rename = "5m"))]
    FiveMinutes,
    /// An hour, where the model takes that.
    #[cfg_attr(feature = "config", serde(rename = "1h"))]
    Hour,
}

impl CacheMarks {
    /// Marks in all places, for five minutes.
    pub const ALL: Self = Self {
        tools: true,
        system: true,
        last_message: true,
        ttl: CacheTtl::FiveMinutes,
    };
    /// No marks: for a target whose route has some.
    pub const NONE: Self = Self {
        tools: false,
        system: false,
        last_message: false,
        ..Self::ALL
    };

    /// The same marks with this lifetime.
    #[must_use]
    pub fn ttl(mut self, ttl: CacheTtl) -> Self {
        self.ttl = ttl;
        self
    }
}

#[cfg(feature = "config")]
mod written {
    use std::fmt;

    use serde::de::value::MapAccessDeserializer;
    use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

    use super::{CacheMarks, CacheTtl};

    /// A table of marks.
    #[derive(serde::Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Table {
        tools: bool,
        system: bool,
        last_message: bool,
        ttl: CacheTtl,
    }

    impl Default for Table {
        fn default() -> Self {
            let CacheMarks {
                tools,
                system,
                last_message,
                ttl,
            } = CacheMarks::ALL;
            Self {
                tools,
                system,
                last_message,
                ttl,
            }
        }
    }

    /// What stands in a file.
    pub(super) struct Form(CacheMarks);

    impl From<Form> for CacheMarks {
        fn from(Form(marks): Form) -> Self {
            marks
        }
    }

    impl<'de> Deserialize<'de> for Form {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Either;
            impl<'de> Visitor<'de> for Either {
                type Value = Form;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("true, false or a table of cache marks")
                }

                fn visit_bool<E>(self, all: bool) -> Result<Form, E> {
                    Ok(Form(if all {
                        CacheMarks::ALL
                    } else {
                        CacheMarks::NONE
                    }))
                }

                fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Form, A::Error> {
                    let Table {
                        tools,
                        system,
                        last_message,
                        ttl,
                    } = Table::deserialize(MapAccessDeserializer::new(map))?;
                    Ok(Form(CacheMarks {
                        tools,
                        system,
                        last_message,
                        ttl,
                    }))
                }
            }
            deserializer.deserialize_any(Either)
        }
    }
}

#[cfg(all(test, feature = "config"))]
mod tests {
    use super::*;

    #[test]
    fn forms_in_a_file() {
        #[derive(serde::Deserialize)]
        struct File {
            marks: CacheMarks,
        }
        let read = |text: &str| toml::from_str::<File>(text).map(|file| file.marks);
        assert_eq!(read("marks = true").unwrap(), CacheMarks::ALL);
        assert_eq!(read("marks = false").unwrap(), CacheMarks::NONE);
        assert_eq!(read("marks = {}").unwrap(), CacheMarks::ALL);
        let hour = CacheMarks::ALL.ttl(CacheTtl::Hour);
        assert_eq!(read("marks = { ttl = \"1h\" }").unwrap(), hour);
        let system = CacheMarks {
            system: true,
            ..CacheMarks::NONE
        };
        let text = "marks = { tools = false, last_message = false, ttl = \"5m\" }";
        assert_eq!(read(text).unwrap(), system);
        for text in [
            "marks = 1",
            "marks = \"1h\"",
            "marks = { ttl = \"2h\" }",
            "marks = { last = true }",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
