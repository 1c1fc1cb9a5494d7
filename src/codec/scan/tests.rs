use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;

/// What serde_json makes of a document: the members with the last of equal keys, or `None`.
fn oracle(json: &[u8]) -> Option<BTreeMap<String, &RawValue>> {
    serde_json::from_slice(json).ok()
}

fn kind(json: impl AsRef<[u8]>) -> ScanErrorKind {
    scan(json.as_ref(), ScanLimits::default()).unwrap_err().kind
}

/// Checks our answer for a document against serde_json's.
fn agrees(json: &[u8]) {
    match (scan(json, ScanLimits::default()), oracle(json)) {
        (Ok(scan), Some(oracle)) => {
            assert_eq!(scan.members().len(), oracle.len());
            for member in scan.members() {
                let text = &json[member.value.clone()];
                assert_eq!(text, oracle[&*member.key].get().as_bytes());
                assert_eq!(scan.get(&member.key), Some(member.value.clone()));
                let name: String = serde_json::from_slice(&json[member.name.clone()]).unwrap();
                assert_eq!(name, member.key);
            }
            let walked: Vec<_> = members(json, 0..json.len()).collect();
            let start = json.iter().position(|&byte| byte == b'{').unwrap();
            assert!(start > 0 || walked == scan.members());
        }
        (Err(error), oracle) => {
            assert!(error.offset <= json.len());
            let own = matches!(
                error.kind,
                ScanErrorKind::TooDeep(_)
                    | ScanErrorKind::TooManyMembers(_)
                    | ScanErrorKind::DuplicateMember(_)
            );
            assert!(own || oracle.is_none(), "refused: {error}");
        }
        (Ok(_), None) => panic!("accepted {:?}", String::from_utf8_lossy(json)),
    }
}

