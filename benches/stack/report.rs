//! What is measured, and the tables.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::answers::{EVENTS, Format};
use crate::cells::{CELLS, Cell, find};
use crate::load::{self, Caller};
use crate::measure::{Median, median, quantile};
use crate::process::Process;

/// Rounds of an alternation.
const ROUNDS: usize = 11;
/// Idle streams that are held open at most.
const IDLE: usize = 10_000;

/// A line of the table at the end.
struct Line {
    name: String,
    figure: f64,
    budget: f64,
    unit: &'static str,
    /// How far the middle half of the rounds goes from the figure, in percent, where there are rounds.
    spread: Option<f64>,
}

pub(crate) fn run(measure: bool) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(Bench::start(measure).run());
}

/// Calls of one cell, for a profile.
pub(crate) fn load(address: &str, raw: bool, number: &str, stream: bool, count: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let cell = number.parse().ok().and_then(|at: usize| CELLS.get(at));
    let cell = cell.expect("a cell's number");
    let path = match raw {
        true => cell.raw_path(stream),
        false => cell.path(),
    };
    let body = match stream {
        true => worded(cell, "pace-each"),
        false => cell.request(false, 0),
    };
    let address = address.parse().expect("an address");
    let count = count.parse().expect("a number of calls");
    runtime.block_on(load::calls(address, path, &body, count, 1, false));
}

/// The raw proxy and the gateway.
struct Pair {
    raw: Process,
    gateway: Process,
}

struct Bench {
    measure: bool,
    /// Speak HTTP/1 to the upstream.
    first: Pair,
    /// Speak HTTP/2 to the upstream.
    second: Pair,
    upstream: Process,
    lines: Vec<Line>,
}

/// One kind of work on both proxies.
struct Work {
    name: String,
    paths: [&'static str; 2],
    bodies: [Bytes; 2],
    /// Calls in a round.
    calls: usize,
    /// Calls at once.
    lanes: usize,
    /// What a figure is divided by, besides the calls.
    events: usize,
    /// The client's version of HTTP, and the upstream's.
    http2: [bool; 2],
}

/// What was measured: CPU time of the gateway, in microseconds, and its ratio to the raw proxy's.
#[derive(Clone, Copy)]
struct Compared {
    gateway: f64,
    ratio: Median,
}

impl Bench {
    fn start(measure: bool) -> Self {
        let upstream = Process::start("upstream", None);
        let address = Some(upstream.address);
        Self {
            measure,
            first: Pair {
                raw: Process::start("raw", address),
                gateway: Process::start("gateway", address),
            },
            second: Pair {
                raw: Process::start_with("raw", address, &["h2"]),
                gateway: Process::start_with("gateway", address, &["h2"]),
            },
            upstream,
            lines: Vec::new(),
        }
    }

    async fn run(mut self) {
        let begin = Instant::now();
        self.head("CPU time of the proxy's process, µs");
        for cell in &CELLS {
            self.plain(cell, [false; 2], Some(cell.plain)).await;
        }
        for cell in &CELLS {
            self.stream(cell, "pace-each", [false; 2], Some(cell.stream))
                .await;
        }
        let chat = find(Format::Chat, "anthropic");
        let passed = find(Format::Chat, "openai");
        let signed = find(Format::Chat, "aws-bedrock");
        for cell in [passed, chat, signed] {
            self.stream(cell, "pace-slow", [false; 2], Some(1.15)).await;
        }
        for cell in [passed, chat, signed] {
            self.stream(cell, "pace-once", [false; 2], None).await;
        }
        for http2 in [[true, false], [false, true], [true, true]] {
            for cell in [passed, chat] {
                self.plain(cell, http2, None).await;
                self.stream(cell, "pace-each", http2, None).await;
            }
        }
        for cell in [passed, chat, signed] {
            self.sizes(cell).await;
        }
        self.latencies(chat).await;
        self.resident().await;
        self.idle(chat).await;
        self.cold_start();
        self.close(begin.elapsed());
    }

    fn head(&self, what: &str) {
        if self.measure {
            println!("\n| {what} | raw | gateway | ratio | spread |\n|---|--:|--:|--:|--:|");
        }
    }

