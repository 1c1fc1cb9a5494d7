//! What a provider's service definition allows in a request: types, unknown members, words, lengths and patterns. The dialects hold the
//! tables and say in their own words what is wrong.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// What a value may be.
pub(super) enum Shape {
    /// A text of so many characters.
    Text {
        min: usize,
        max: usize,
        pattern: Option<Pattern>,
    },
    /// One of these texts.
    Word(&'static [&'static str]),
    Integer {
        min: i64,
        max: i64,
    },
    Number {
        min: f64,
        max: f64,
    },
    Flag,
    /// Bytes in base64, at least one and at most so many.
    Blob {
        max: usize,
    },
    /// Any JSON at all.
    Any,
    /// Any JSON object.
    Object,
    List {
        min: usize,
        max: usize,
        of: &'static Shape,
    },
    /// An object whose names are the caller's.
    Map {
        max: usize,
        key: &'static Shape,
        value: &'static Shape,
    },
    /// An object with these members and no others.
    Struct(&'static [Member]),
    /// The same with exactly one of them.
    Union(&'static [Member]),
}

/// A regular expression, as the service writes it, and a function that does the same.
pub(super) struct Pattern {
    pub(super) words: &'static str,
    pub(super) fits: fn(&str) -> bool,
}

/// A member of an object.
pub(super) struct Member {
    name: &'static str,
    shape: &'static Shape,
    is_required: bool,
}

/// A member that may be absent.
pub(super) const fn may(name: &'static str, shape: &'static Shape) -> Member {
    Member {
        name,
        shape,
        is_required: false,
    }
}

/// A member that must be there.
pub(super) const fn must(name: &'static str, shape: &'static Shape) -> Member {
    Member {
        name,
        shape,
        is_required: true,
    }
}

/// Any text.
pub(super) const TEXT: Shape = Shape::Text {
    min: 0,
    max: usize::MAX,
    pattern: None,
};
/// Any text but the empty one.
pub(super) const SOME_TEXT: Shape = Shape::Text {
    min: 1,
    max: usize::MAX,
    pattern: None,
};
pub(super) const FLAG: Shape = Shape::Flag;
pub(super) const ANY: Shape = Shape::Any;
pub(super) const OBJECT: Shape = Shape::Object;
/// An object without members.
pub(super) const EMPTY: Shape = Shape::Struct(&[]);

/// What is wrong, and where.
#[derive(Debug)]
pub(super) struct Fault {
    /// From the outermost member inwards.
    pub(super) path: Vec<Step>,
    pub(super) problem: Problem,
}

/// One step of a path.
#[derive(Debug)]
pub(super) enum Step {
    Name(String),
    Index(usize),
}

/// What is wrong.
#[derive(Debug)]
pub(super) enum Problem {
    /// A member that nobody knows.
    Unknown(String),
    Missing(&'static str),
    /// Another type than this.
    Type(&'static str),
    Word(String, &'static [&'static str]),
    Pattern(String, &'static str),
    /// Too short, too long, too few, too many: what is, and the bounds.
    Length(usize, usize, usize),
    Range(String),
    Base64,
    /// Not exactly one member.
    Union(usize),
}

/// How the names of members, and bytes, may be spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// As in the table.
    Exact,
    /// `like_this` as well as `likeThis`, and either alphabet of base64, as in the JSON form of protocol buffers.
    Either,
}

/// The value with its members' names as in the table, or the first thing wrong with it.
pub(super) fn check(shape: &Shape, value: &Value, spelling: Spelling) -> Result<Value, Fault> {
    let fault = |problem| Err(Fault::here(problem));
    let length = |length: usize, min: usize, max: usize| {
        if (min..=max).contains(&length) {
            Ok(())
        } else {
            Err(Fault::here(Problem::Length(length, min, max)))
        }
    };
    match (shape, value) {
        (Shape::Any, _) | (Shape::Flag, Value::Bool(_)) | (Shape::Object, Value::Object(_)) => {}
        (Shape::Text { min, max, pattern }, Value::String(text)) => {
            length(text.chars().count(), *min, *max)?;
            if let Some(pattern) = pattern.as_ref().filter(|pattern| !(pattern.fits)(text)) {
                return fault(Problem::Pattern(text.clone(), pattern.words));
            }
        }
        (Shape::Word(words), Value::String(text)) => {
            if !words.contains(&text.as_str()) {
                return fault(Problem::Word(text.clone(), words));
            }
        }
        (Shape::Integer { min, max }, Value::Number(number)) => {
            // A whole number may be written as a decimal.
            #[expect(
                clippy::cast_possible_truncation,
                reason = "checked to be whole and small"
            )]
            let whole = number.as_i64().or_else(|| {
                let number = number.as_f64()?;
                (number.fract() == 0.0 && number.abs() < 1e15).then_some(number as i64)
            });
            match whole {
                None => return fault(Problem::Type("integer")),
                Some(whole) if !(*min..=*max).contains(&whole) => {
                    return fault(Problem::Range(number.to_string()));
                }
                Some(_) => {}
            }
        }
        (Shape::Number { min, max }, Value::Number(number)) => {
            if !number
                .as_f64()
                .is_some_and(|number| (*min..=*max).contains(&number))
            {
                return fault(Problem::Range(number.to_string()));
            }
        }
        (Shape::Blob { max }, Value::String(data)) => {
            let data = match spelling {
                Spelling::Exact => data.clone(),
                Spelling::Either => standard(data),
            };
            let Ok(bytes) = STANDARD.decode(&data) else {
                return fault(Problem::Base64);
            };
            length(bytes.len(), 1, *max)?;
            return Ok(Value::String(data));
        }
        (Shape::List { min, max, of }, Value::Array(values)) => {
            length(values.len(), *min, *max)?;
            let values = values.iter().enumerate().map(|(index, value)| {
                check(of, value, spelling).map_err(|fault| fault.inside(Step::Index(index)))
            });
            return values.collect();
        }
        (Shape::Map { max, key, value }, Value::Object(object)) => {
            length(object.len(), 0, *max)?;
            let members = object.iter().map(|(name, member)| {
                let at = |fault: Fault| fault.inside(Step::Name(name.clone()));
                check(key, &Value::from(name.as_str()), spelling).map_err(at)?;
                Ok((name.clone(), check(value, member, spelling).map_err(at)?))
            });
            return members.collect::<Result<_, _>>().map(Value::Object);
        }
        (Shape::Struct(members), Value::Object(object)) => {
            return object_of(members, object, spelling);
        }
        (Shape::Union(members), Value::Object(object)) => {
            if object.len() != 1 {
                return fault(Problem::Union(object.len()));
            }
            return object_of(members, object, spelling);
        }
        (shape, _) => return fault(Problem::Type(shape.name())),
    }
    Ok(value.clone())
}

