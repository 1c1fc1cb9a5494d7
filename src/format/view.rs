//! The shape of borrowed views: structs that hold what they know as slices of the body, and the names of what they do not.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error as _, SeqAccess, Visitor};

/// How many unknown members a view remembers; a body cannot make it hold more.
pub(crate) const MAX_UNKNOWN: usize = 64;

/// Declares a borrowed view of a JSON object.
///
/// Each member is an `Option`: absent and `null` are the same. Members that the view has no name for are remembered in
/// `unknown`, for the report. (Derived implementations would take arrays for objects, and `serde_ignored` allocates per key.)
macro_rules! view {
    ($(#[$meta:meta])* $name:ident { $($field:ident : $ty:ty = $key:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        pub(crate) struct $name<'a> {
            $(pub(crate) $field: Option<$ty>,)*
            /// Members that the view has no name for.
            pub(crate) unknown: Vec<std::borrow::Cow<'a, str>>,
        }

        impl<'de: 'a, 'a> serde::de::Deserialize<'de> for $name<'a> {
            fn deserialize<D: serde::de::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                struct Members<'a>(std::marker::PhantomData<&'a ()>);

                impl<'de: 'a, 'a> serde::de::Visitor<'de> for Members<'a> {
                    type Value = $name<'a>;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        mut map: A,
                    ) -> Result<Self::Value, A::Error> {
                        let mut view = $name::default();
                        while let Some($crate::format::view::Key(key)) = map.next_key()? {
                            match &*key {
                                $($key => view.$field = map.next_value()?,)*
                                _ => {
                                    let value: Option<serde::de::IgnoredAny> = map.next_value()?;
                                    if value.is_some()
                                        && view.unknown.len() < $crate::format::view::MAX_UNKNOWN
                                    {
                                        view.unknown.push(key);
                                    }
                                }
                            }
                        }
                        Ok(view)
                    }
                }

                deserializer.deserialize_map(Members(std::marker::PhantomData))
            }
        }
    };
}
pub(crate) use view;

/// A member's name, borrowed where it has no escapes.
pub(crate) struct Key<'a>(pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;

        impl<'de> Visitor<'de> for Name {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member's name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(name.to_owned())))
            }
        }

        deserializer.deserialize_str(Name)
    }
}

/// The object that JSON text holds, as a view; `None` where it holds anything else.
pub(crate) fn object_in<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    // Derived views would take arrays, too.
    text.starts_with('{')
        .then(|| serde_json::from_str(text).ok())
        .flatten()
}

/// A list of views with at most `MAX` elements: views are larger than the shortest text they can be made of.
#[derive(Debug)]
pub(crate) struct List<T, const MAX: usize>(pub(crate) Vec<T>);

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for List<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements<T, const MAX: usize>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Elements<T, MAX> {
            type Value = List<T, MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an array of at most {MAX} elements")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(element) = seq.next_element()? {
                    if list.len() == MAX {
                        return Err(A::Error::invalid_length(MAX + 1, &self));
                    }
                    if list.is_empty() {
                        // Most lists are short: one allocation for them.
                        list.reserve_exact(8.min(MAX));
                    }
                    list.push(element);
                }
                Ok(List(list))
            }
        }

        deserializer.deserialize_seq(Elements(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::raw::RawStr;

    view! {
        /// A view.
        Sample { name: RawStr<'a> = "name", on: bool = "on" }
    }

    #[test]
    fn null_is_absent_and_unknown_members_are_remembered() {
        let view: Sample<'_> =
            serde_json::from_str(r#"{"n\u0061me":"x","on":null,"other":[{}],"none":null}"#)
                .unwrap();
        assert_eq!(view.name.unwrap().json(), "\"x\"");
        assert_eq!(view.on, None);
        assert_eq!(view.unknown, ["other"]);
        assert!(serde_json::from_str::<Sample<'_>>(r#"["x",true]"#).is_err());
        assert!(serde_json::from_str::<Sample<'_>>(r#"{"on":1}"#).is_err());
    }

    #[test]
    fn lists_are_bounded() {
        assert!(serde_json::from_str::<List<u8, 3>>("[1,2,3]").is_ok());
        assert!(serde_json::from_str::<List<u8, 3>>("[1,2,3,4]").is_err());
    }
}