    async fn plain(&mut self, cell: &Cell, http2: [bool; 2], budget: Option<f64>) {
        let work = Work {
            name: format!("{}, plain{}", cell.name(), versions(http2)),
            paths: [cell.raw_path(false), cell.path()],
            bodies: [cell.request(false, 0), cell.request(false, 0)],
            calls: 250,
            lanes: 1,
            events: 1,
            http2,
        };
        self.compare(&work, budget).await;
    }

    async fn stream(
        &mut self,
        cell: &Cell,
        pace: &'static str,
        http2: [bool; 2],
        budget: Option<f64>,
    ) {
        let (calls, lanes, how) = match pace {
            "pace-slow" => (1, 16, "1 ms between events"),
            "pace-once" => (80, 1, "all events in one piece"),
            _ => (8, 1, "an event in each piece"),
        };
        let body = worded(cell, pace);
        let work = Work {
            name: format!(
                "{}, stream, {how}, per event{}",
                cell.name(),
                versions(http2)
            ),
            paths: [cell.raw_path(true), cell.path()],
            bodies: [body.clone(), body],
            calls,
            lanes,
            events: EVENTS,
            http2,
        };
        self.compare(&work, budget).await;
    }

    /// Bodies of many sizes: the time must grow with the size, and no faster.
    async fn sizes(&mut self, cell: &Cell) {
        let mut costs = Vec::new();
        for (extra, calls) in [
            (1 << 10, 250),
            (64 << 10, 100),
            (1 << 20, 12),
            (16 << 20, 1),
        ] {
            let body = cell.request(false, extra);
            let work = Work {
                name: format!("{}, plain, body of {} KiB more", cell.name(), extra >> 10),
                paths: [cell.raw_path(false), cell.path()],
                bodies: [body.clone(), body],
                calls,
                lanes: 1,
                events: 1,
                http2: [false; 2],
            };
            costs.push(self.compare(&work, None).await);
        }
        let [_, _, million, all] = costs[..] else {
            return;
        };
        self.lines.push(Line {
            name: format!(
                "{}, plain: time for 16 MiB over 16 times that for 1 MiB",
                cell.name()
            ),
            figure: all.gateway / million.gateway / 16.0,
            budget: 1.25,
            unit: "x",
            spread: Some(all.ratio.spread.max(million.ratio.spread)),
        });
    }

    /// Measures both proxies in alternation.
    async fn compare(&mut self, work: &Work, budget: Option<f64>) -> Compared {
        let rounds = if self.measure { ROUNDS } else { 1 };
        let calls = if self.measure { work.calls } else { 1 };
        let pair = if work.http2[1] {
            &self.second
        } else {
            &self.first
        };
        let mut figures = [Vec::new(), Vec::new()];
        let mut ratios = Vec::new();
        for round in 0..=rounds {
            let mut both = [0.0; 2];
            for (side, proxy) in [&pair.raw, &pair.gateway].into_iter().enumerate() {
                let before = proxy.cpu();
                load::calls(
                    proxy.address,
                    work.paths[side],
                    &work.bodies[side],
                    calls,
                    work.lanes,
                    work.http2[0],
                )
                .await;
                let done = calls * work.lanes * work.events;
                both[side] = micros(Duration::from_nanos(proxy.cpu() - before)) / real(done);
            }
            // The first round warms up.
            if round > 0 || !self.measure {
                figures[0].push(both[0]);
                figures[1].push(both[1]);
                ratios.push(both[1] / both[0]);
            }
        }
        let [raw, gateway] = figures.map(|figures| median(figures).value);
        let ratio = median(ratios);
        if self.measure {
            println!(
                "| {} | {raw:.2} | {gateway:.2} | {:.2} | {:.0} % |",
                work.name, ratio.value, ratio.spread
            );
        }
        if let Some(budget) = budget {
            self.lines.push(Line {
                name: work.name.clone(),
                figure: ratio.value,
                budget,
                unit: "x",
                spread: Some(ratio.spread),
            });
        }
        Compared { gateway, ratio }
    }