#[test]
fn members_are_found() {
    let json = br#" { "model" : "x\"y" ,"n":-1.5e+3,"a":[ {"model":1}, [] ] , "o":{} , "t":true,"":null } "#;
    let scan = scan(json, ScanLimits::default()).unwrap();
    let found: Vec<_> = scan
        .members()
        .iter()
        .map(|member| (&*member.key, scan.text(&member.key).unwrap()))
        .collect();
    assert_eq!(
        found,
        [
            ("model", r#""x\"y""#),
            ("n", "-1.5e+3"),
            ("a", r#"[ {"model":1}, [] ]"#),
            ("o", "{}"),
            ("t", "true"),
            ("", "null"),
        ]
    );
    assert_eq!(&json[scan.members()[0].name.clone()], br#""model""#);
    assert_eq!(scan.get("none"), None);
    assert!(
        scan.members()
            .iter()
            .all(|member| matches!(member.key, Cow::Borrowed(_)))
    );
    agrees(json);
}

#[test]
fn valid_documents() {
    for json in [
        "{}",
        " \t\r\n{ \t\r\n} \t\r\n",
        r#"{"a":1e400,"b":18446744073709551616,"c":-0,"d":0.0,"e":1E-2}"#,
        r#"{"a":"\ud800","b":"\udc00\ud800x","c":"\u0000"}"#,
        r#"{"a":"\"\\\/\b\f\n\r\t\u00e9\uABCD"}"#,
        r#"{"\u0000":1}"#,
        r#"{"a":{"\ud800":1}}"#,
        r#"{"a":{"b":1,"b":2}}"#,
        r#"{"mod\u0065l":1}"#,
        "{\"é\u{1f600}\":\"\u{7f}\u{80}\u{2028}\"}",
        r#"{"a":[[],[[]],{},[{}],""]}"#,
    ] {
        let found = scan(json.as_bytes(), ScanLimits::default());
        assert!(found.is_ok(), "{json}: {found:?}");
        agrees(json.as_bytes());
    }
}

#[test]
fn refused_documents() {
    use ScanErrorKind::*;
    let refused: &[(&[u8], ScanErrorKind, usize)] = &[
        (b"", Empty, 0),
        (b" \n", Empty, 2),
        (b"[]", NotAnObject, 0),
        (b" null", NotAnObject, 1),
        (b"\"{}\"", NotAnObject, 0),
        (b"\xEF\xBB\xBF{}", NotAnObject, 0),
        (b"\xFE\xFF", InvalidUtf8, 0),
        (b"{\"a\":\"\xff\"}", InvalidUtf8, 6),
        (b"{\"a\":\"\xed\xa0\x80\"}", InvalidUtf8, 6),
        (b"{\"\xc3\":1}", InvalidUtf8, 2),
        (b"{}\xff", InvalidUtf8, 2),
        (b"{", UnexpectedEnd, 1),
        (b"{\"a", UnexpectedEnd, 3),
        (b"{\"a\"", UnexpectedEnd, 4),
        (b"{\"a\":", UnexpectedEnd, 5),
        (b"{\"a\":1", UnexpectedEnd, 6),
        (b"{\"a\":1,", UnexpectedEnd, 7),
        (b"{\"a\":[", UnexpectedEnd, 6),
        (b"{\"a\":[1", UnexpectedEnd, 7),
        (b"{\"a\":\"\\", UnexpectedEnd, 7),
        (b"{\"a\":\"\\u00", UnexpectedEnd, 10),
        (b"{\"a\":-", UnexpectedEnd, 6),
        (b"{\"a\":tru", UnexpectedEnd, 8),
        (b"{}{}", TrailingData, 2),
        (b"{} x", TrailingData, 3),
        (b"{}\0", TrailingData, 2),
        (b"{}}", TrailingData, 2),
        (b"{a:1}", UnexpectedByte, 1),
        (b"{'a':1}", UnexpectedByte, 1),
        (b"{1:1}", UnexpectedByte, 1),
        (b"{,}", UnexpectedByte, 1),
        (b"{]", UnexpectedByte, 1),
        (b"{\"a\"}", UnexpectedByte, 4),
        (b"{\"a\":}", UnexpectedByte, 5),
        (b"{\"a\":1,}", UnexpectedByte, 7),
        (b"{\"a\":1 \"b\":2}", UnexpectedByte, 7),
        (b"{\"a\":[1,]}", UnexpectedByte, 8),
        (b"{\"a\":[,1]}", UnexpectedByte, 6),
        (b"{\"a\":[1 2]}", UnexpectedByte, 8),
        (b"{\"a\":[1}}", UnexpectedByte, 7),
        (b"{\"a\":[}", UnexpectedByte, 6),
        (b"{\"a\":{]}", UnexpectedByte, 6),
        (b"{\"a\":{\"b\":1]}", UnexpectedByte, 11),
        (b"{\"a\":NaN}", UnexpectedByte, 5),
        (b"{\"a\":Infinity}", UnexpectedByte, 5),
        (b"{\"a\":nul}", UnexpectedByte, 8),
        (b"{\"a\":True}", UnexpectedByte, 5),
        (b"{\"a\":+1}", UnexpectedByte, 5),
        (b"{\"a\":.5}", UnexpectedByte, 5),
        (b"{\"a\":0x1}", UnexpectedByte, 6),
        (b"{\"a\":1//\n}", UnexpectedByte, 6),
        (b"{\"a\":\0}", UnexpectedByte, 5),
        (b"{\"a\":1\x0c}", UnexpectedByte, 6),
        (b"{\"a\":01}", InvalidNumber, 6),
        (b"{\"a\":-01}", InvalidNumber, 7),
        (b"{\"a\":-}", InvalidNumber, 6),
        (b"{\"a\":1.}", InvalidNumber, 7),
        (b"{\"a\":1e}", InvalidNumber, 7),
        (b"{\"a\":1e+}", InvalidNumber, 8),
        (b"{\"a\":-Infinity}", InvalidNumber, 6),
        (b"{\"a\":\"\\x\"}", InvalidEscape, 7),
        (b"{\"a\":\"\\u00g0\"}", InvalidEscape, 10),
        (b"{\"\\a\":1}", InvalidEscape, 3),
        (b"{\"a\":\"\n\"}", ControlCharacter, 6),
        (b"{\"a\":\"\0\"}", ControlCharacter, 6),
        (b"{\"a\t\":1}", ControlCharacter, 3),
        (b"{\"\\ud800\":1}", LoneSurrogate, 1),
        (b"{\"\\udc00\\ud800\":1}", LoneSurrogate, 1),
    ];
    for (json, kind, offset) in refused {
        let error = scan(json, ScanLimits::default()).unwrap_err();
        let shown = String::from_utf8_lossy(json);
        assert_eq!((&error.kind, error.offset), (kind, *offset), "{shown}");
        agrees(json);
    }
}

#[test]
fn a_key_stands_once() {
    for (json, offset) in [
        (r#"{"model":1,"model":2}"#, 11),
        (r#"{"model":1,"b":2,"mod\u0065l":2}"#, 17),
        (r#"{"mod\u0065l":1,"model":2}"#, 16),
    ] {
        let error = scan(json.as_bytes(), ScanLimits::default()).unwrap_err();
        assert_eq!(error.offset, offset, "{json}");
        assert_eq!(
            error.to_string(),
            format!("duplicate member \"model\" at byte {offset}")
        );
    }
    let long = format!(r#"{{"{0}":1,"{0}":1}}"#, "é".repeat(1000));
    assert_eq!(kind(long), ScanErrorKind::DuplicateMember("é".repeat(64)));
}

#[test]
fn a_key_stands_once_among_many() {
    for count in [FEW - 1, FEW, FEW + 1, 65_535] {
        let mut json = String::from("{");
        for member in 0..count {
            json.push_str(&format!("\"k{member}\":{member},"));
        }
        let unique = format!("{json}\"last\":0}}");
        assert_eq!(
            scan(unique.as_bytes(), ScanLimits::default())
                .unwrap()
                .members()
                .len(),
            count + 1
        );
        let double = format!("{json}\"k7\":0}}");
        let error = scan(double.as_bytes(), ScanLimits::default()).unwrap_err();
        assert_eq!(error.kind, ScanErrorKind::DuplicateMember("k7".to_owned()));
        assert_eq!(error.offset, json.len());
    }
}

#[test]
fn members_are_limited_in_each_object() {
    let limits = ScanLimits {
        members: 2,
        ..ScanLimits::default()
    };
    let error = |json: &str| scan(json.as_bytes(), limits).err();
    assert_eq!(error(r#"{"a":{"a":1,"b":2},"b":{"a":1,"b":2}}"#), None);
    assert_eq!(error(r#"{"a":[{"a":1},{"a":1},{"a":1}]}"#), None);
    let refused = ScanErrorKind::TooManyMembers(2);
    assert_eq!(
        error(r#"{"a":1,"b":2,"c":3}"#),
        Some(refused.clone().at(13))
    );
    assert_eq!(error(r#"{"a":{"a":1,"a":2,"a":3}}"#), Some(refused.at(18)));
}

#[test]
fn nesting_is_limited() {
    let nested = |depth: usize, open: &str, close: &str| {
        format!(
            "{{\"a\":{}1{}}}",
            open.repeat(depth - 1),
            close.repeat(depth - 1)
        )
    };
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = nested(128, open, close);
        assert!(scan(deep.as_bytes(), ScanLimits::default()).is_ok());
        agrees(deep.as_bytes());
        let error = scan(nested(129, open, close).as_bytes(), ScanLimits::default()).unwrap_err();
        assert_eq!(error.kind, ScanErrorKind::TooDeep(128));
        assert_eq!(error.offset, 5 + 127 * open.len());
        // A limit above what can be counted is not believed.
        let limits = ScanLimits {
            depth: 100_000,
            ..ScanLimits::default()
        };
        let error = scan(nested(100_000, open, close).as_bytes(), limits).unwrap_err();
        assert_eq!(error.kind, ScanErrorKind::TooDeep(128));
        let unclosed = format!("{{\"a\":{}", open.repeat(100_000));
        assert_eq!(kind(unclosed), ScanErrorKind::TooDeep(128));
    }
    let limits = |depth| ScanLimits {
        depth,
        ..ScanLimits::default()
    };
    assert!(scan(b"{\"a\":[]}", limits(2)).is_ok());
    assert!(scan(b"{\"a\":[]}", limits(1)).is_err());
    assert!(scan(b"{}", limits(0)).is_err());
}

#[test]
fn objects_and_arrays_keep_apart_at_each_depth() {
    // Levels are used again by another kind.
    let json = br#"{"a":[{"b":[1]},[{"c":2}]],"d":{"e":[{}],"f":{"g":[]}}}"#;
    assert!(scan(json, ScanLimits::default()).is_ok());
    assert_eq!(
        kind(br#"{"a":[{"b":[1]],[{"c":2}]]}"#),
        ScanErrorKind::UnexpectedByte
    );
}

#[test]
fn walking() {
    let json = br#"{"m":[ {"role":"user","x":[1,"}]"]} ,2, "\"," ,[], null],"o":{ "a" : {"b":[]} , "\u0061":-1 }}"#;
    let scan = scan(json, ScanLimits::default()).unwrap();
    let text = |range: Range<usize>| std::str::from_utf8(&json[range]).unwrap();
    let array = scan.get("m").unwrap();
    let found: Vec<_> = elements(json, array.clone()).map(text).collect();
    assert_eq!(
        found,
        [
            r#"{"role":"user","x":[1,"}]"]}"#,
            "2",
            r#""\",""#,
            "[]",
            "null"
        ]
    );
    let first = elements(json, array.clone()).next().unwrap();
    let found: Vec<_> = members(json, first)
        .map(|member| (member.key, text(member.value)))
        .collect();
    assert_eq!(
        found,
        [
            (Cow::from("role"), "\"user\""),
            (Cow::from("x"), r#"[1,"}]"]"#)
        ]
    );
    let found: Vec<_> = members(json, scan.get("o").unwrap())
        .map(|member| (member.key, text(member.name), text(member.value)))
        .collect();
    assert_eq!(
        found,
        [
            (Cow::from("a"), "\"a\"", r#"{"b":[]}"#),
            (Cow::from("a"), r#""\u0061""#, "-1")
        ]
    );
    assert_eq!(members(json, array).count(), 0);
    assert_eq!(elements(json, scan.get("o").unwrap()).count(), 0);
}

#[test]
fn walking_shows_a_key_that_is_no_text_as_spelled() {
    let json = br#"{"\ud800":1,"b":2}"#;
    let keys: Vec<_> = members(json, 0..json.len())
        .map(|member| member.key)
        .collect();
    assert_eq!(keys, [r"\ud800", "b"]);
}

#[test]
fn walking_ends_on_odd_text() {
    for json in [
        "",
        "{",
        "[",
        "[1",
        "[1,",
        "[1 2]",
        "[,]",
        "[1}",
        "[[",
        "[[]",
        "[}",
        "[:]",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\" 1}",
        "{a:1}",
        "{\"a\":}",
        "{\"\\x\":1}",
        "[\"",
    ] {
        for start in 0..3 {
            for end in 0..json.len() + 2 {
                for member in members(json.as_bytes(), start..end) {
                    assert!(member.value.end <= json.len(), "{json}");
                }
                for element in elements(json.as_bytes(), start..end) {
                    assert!(element.end <= json.len(), "{json}");
                }
            }
        }
    }
    let count = |json: &str| elements(json.as_bytes(), 0..json.len()).count();
    assert_eq!((count("[1,2"), count("[1 2]"), count("[,]")), (2, 1, 0));
}

#[test]
fn errors_tell_nothing_of_the_document() {
    assert_eq!(kind("").at(0).to_string(), "the body is empty");
    assert_eq!(
        scan(b"{\"secret\":oops}", ScanLimits::default())
            .unwrap_err()
            .to_string(),
        "unexpected character in the JSON at byte 10"
    );
}

/// JSON text with space and escapes in odd places.
fn json_text() -> impl Strategy<Value = String> {
    let space = || "[ \n\r\t]{0,2}";
    let string = || {
        let piece = prop_oneof![
            4 => "[a-c]{0,3}",
            1 => "[a-z ]{0,90}",
            2 => r#"\\(["\\/bfnrt]|u[0-9a-fA-F]{4}|u0061|ud83d\\ude00)"#,
            1 => "\\PC",
        ];
        prop::collection::vec(piece, 0..4).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
    };
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,3})?([eE][-+]?[0-9]{1,3})?",
        string(),
    ];
    let value = leaf.prop_recursive(5, 40, 6, move |inner| {
        let padded =
            (space(), inner, space()).prop_map(|(before, value, after)| before + &value + &after);
        let member = (space(), string(), space(), padded.clone())
            .prop_map(|(before, key, after, value)| format!("{before}{key}{after}:{value}"));
        prop_oneof![
            prop::collection::vec(padded, 0..6).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec(member, 0..6)
                .prop_map(|items| format!("{{{}}}", items.join(","))),
        ]
    });
    let member = (space(), string(), space(), space(), value, space())
        .prop_map(|(a, key, b, c, value, d)| format!("{a}{key}{b}:{c}{value}{d}"));
    (space(), prop::collection::vec(member, 0..40), space())
        .prop_map(|(before, items, after)| format!("{before}{{{}}}{after}", items.join(",")))
}

proptest! {
    #[test]
    fn generated_documents_are_read_as_serde_json_does(json in json_text()) {
        agrees(json.as_bytes());
    }

    #[test]
    fn mutated_documents_are_read_as_serde_json_does(
        json in json_text(),
        edits in prop::collection::vec(
            (any::<prop::sample::Index>(), 0_usize..3, prop_oneof![
                prop::sample::select(&b"\"\\{}[]:,0123456789.eE+-tfnu \n\0\x1f\xff\xc3"[..]),
                any::<u8>(),
            ]),
            1..4,
        ),
    ) {
        let mut json = json.into_bytes();
        for (at, how, byte) in edits {
            let at = at.index(json.len() + 1);
            match how {
                0 => json.insert(at, byte),
                1 if at < json.len() => { json.remove(at); }
                _ if at < json.len() => json[at] = byte,
                _ => json.push(byte),
            }
        }
        agrees(&json);
    }

    #[test]
    fn any_bytes_are_read_as_serde_json_does(
        json in prop::collection::vec(prop::sample::select(&b"\"\\{}[]:,01.e+-tru \n\0\xc3\xa9"[..]), 0..40),
    ) {
        agrees(&json);
        let object = [b"{\"a\":", &json[..], b"}"].concat();
        agrees(&object);
        for range in [0..json.len(), 1..json.len(), 3..json.len() + 9] {
            for member in members(&json, range.clone()) {
                prop_assert!(json.get(member.value).is_some());
            }
            for element in elements(&json, range) {
                prop_assert!(json.get(element).is_some());
            }
        }
    }

    #[test]
    fn splicing_a_member_keeps_the_rest(json in json_text(), at in any::<prop::sample::Index>()) {
        let Ok(found) = scan(json.as_bytes(), ScanLimits::default()) else { return Ok(()) };
        prop_assume!(!found.members().is_empty());
        let member = &found.members()[at.index(found.members().len())];
        let edit = crate::codec::splice::Edit { span: member.value.clone(), with: b"\"new\"" };
        let source = bytes::Bytes::from(json.clone().into_bytes());
        let out = crate::codec::splice::splice(&source, &[edit]).unwrap();
        let before = &json[..member.value.start];
        let after = &json[member.value.end..];
        prop_assert_eq!(&out, &[before, "\"new\"", after].concat());
        let mut wanted = oracle(json.as_bytes()).unwrap();
        let new = RawValue::from_string("\"new\"".to_owned()).unwrap();
        wanted.insert(member.key.clone().into_owned(), &new);
        let got = oracle(&out).unwrap();
        let text = |map: &BTreeMap<String, &RawValue>| -> Vec<_> {
            map.iter().map(|(key, value)| (key.clone(), value.get().to_owned())).collect()
        };
        prop_assert_eq!(text(&got), text(&wanted));
    }
}
