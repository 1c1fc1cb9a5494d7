//! The JSON scan against serde_json, and splicing at what it found.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use tower_llm_gateway::codec::scan::{ScanErrorKind, ScanLimits, elements, members, scan};
use tower_llm_gateway::codec::splice::{Edit, splice};

/// What serde_json reads: the last of equal keys wins.
type Oracle<'a> = BTreeMap<String, &'a RawValue>;

fn texts(members: &Oracle<'_>) -> BTreeMap<String, String> {
    let text = |(key, value): (&String, &&RawValue)| (key.clone(), value.get().to_owned());
    members.iter().map(text).collect()
}

/// How deep a valid document nests, and how many members its largest object has: strings are skipped bytewise.
fn measure(json: &[u8]) -> (usize, usize) {
    let (mut deepest, mut largest) = (0, 0);
    let mut open = Vec::new();
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => {
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'\\' => drop(bytes.next()),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            b'{' | b'[' => open.push(0),
            // A colon outside a string stands for a member.
            b':' => {
                if let Some(count) = open.last_mut() {
                    *count += 1;
                    largest = largest.max(*count);
                }
            }
            b'}' | b']' => drop(open.pop()),
            _ => {}
        }
        deepest = deepest.max(open.len());
    }
    (deepest, largest)
}

/// Whether the top-level keys of a valid object differ.
fn keys_differ(json: &[u8]) -> bool {
    struct Keys(bool);
    impl<'de> serde::Deserialize<'de> for Keys {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Visitor;
            impl<'de> serde::de::Visitor<'de> for Visitor {
                type Value = Keys;
                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("an object")
                }
                fn visit_map<A: serde::de::MapAccess<'de>>(
                    self,
                    mut map: A,
                ) -> Result<Keys, A::Error> {
                    let (mut seen, mut differ) = (BTreeSet::new(), true);
                    while let Some((key, _)) = map.next_entry::<String, &RawValue>()? {
                        differ &= seen.insert(key);
                    }
                    Ok(Keys(differ))
                }
            }
            deserializer.deserialize_map(Visitor)
        }
    }
    serde_json::from_slice::<Keys>(json).unwrap().0
}

/// Walks through all of a scanned value, and compares each step with serde_json's reading.
fn walk(json: &[u8], span: Range<usize>) {
    let text = &json[span.clone()];
    match text.first() {
        Some(b'{') => {
            let found: Vec<_> = members(json, span).collect();
            if let Ok(oracle) = serde_json::from_slice::<Oracle<'_>>(text) {
                let mut last = BTreeMap::new();
                for member in &found {
                    let value = std::str::from_utf8(&json[member.value.clone()]).unwrap();
                    last.insert(member.key.clone().into_owned(), value.to_owned());
                }
                assert_eq!(last, texts(&oracle));
            }
            found
                .into_iter()
                .for_each(|member| walk(json, member.value));
        }
        Some(b'[') => {
            let oracle: Vec<&RawValue> = serde_json::from_slice(text).unwrap();
            let found: Vec<_> = elements(json, span).collect();
            assert_eq!(found.len(), oracle.len());
            for (found, oracle) in found.into_iter().zip(oracle) {
                assert_eq!(&json[found.clone()], oracle.get().as_bytes());
                walk(json, found);
            }
        }
        _ => {}
    }
}

// The first byte chooses the limits; the rest is the document.
fuzz_target!(|input: &[u8]| {
    let Some((choice, json)) = input.split_first() else {
        return;
    };
    // Walking never fails, whatever the text.
    for (start, end) in [(0, json.len()), (usize::from(*choice), json.len() + 1)] {
        assert!(members(json, start..end).all(|member| json.get(member.value).is_some()));
        assert!(elements(json, start..end).all(|element| json.get(element).is_some()));
    }

    let mut limits = ScanLimits::default();
    if choice & 1 == 1 {
        limits.depth = usize::from(choice >> 4);
        limits.members = usize::from(choice >> 1 & 7);
    }
    let oracle = serde_json::from_slice::<Oracle<'_>>(json).ok();
    let found = match (scan(json, limits), &oracle) {
        (Ok(found), Some(_)) => found,
        (Ok(_), None) => panic!("accepted what serde_json refuses"),
        (Err(error), None) => {
            assert!(error.offset <= json.len());
            return;
        }
        (Err(error), Some(_)) => {
            assert!(error.offset < json.len());
            let (depth, largest) = measure(json);
            match error.kind {
                ScanErrorKind::TooDeep(limit) => assert!(depth > limit && limit == limits.depth),
                ScanErrorKind::TooManyMembers(limit) => {
                    assert!(largest > limit && limit == limits.members);
                }
                ScanErrorKind::DuplicateMember(_) => assert!(!keys_differ(json)),
                other => panic!("refused what serde_json accepts: {other}"),
            }
            return;
        }
    };
    let oracle = oracle.unwrap();
    let (depth, largest) = measure(json);
    assert!(depth <= limits.depth && largest <= limits.members && keys_differ(json));
    assert_eq!(
        found.text("model"),
        oracle.get("model").map(|model| model.get())
    );
    assert_eq!(found.members().len(), oracle.len());
    for member in found.members() {
        assert_eq!(found.text(&member.key), Some(oracle[&*member.key].get()));
    }
    let start = json.iter().position(|&byte| byte == b'{').unwrap();
    let end = json.iter().rposition(|&byte| byte == b'}').unwrap() + 1;
    assert!(members(json, start..end).eq(found.members().iter().cloned()));
    walk(json, start..end);

    // Another model, or where none is: another value of the first member.
    let Some(member) = found
        .members()
        .iter()
        .find(|member| member.key == "model")
        .or(found.members().first())
    else {
        return;
    };
    let with = br#""another \"model\"""#;
    let span = member.value.clone();
    let source = Bytes::copy_from_slice(json);
    let edit = Edit {
        span: span.clone(),
        with,
    };
    let out = splice(&source, std::slice::from_ref(&edit)).unwrap();
    assert_eq!(out[..span.start], json[..span.start]);
    assert_eq!(out[span.start + with.len()..], json[span.end..]);
    let mut wanted = texts(&oracle);
    wanted.insert(
        member.key.clone().into_owned(),
        String::from_utf8(with.to_vec()).unwrap(),
    );
    assert_eq!(texts(&serde_json::from_slice(&out).unwrap()), wanted);
    // The way back.
    let back = Edit {
        span: span.start..span.start + with.len(),
        with: &json[span],
    };
    assert_eq!(splice(&out, &[back]).unwrap(), source);
});
