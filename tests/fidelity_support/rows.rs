//! The fields to try: data files, one for each endpoint.

use serde_json::{Map, Value};

/// Everything to be tried at one endpoint.
#[derive(Debug)]
pub(crate) struct Fields {
    /// Where clients send it.
    pub(crate) path: String,
    base: Map<String, Value>,
    /// What some rows start from instead of the base alone, by name.
    on: Map<String, Value>,
    pub(crate) rows: Vec<Row>,
}

/// One field with one value.
#[derive(Debug)]
pub(crate) struct Row {
    /// The heading it stands under.
    pub(crate) group: String,
    /// Its path with indexes, as in the request.
    place: String,
    value: Value,
    /// The value is put in front of the element that is there, instead of in its place.
    insert: bool,
    on: Option<String>,
    /// What reports call it, where that is not its own path.
    alias: Option<String>,
    /// Which value it is, where the field stands in several rows.
    pub(crate) case: Option<String>,
    /// Headers that the row is about, instead of a member.
    pub(crate) headers: Vec<(String, String)>,
    /// The gateway itself answers it: the client's answer must be another one.
    pub(crate) answered: bool,
    /// Other members that the field goes with.
    beside: Map<String, Value>,
    /// Why there may be nothing to carry.
    pub(crate) same: Option<String>,
}

/// Every member that a row may have.
const MEMBERS: &[&str] = &[
    "answered", "as", "case", "field", "headers", "insert", "on", "same", "value", "with",
];

impl Fields {
    /// The fields of an endpoint's requests.
    pub(crate) fn read(name: &str) -> Self {
        Self::of(&parse(name))
    }

    /// The fields of answers in a provider's format.
    pub(crate) fn of_answers(format: &str) -> Self {
        Self::of(&parse("answers")[format])
    }

    fn of(all: &Value) -> Self {
        let object = |key: &str| all[key].as_object().cloned().unwrap_or_default();
        let mut group = String::new();
        let mut rows = Vec::new();
        for row in all["rows"].as_array().into_iter().flatten() {
            match row["group"].as_str() {
                Some(title) => group = title.to_owned(),
                None => rows.push(Row::read(row, &group)),
            }
        }
        Self {
            path: all["path"].as_str().unwrap_or_default().to_owned(),
            base: object("base"),
            on: object("on"),
            rows,
        }
    }

    /// The request that has the tool `f`, for answers that call it.
    pub(crate) fn with_tool(&self, model: &str, always: &Value) -> Value {
        let mut request = self.base.clone();
        request.insert("model".to_owned(), model.into());
        let tool = self.on["tool"].as_object().expect("a tool");
        request.extend(tool.clone());
        along(Value::Object(request), always)
    }

    /// The answer without a row's field, and the one with it.
    pub(crate) fn answers(&self, row: &Row) -> (Value, Value) {
        let mut base = self.base.clone();
        base.extend(row.beside.clone());
        let base = Value::Object(base);
        let mut with = base.clone();
        put(&mut with, &row.place, &row.value, row.insert);
        (base, with)
    }

    /// The request without a row's field, and the one with it.
    pub(crate) fn requests(&self, row: &Row, model: &str, always: &Value) -> (Value, Value) {
        let mut base = self.base.clone();
        base.insert("model".to_owned(), model.into());
        if let Some(on) = &row.on {
            let on = self.on.get(on).and_then(Value::as_object);
            base.extend(
                on.unwrap_or_else(|| panic!("{row:?}: no such base"))
                    .clone(),
            );
        }
        let base = Value::Object(base);
        let mut with = base.clone();
        if row.headers.is_empty() {
            put(&mut with, &row.place, &row.value, row.insert);
        }
        (along(base, always), along(with, always))
    }
}

/// A data file.
fn parse(name: &str) -> Value {
    let file = format!("{}/tests/fidelity/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

impl Row {
    fn read(json: &Value, group: &str) -> Self {
        for (key, _) in json.as_object().expect("a row is an object") {
            assert!(MEMBERS.contains(&key.as_str()), "{json}: {key}");
        }
        let text = |key: &str| json[key].as_str().map(str::to_owned);
        let headers = json["headers"].as_object().into_iter().flatten();
        Self {
            group: group.to_owned(),
            place: text("field").expect("field"),
            value: json["value"].clone(),
            insert: json["insert"] == true,
            on: text("on"),
            alias: text("as"),
            case: text("case"),
            headers: headers
                .map(|(name, value)| (name.clone(), value.as_str().expect("a header").to_owned()))
                .collect(),
            answered: json["answered"] == true,
            beside: json["with"].as_object().cloned().unwrap_or_default(),
            same: text("same"),
        }
    }

    /// The paths by which reports may name the field.
    pub(crate) fn names(&self) -> Vec<String> {
        let own = std::iter::once(self.field());
        own.chain(self.alias.clone()).collect()
    }

    /// The field's path without indexes.
    pub(crate) fn field(&self) -> String {
        without_indexes(&self.place)
    }

    /// What distinguishes the row from others of its field: its case, or its value.
    pub(crate) fn label(&self) -> String {
        match &self.case {
            Some(case) => format!("`{}`: {case}", self.field()),
            None if self.value.is_string() || self.value.is_boolean() => {
                format!("`{}`: `{}`", self.field(), self.value)
            }
            None => format!("`{}`", self.field()),
        }
    }
}

/// `a[12].b` as `a[].b`.
pub(crate) fn without_indexes(path: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in path.chars() {
        inside = match c {
            '[' => true,
            ']' => false,
            _ => inside,
        };
        if !(inside && c.is_ascii_digit()) {
            out.push(c);
        }
    }
    out
}

/// Puts a value at a path such as `tools[0].function.strict`; objects and arrays on the way are made.
fn put(root: &mut Value, path: &str, value: &Value, insert: bool) {
    let mut at = root;
    let mut steps = path.split(['.', '[']).peekable();
    while let Some(step) = steps.next() {
        let last = steps.peek().is_none();
        if let Some(index) = step.strip_suffix(']') {
            let index: usize = index.parse().expect("an index");
            if !at.is_array() {
                *at = Value::Array(Vec::new());
            }
            let elements = at.as_array_mut().expect("an array");
            if index == elements.len() || (last && insert) {
                elements.insert(index, Value::Null);
            }
            at = &mut elements[index];
        } else {
            if !at.is_object() {
                *at = Value::Object(Map::new());
            }
            at = &mut at[step];
        }
    }
    *at = value.clone();
}

/// The request with what all requests to a cell carry; tools are added to those that are there, but not twice.
fn along(mut request: Value, always: &Value) -> Value {
    for (key, value) in always.as_object().into_iter().flatten() {
        match (&mut request[key], value) {
            (Value::Array(there), Value::Array(more)) => {
                for tool in more {
                    if !there.iter().any(|there| there["type"] == tool["type"]) {
                        there.push(tool.clone());
                    }
                }
            }
            (there @ Value::Null, _) => *there = value.clone(),
            _ => {}
        }
    }
    request
}
