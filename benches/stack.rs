//! The whole stack over loopback sockets, against a proxy that converts nothing: what a call and a stream's event cost.
//!
//! `cargo bench --all-features --bench stack` starts an upstream with canned answers, the raw proxy, and the gateway as processes
//! of their own; each proxy has one thread. The leading figure is the CPU time of the proxy's process, read from the operating
//! system, as a ratio to the raw proxy's in the same run: the two are measured in alternation, and medians count. The output is
//! Markdown, and ends with a line for each budget.
//!
//! For a profile run the bench's program yourself: `stack upstream`, then `stack gateway http://ADDRESS` under the profiler, then
//! `stack load ADDRESS gateway 3 plain 1000`, with the cell's position in `stack/cells.rs`; likewise with `raw`.

#[path = "stack/answers.rs"]
mod answers;
#[path = "stack/canned.rs"]
mod canned;
#[path = "stack/cells.rs"]
mod cells;
#[path = "stack/load.rs"]
mod load;
#[path = "stack/measure.rs"]
mod measure;
#[path = "stack/process.rs"]
mod process;
#[path = "stack/providers.rs"]
mod providers;
#[path = "stack/proxies.rs"]
mod proxies;
#[path = "stack/report.rs"]
mod report;
#[path = "stack/upstream.rs"]
mod upstream;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["upstream"] => upstream::run(),
        ["raw", upstream] => proxies::raw(upstream, false),
        ["raw", upstream, "h2"] => proxies::raw(upstream, true),
        ["gateway", upstream] => proxies::gateway(upstream, false),
        ["gateway", upstream, "h2"] => proxies::gateway(upstream, true),
        ["load", address, side, number, how, count] => {
            report::load(address, side == "raw", number, how == "stream", count);
        }
        // As a test everything is done once, to see that it works.
        _ => report::run(arguments.contains(&"--bench")),
    }
}