fn object_of(
    members: &[Member],
    object: &Map<String, Value>,
    spelling: Spelling,
) -> Result<Value, Fault> {
    let mut whole = Map::new();
    for (name, value) in object {
        let spelled = match spelling {
            Spelling::Exact => name.clone(),
            Spelling::Either => camel(name),
        };
        let Some(member) = members.iter().find(|member| member.name == spelled) else {
            return Err(Fault::here(Problem::Unknown(name.clone())));
        };
        let value = check(member.shape, value, spelling)
            .map_err(|fault| fault.inside(Step::Name(name.clone())))?;
        whole.insert(spelled, value);
    }
    let missing = members
        .iter()
        .find(|member| member.is_required && !whole.contains_key(member.name));
    match missing {
        Some(member) => Err(Fault::here(Problem::Missing(member.name))),
        None => Ok(Value::Object(whole)),
    }
}

/// Base64 of either alphabet in the standard one.
pub(super) fn standard(data: &str) -> String {
    data.replace('-', "+").replace('_', "/")
}

/// `like_this` as `likeThis`.
fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let mut camel = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut chars = part.chars();
        camel.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(chars.as_str());
    }
    camel
}

impl Shape {
    fn name(&self) -> &'static str {
        match self {
            Self::Text { .. } | Self::Word(_) => "string",
            Self::Integer { .. } => "integer",
            Self::Number { .. } => "number",
            Self::Flag => "boolean",
            Self::Blob { .. } => "blob",
            Self::List { .. } => "list",
            Self::Any => "any",
            Self::Object | Self::Map { .. } | Self::Struct(_) | Self::Union(_) => "object",
        }
    }
}

impl Fault {
    fn here(problem: Problem) -> Self {
        Self {
            path: Vec::new(),
            problem,
        }
    }

    /// The same, seen from one level further out.
    fn inside(mut self, step: Step) -> Self {
        self.path.insert(0, step);
        self
    }
}

/// Bytes of a set, at least one.
pub(super) fn made_of(text: &str, others: &[u8]) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte))
}