    /// The slowest of a hundred calls among sixteen at once, and what the first event of a stream waits for.
    async fn latencies(&mut self, cell: &Cell) {
        let plain = cell.request(false, 0);
        let stream = worded(cell, "pace-brief");
        let mut tails = [Vec::new(), Vec::new()];
        let mut firsts = [Vec::new(), Vec::new()];
        let rounds = if self.measure { ROUNDS } else { 1 };
        for _ in 0..rounds {
            let proxies = [&self.first.raw, &self.first.gateway];
            for (side, proxy) in proxies.into_iter().enumerate() {
                let (calls, streams) = if self.measure { (100, 60) } else { (1, 1) };
                let path = [cell.raw_path(false), cell.path()][side];
                let all = load::calls(proxy.address, path, &plain, calls, 16, false).await;
                let times = all.iter().map(|(_, whole)| micros(*whole)).collect();
                tails[side].push(quantile(times, 0.99));
                let path = [cell.raw_path(true), cell.path()][side];
                let all = load::calls(proxy.address, path, &stream, streams, 1, false).await;
                let times = all.iter().map(|(first, _)| micros(*first)).collect();
                firsts[side].push(median(times).value);
            }
        }
        let ratios = |figures: &[Vec<f64>; 2], of: fn(f64, f64) -> f64| {
            let [raw, ours] = figures;
            median(raw.iter().zip(ours).map(|(a, b)| of(*a, *b)).collect())
        };
        let tail = ratios(&tails, |raw, ours| ours / raw);
        let first = ratios(&firsts, |raw, ours| ours - raw);
        let [raw_tail, our_tail] = tails.map(|tail| median(tail).value);
        let [raw_first, our_first] = firsts.map(|first| median(first).value);
        if self.measure {
            let name = cell.name();
            println!("\n| latency of {name}, µs | raw | gateway |\n|---|--:|--:|");
            println!("| slowest of a hundred, 16 at once | {raw_tail:.0} | {our_tail:.0} |");
            println!("| first event of a stream | {raw_first:.0} | {our_first:.0} |");
        }
        self.lines.push(Line {
            name: format!("{}, p99 of 16 at once", cell.name()),
            figure: tail.value,
            budget: 1.5,
            unit: "x",
            spread: Some(tail.spread),
        });
        self.lines.push(Line {
            name: format!("{}, first event of a stream, added", cell.name()),
            figure: first.value,
            budget: 50.0,
            unit: "µs",
            spread: None,
        });
    }

    /// What a gateway holds in memory after calls on 64 connections, which stay open.
    async fn resident(&mut self) {
        let gateway = Process::start("gateway", Some(self.upstream.address));
        let callers: Vec<Caller> = (0..64).map(|_| load::client(false)).collect();
        for cell in &CELLS {
            let url = format!("http://{}{}", gateway.address, cell.path());
            let bodies = [cell.request(false, 0), worded(cell, "pace-each")];
            for body in bodies {
                let calls = callers.iter().map(|caller| load::call(caller, &url, &body));
                load::all(calls).await;
            }
        }
        self.lines.push(Line {
            name: "resident memory after calls of all cells on 64 connections at once".into(),
            figure: real(gateway.resident()) / 1024.0,
            budget: 16.0,
            unit: "MiB",
            spread: None,
        });
    }

