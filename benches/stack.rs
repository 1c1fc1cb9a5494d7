//! The whole stack over loopback sockets, against a proxy that converts nothing: what a call and a stream's event cost.
//!
//! `cargo bench --bench stack` starts three processes: an upstream with canned answers, the raw proxy, and the gateway; each
//! proxy has one thread. The leading figure is the CPU time of the proxy's process, read from the operating system, as a ratio
//! to the raw proxy's in the same run: the two are measured in alternation, and medians count. The output ends with a line for
//! each budget.

#[path = "stack/answers.rs"]
mod answers;
#[path = "stack/load.rs"]
mod load;
#[path = "stack/measure.rs"]
mod measure;
#[path = "stack/process.rs"]
mod process;
#[path = "stack/proxies.rs"]
mod proxies;
#[path = "stack/report.rs"]
mod report;
#[path = "stack/upstream.rs"]
mod upstream;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (role, upstream) = (arguments.next(), arguments.next());
    match (role.as_deref(), upstream) {
        (Some("upstream"), None) => upstream::run(),
        (Some("raw"), Some(upstream)) => proxies::raw(&upstream),
        (Some("gateway"), Some(upstream)) => proxies::gateway(&upstream),
        // As a test everything is done once, to see that it works.
        _ => report::run(std::env::args().any(|argument| argument == "--bench")),
    }
}
