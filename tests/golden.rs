//! Runs every conversion case under `tests/golden` through a gateway; see the README there.

mod golden_support;

use std::io::Write;
use std::panic::AssertUnwindSafe;
use std::path::Path;

use golden_support::case::{self, Case};
use golden_support::check::check;

/// Cases whose conversion is not built yet: a pair or one case of it, and why.
///
/// An entry that names no case, or names one that works, fails the run.
const PENDING: &[(&str, &str)] = &[];

fn covers(entry: &str, case: &str) -> bool {
    case.strip_prefix(entry)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Runs one case; a panic is a failure like any other.
fn run(runtime: &tokio::runtime::Runtime, root: &Path, name: &str, bless: bool) -> Vec<String> {
    let work = || {
        let case = Case::load(root, name)?;
        runtime.block_on(check(&case, bless))
    };
    match std::panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(failures)) => failures,
        Ok(Err(failure)) => vec![failure],
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            vec![format!("panicked: {}", text.unwrap_or_default())]
        }
    }
}

/// `GOLDEN=part` runs only the cases whose name contains it; `BLESS=1` overwrites expected client files that differ.
#[test]
fn cases() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let only = std::env::var("GOLDEN").unwrap_or_default();
    let bless = std::env::var("BLESS").is_ok_and(|value| value == "1");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let names = case::all(&root);
    let (mut ran, mut pending, mut failed) = (0, 0, 0);
    let mut problems = String::new();
    for name in names.iter().filter(|name| name.contains(&only)) {
        let waiting = PENDING.iter().any(|(entry, _)| covers(entry, name));
        let failures = run(&runtime, &root, name, bless && !waiting);
        if waiting {
            pending += 1;
            if failures.is_empty() {
                problems.push_str(&format!("\n{name}: works, but is listed as pending\n"));
            }
            continue;
        }
        ran += 1;
        if !failures.is_empty() {
            failed += 1;
            problems.push_str(&format!("\n{name}:\n"));
            for failure in failures {
                problems.push_str(&format!("    {failure}\n"));
            }
        }
    }

    // Written past the test harness, which would show it only where the test fails.
    let mut out = std::io::stderr().lock();
    for (entry, reason) in PENDING {
        let count = names.iter().filter(|name| covers(entry, name)).count();
        writeln!(out, "pending: {count} cases in {entry} ({reason})").unwrap();
        if count == 0 {
            problems.push_str(&format!(
                "\n{entry}: listed as pending, but there is no such case\n"
            ));
        }
    }
    writeln!(out, "golden: {ran} cases run, {pending} pending").unwrap();
    drop(out);
    assert!(ran + pending > 0, "no case is called {only:?}");
    assert!(
        problems.is_empty(),
        "{failed} of {ran} cases failed\n{problems}"
    );
}
