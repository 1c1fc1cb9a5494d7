//! Instructions and allocations of a call through all layers, in one process, over a client with canned answers.
//!
//! `cargo bench --all-features --bench instructions` runs each cell under `valgrind --tool=callgrind`, which counts the
//! instructions of a fixed number of calls: the figures are the same on a busy machine. For a profile of one cell run the
//! bench's program in the same way, with the cell's number in the table:
//! `valgrind --tool=callgrind --toggle-collect='*measured_calls*' target/release/deps/instructions-… cell 3 plain`.

#[path = "support/allocations.rs"]
mod allocations;
#[path = "stack/answers.rs"]
#[allow(dead_code, reason = "the stack's bench uses the rest")]
mod answers;
#[path = "stack/canned.rs"]
#[allow(dead_code, reason = "the stack's bench uses the rest")]
mod canned;
#[path = "stack/cells.rs"]
#[allow(dead_code, reason = "the stack's bench uses the rest")]
mod cells;
#[path = "stack/providers.rs"]
mod providers;

use std::convert::Infallible;
use std::process::Command;
use std::sync::Arc;

use answers::EVENTS;
use bytes::Bytes;
use canned::{Canned, Pace};
use cells::{CELLS, Cell};
use http::Request;
use http_body_util::BodyExt;
use tower::{ServiceExt, service_fn};
use tower_llm_gateway::Payload;

/// Calls before those that count.
const WARM: usize = 20;
/// Calls that count.
const CALLS: usize = 100;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["cell", number, how] => {
            let cell = number.parse().ok().and_then(|at: usize| CELLS.get(at));
            println!(
                "{}",
                run(cell.expect("a cell's number"), how == "stream", CALLS)
            );
        }
        _ if arguments.contains(&"--bench") => table(),
        // As a test everything is done once, to see that it works.
        _ => {
            for cell in &CELLS {
                run(cell, false, 1);
                run(cell, true, 1);
            }
        }
    }
}

/// Makes calls; gives the allocations of those that count.
fn run(cell: &Cell, stream: bool, calls: usize) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let canned = Arc::new(Canned::new(cell.upstream));
    let pace = stream.then_some(Pace::Each);
    let client = service_fn(move |request: Request<Payload>| {
        drop(request);
        let canned = canned.clone();
        async move {
            // The network takes its time.
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(canned.answer(pace))
        }
    });
    let gateway = providers::providers("http://upstream.invalid")
        .build(client)
        .expect("a gateway");
    let body = cell.request(stream, 0);
    let once = || {
        let request = Request::post(cell.path())
            .header("content-type", "application/json")
            .body(Payload::new(body.clone()))
            .expect("a request");
        runtime.block_on(async {
            let Ok(response) = gateway.clone().oneshot(request).await;
            let good = response.status() == 200;
            let mut body = std::pin::pin!(response.into_body());
            let mut last = Bytes::new();
            while let Some(frame) = body.frame().await {
                last = frame
                    .ok()
                    .and_then(|frame| frame.into_data().ok())
                    .expect("bytes");
            }
            assert!(good && !last.is_empty(), "{}: {last:?}", cell.name());
        });
    };
    (0..WARM).for_each(|_| once());
    let before = allocations::count();
    measured_calls(once, calls);
    allocations::count() - before
}

/// Has its name so that callgrind can be told to count in here only.
#[inline(never)]
fn measured_calls(once: impl Fn(), calls: usize) {
    (0..calls).for_each(|_| once());
}

fn table() {
    println!("| | cell | instructions | allocations | |");
    println!("|--:|---|--:|--:|---|");
    for (number, cell) in CELLS.iter().enumerate() {
        for (how, events) in [("plain", 1), ("stream", EVENTS)] {
            let Some((instructions, allocations)) = count(number, how) else {
                println!("SKIPPED: valgrind cannot be run");
                return;
            };
            #[allow(clippy::cast_precision_loss, reason = "figures for readers")]
            let [instructions, allocations] =
                [instructions, allocations].map(|all| all as f64 / (CALLS * events) as f64);
            let each = if events > 1 { "per event" } else { "per call" };
            println!(
                "| {number} | {}, {how} | {instructions:.0} | {allocations:.1} | {each} |",
                cell.name()
            );
        }
    }
}

/// The instructions and allocations of a cell's calls.
fn count(number: usize, how: &str) -> Option<(u64, u64)> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg("--toggle-collect=*measured_calls*")
        .arg(std::env::current_exe().ok()?)
        .args(["cell", &number.to_string(), how])
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said
        .lines()
        .find_map(|line| line.split("Collected :").nth(1));
    let instructions = line?.trim().parse().ok()?;
    let allocations = String::from_utf8_lossy(&output.stdout);
    Some((instructions, allocations.trim().parse().ok()?))
}