    /// The memory that a stream takes which waits for the provider: beyond what the raw proxy takes for it.
    async fn idle(&mut self, cell: &Cell) {
        let body = worded(cell, "pace-idle");
        // Each has a connection of its own to the upstream, which may be alone in having the fewest files.
        let files = self.upstream.most_files().saturating_sub(300);
        let count = if self.measure { IDLE.min(files) } else { 10 };
        let upstream = Process::start("upstream", None);
        let mut sizes = [0.0; 2];
        for (side, role) in ["raw", "gateway"].into_iter().enumerate() {
            let proxy = Process::start(role, Some(upstream.address));
            let path = [cell.raw_path(true), cell.path()][side];
            let url = format!("http://{}{path}", proxy.address);
            let mut open = Vec::with_capacity(count);
            let warm = load::client(true);
            open.push(load::open(&warm, &url, &body).await);
            let before = proxy.resident();
            let mut callers = Vec::new();
            while open.len() <= count {
                // HTTP/2 towards the proxy: a connection carries a hundred of them.
                let caller = load::client(true);
                for _ in 0..100.min(count + 1 - open.len()) {
                    open.push(load::open(&caller, &url, &body).await);
                }
                callers.push(caller);
            }
            sizes[side] = real(proxy.resident().saturating_sub(before)) / real(count);
        }
        let [raw, gateway] = sizes;
        if self.measure {
            println!("\n| memory for each idle stream, KiB | raw | gateway |\n|---|--:|--:|");
            println!(
                "| {}, {count} streams | {raw:.1} | {gateway:.1} |",
                cell.name()
            );
        }
        self.lines.push(Line {
            name: format!("memory for each of {count} idle streams, beyond the raw proxy's"),
            figure: gateway - raw,
            budget: 16.0,
            unit: "KiB",
            spread: None,
        });
    }

    /// From the start of the process to the line that says where it listens: of the standalone gateway, if it was built.
    fn cold_start(&mut self) {
        let mut program = std::env::current_exe().expect("this program");
        // From target/release/deps/stack-… to target/release/examples/gateway.
        program.pop();
        program.pop();
        program.push("examples/gateway");
        let known = program.exists().then_some(program);
        let mut times = Vec::new();
        for _ in 0..if self.measure { 11 } else { 1 } {
            let begin = Instant::now();
            let ended = if let Some(program) = &known {
                until_listening(program)
            } else {
                drop(Process::start("gateway", Some(self.upstream.address)));
                true
            };
            assert!(ended, "the gateway did not say where it listens");
            times.push(micros(begin.elapsed()) / 1000.0);
        }
        let time = median(times);
        let what = match known {
            Some(_) => "the standalone gateway",
            None => "this bench's own gateway (build --release --example gateway for the other)",
        };
        self.lines.push(Line {
            name: format!("cold start to listening, {what}"),
            figure: time.value,
            budget: 10.0,
            unit: "ms",
            spread: Some(time.spread),
        });
    }

    fn close(&self, time: Duration) {
        if !self.measure {
            return;
        }
        println!("\n| budget | figure | at most | spread | |\n|---|--:|--:|--:|---|");
        for line in &self.lines {
            let verdict = if line.figure <= line.budget {
                "ok"
            } else {
                "**over**"
            };
            let Line {
                name,
                figure,
                budget,
                unit,
                ..
            } = line;
            let spread = line.spread.map(|spread| format!("{spread:.0} %"));
            println!(
                "| {name} | {figure:.2} {unit} | {budget:.2} {unit} | {} | {verdict} |",
                spread.unwrap_or_default()
            );
        }
        println!("\n{} rounds, {:.0} s in all.", ROUNDS, time.as_secs_f64());
    }
}

/// Starts the standalone gateway on a free port, with its demo providers, and ends it once it listens.
fn until_listening(program: &PathBuf) -> bool {
    use std::io::{BufRead, BufReader};

    let mut child = Command::new(program)
        .args(["--listen", "127.0.0.1:0"])
        .env_clear()
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("start the gateway");
    let lines = BufReader::new(child.stderr.take().expect("its output")).lines();
    let listens = lines
        .map_while(Result::ok)
        .any(|line| line.starts_with("listening on"));
    let _ = child.kill();
    let _ = child.wait();
    listens
}

/// A stream's request with a word in it that says how the events are to come.
fn worded(cell: &Cell, pace: &str) -> Bytes {
    let body = cell.request(true, 0);
    let text = String::from_utf8(body.to_vec()).expect("text");
    Bytes::from(text.replacen("The quick", pace, 1))
}

fn versions(http2: [bool; 2]) -> &'static str {
    match http2 {
        [false, false] => "",
        [true, false] => ", HTTP/2 client",
        [false, true] => ", HTTP/2 upstream",
        [true, true] => ", HTTP/2 on both sides",
    }
}

#[allow(clippy::cast_precision_loss, reason = "a figure for readers")]
fn real(count: impl TryInto<u64>) -> f64 {
    count.try_into().unwrap_or(u64::MAX) as f64
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
