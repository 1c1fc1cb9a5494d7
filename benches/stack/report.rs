//! What is measured, and the tables.

use std::time::Duration;

use bytes::Bytes;

use crate::answers::{EVENTS, Format, request};
use crate::load;
use crate::measure::{Median, median, quantile};
use crate::process::Process;

/// Rounds of an alternation.
const ROUNDS: usize = 7;

/// A client's endpoint and a provider.
struct Cell {
    name: &'static str,
    client: Format,
    route: &'static str,
    /// Where the raw proxy gets the same provider's answer.
    raw: &'static str,
    raw_stream: &'static str,
    plain: f64,
    stream: f64,
}

const CELLS: [Cell; 9] = [
    Cell {
        name: "Chat on openai (passthrough)",
        client: Format::Chat,
        route: "openai",
        raw: "/v1/chat/completions",
        raw_stream: "/v1/chat/completions",
        plain: 1.25,
        stream: 1.0,
    },
    Cell {
        name: "Messages on anthropic (passthrough)",
        client: Format::Messages,
        route: "anthropic",
        raw: "/v1/messages",
        raw_stream: "/v1/messages",
        plain: 1.25,
        stream: 1.0,
    },
    Cell {
        name: "Chat on anthropic",
        client: Format::Chat,
        route: "anthropic",
        raw: "/v1/messages",
        raw_stream: "/v1/messages",
        plain: 1.6,
        stream: 1.1,
    },
    Cell {
        name: "Messages on groq",
        client: Format::Messages,
        route: "groq",
        raw: "/v1/chat/completions",
        raw_stream: "/v1/chat/completions",
        plain: 1.6,
        stream: 1.1,
    },
    Cell {
        name: "Messages on openai",
        client: Format::Messages,
        route: "openai",
        raw: "/v1/responses",
        raw_stream: "/v1/responses",
        plain: 1.75,
        stream: 1.1,
    },
    Cell {
        name: "Responses on anthropic",
        client: Format::Responses,
        route: "anthropic",
        raw: "/v1/messages",
        raw_stream: "/v1/messages",
        plain: 1.75,
        stream: 1.1,
    },
    Cell {
        name: "Responses on groq",
        client: Format::Responses,
        route: "groq",
        raw: "/v1/chat/completions",
        raw_stream: "/v1/chat/completions",
        plain: 1.75,
        stream: 1.1,
    },
    Cell {
        name: "Chat on aws-bedrock (signed)",
        client: Format::Chat,
        route: "aws-bedrock",
        raw: "/model/m/converse",
        raw_stream: "/model/m/converse-stream",
        plain: 2.0,
        stream: 1.2,
    },
    Cell {
        name: "Messages on aws-bedrock (signed)",
        client: Format::Messages,
        route: "aws-bedrock",
        raw: "/model/m/converse",
        raw_stream: "/model/m/converse-stream",
        plain: 2.0,
        stream: 1.2,
    },
];

fn path(client: Format) -> &'static str {
    match client {
        Format::Messages => "/v1/messages",
        Format::Responses => "/v1/responses",
        _ => "/v1/chat/completions",
    }
}

/// A line of the table at the end.
struct Line {
    name: String,
    figure: f64,
    budget: f64,
    unit: &'static str,
}

pub(crate) fn run(measure: bool) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(Bench::start(measure).run());
}

struct Bench {
    measure: bool,
    raw: Process,
    gateway: Process,
    _upstream: Process,
    lines: Vec<Line>,
}

/// One kind of work on both proxies.
struct Work {
    name: String,
    paths: [String; 2],
    bodies: [Bytes; 2],
    /// Calls in a round.
    calls: usize,
    /// What a figure is divided by, besides the calls.
    events: usize,
    http2: bool,
}

impl Bench {
    fn start(measure: bool) -> Self {
        let upstream = Process::start("upstream", None);
        Self {
            measure,
            raw: Process::start("raw", Some(upstream.address)),
            gateway: Process::start("gateway", Some(upstream.address)),
            _upstream: upstream,
            lines: Vec::new(),
        }
    }

    async fn run(mut self) {
        if self.measure {
            println!(
                "{:<52} {:>9} {:>9} {:>7} {:>8}",
                "CPU time of the proxy's process, µs", "raw", "gateway", "ratio", "spread"
            );
        }
        for cell in &CELLS {
            self.plain(cell, 0, false).await;
            self.stream(cell, "pace-each", 60, cell.stream).await;
        }
        for cell in [&CELLS[2], &CELLS[7]] {
            self.stream(cell, "pace-slow", 4, 1.15).await;
        }
        for cell in [&CELLS[0], &CELLS[2]] {
            self.plain(cell, 0, true).await;
            for (size, calls) in [(64 << 10, 300), (1 << 20, 40), (16 << 20, 4)] {
                self.sized(cell, size, calls).await;
            }
        }
        self.latencies().await;
        self.memory().await;
        self.close();
    }

    fn calls(&self, count: usize) -> usize {
        if self.measure { count } else { 1 }
    }

    async fn plain(&mut self, cell: &Cell, extra: usize, http2: bool) {
        let body = |model| request(cell.client, model, false, extra);
        let work = Work {
            name: format!(
                "{}, plain{}",
                cell.name,
                if http2 { ", HTTP/2 client" } else { "" }
            ),
            paths: [cell.raw.into(), path(cell.client).into()],
            bodies: [body("m"), body(cell.route)],
            calls: self.calls(1500),
            events: 1,
            http2,
        };
        let budget = cell.plain;
        self.compare(&work, Some(budget)).await;
    }

    async fn sized(&mut self, cell: &Cell, extra: usize, calls: usize) {
        let body = |model| request(cell.client, model, false, extra);
        let work = Work {
            name: format!("{}, plain, body of {} KiB", cell.name, extra >> 10),
            paths: [cell.raw.into(), path(cell.client).into()],
            bodies: [body("m"), body(cell.route)],
            calls: self.calls(calls),
            events: 1,
            http2: false,
        };
        self.compare(&work, None).await;
    }

    async fn stream(&mut self, cell: &Cell, pace: &str, calls: usize, budget: f64) {
        let body = |model| {
            let body = request(cell.client, model, true, 0);
            let text = String::from_utf8(body.to_vec()).expect("text");
            Bytes::from(text.replacen("The quick", pace, 1))
        };
        let work = Work {
            name: format!("{}, stream {pace}, per event", cell.name),
            paths: [cell.raw_stream.into(), path(cell.client).into()],
            bodies: [body("m"), body(cell.route)],
            calls: self.calls(calls),
            events: EVENTS,
            http2: false,
        };
        self.compare(&work, Some(budget)).await;
    }

    /// Measures both proxies in alternation.
    async fn compare(&mut self, work: &Work, budget: Option<f64>) {
        let rounds = if self.measure { ROUNDS } else { 1 };
        let mut figures = [Vec::new(), Vec::new()];
        let mut ratios = Vec::new();
        for round in 0..=rounds {
            let mut pair = [0.0; 2];
            for (side, proxy) in [&self.raw, &self.gateway].into_iter().enumerate() {
                let before = proxy.cpu();
                load::calls(
                    proxy.address,
                    &work.paths[side],
                    &work.bodies[side],
                    work.calls,
                    1,
                    work.http2,
                )
                .await;
                #[allow(clippy::cast_precision_loss, reason = "a figure for readers")]
                let each = (proxy.cpu() - before) as f64 / (work.calls * work.events) as f64;
                pair[side] = each / 1000.0;
            }
            // The first round warms up.
            if round > 0 || !self.measure {
                figures[0].push(pair[0]);
                figures[1].push(pair[1]);
                ratios.push(pair[1] / pair[0]);
            }
        }
        let [raw, gateway] = figures.map(median);
        let Median { value, spread } = median(ratios);
        if self.measure {
            println!(
                "{:<52} {:>9.2} {:>9.2} {value:>7.2} {spread:>7.0}%",
                work.name, raw.value, gateway.value
            );
        }
        if let Some(budget) = budget {
            self.lines.push(Line {
                name: work.name.clone(),
                figure: value,
                budget,
                unit: "x",
            });
        }
    }

    /// The slowest of a hundred calls among sixteen at once, and what the first event of a stream waits for.
    async fn latencies(&mut self) {
        let cell = &CELLS[2];
        let bodies = [
            request(cell.client, "m", false, 0),
            request(cell.client, cell.route, false, 0),
        ];
        let mut tails = [Vec::new(), Vec::new()];
        let mut firsts = [Vec::new(), Vec::new()];
        let rounds = if self.measure { ROUNDS } else { 1 };
        for _ in 0..rounds {
            for (side, proxy) in [&self.raw, &self.gateway].into_iter().enumerate() {
                let path = [cell.raw, path(cell.client)][side];
                let count = self.calls(150);
                let all = load::calls(proxy.address, path, &bodies[side], count, 16, false).await;
                let times = all.iter().map(|(_, whole)| micros(*whole)).collect();
                tails[side].push(quantile(times, 0.99));
                let stream = String::from_utf8(bodies[side].to_vec()).expect("text");
                let stream = stream
                    .replacen("\"stream\":false", "\"stream\":true", 1)
                    .replacen("The quick", "pace-slow", 1);
                let path = [cell.raw_stream, path][side];
                let count = self.calls(3);
                let all = load::calls(proxy.address, path, &stream.into(), count, 1, false).await;
                firsts[side].extend(all.iter().map(|(first, _)| micros(*first)));
            }
        }
        let [raw, ours] = tails.map(|tail| median(tail).value);
        let [raw_first, our_first] = firsts.map(|first| median(first).value);
        if self.measure {
            println!("p99 of 16 at once: raw {raw:.0} µs, gateway {ours:.0} µs");
            println!("first event: raw {raw_first:.0} µs, gateway {our_first:.0} µs");
        }
        self.lines.push(Line {
            name: "p99 of Chat on anthropic, 16 at once".into(),
            figure: ours / raw,
            budget: 1.5,
            unit: "x",
        });
        self.lines.push(Line {
            name: "first event of a stream, added".into(),
            figure: our_first - raw_first,
            budget: 50.0,
            unit: "µs",
        });
    }

    /// Streams that wait for the provider, and the memory that the gateway holds for each.
    async fn memory(&mut self) {
        let cell = &CELLS[2];
        let body = request(cell.client, cell.route, true, 0);
        let text = String::from_utf8(body.to_vec()).expect("text");
        let body = Bytes::from(text.replacen("The quick", "pace-idle", 1));
        let url = format!("http://{}{}", self.gateway.address, path(cell.client));
        // HTTP/2 towards the gateway: a connection carries a hundred of them.
        let count = if self.measure { 7000 } else { 10 };
        let mut open = Vec::with_capacity(count);
        let mut callers = Vec::new();
        let gateway = Process::start("gateway", Some(self._upstream.address));
        let url = url.replace(
            &self.gateway.address.to_string(),
            &gateway.address.to_string(),
        );
        let warm = load::caller(true);
        open.push(load::open(&warm, &url, &body).await);
        let before = gateway.resident();
        while open.len() <= count {
            let caller = load::caller(true);
            for _ in 0..100.min(count + 1 - open.len()) {
                open.push(load::open(&caller, &url, &body).await);
            }
            callers.push(caller);
        }
        #[allow(clippy::cast_precision_loss, reason = "a figure for readers")]
        let each = (gateway.resident().saturating_sub(before)) as f64 / count as f64;
        if self.measure {
            println!("{count} idle streams: {each:.1} KiB each, of the process's resident memory");
        }
        self.lines.push(Line {
            name: format!("memory for each of {count} idle streams"),
            figure: each,
            budget: 40.0,
            unit: "KiB",
        });
        drop(open);
        #[allow(clippy::cast_precision_loss, reason = "a figure for readers")]
        let resident = self.gateway.resident() as f64 / 1024.0;
        self.lines.push(Line {
            name: "resident memory after all the calls above".into(),
            figure: resident,
            budget: 64.0,
            unit: "MiB",
        });
    }

    fn close(&self) {
        if !self.measure {
            return;
        }
        println!("\n{:<64} {:>9}  {:>9}", "budgets", "figure", "budget");
        for line in &self.lines {
            let verdict = if line.figure <= line.budget {
                "ok"
            } else {
                "over"
            };
            println!(
                "{:<64} {:>7.2} {:<3} {:>6.2} {:<3} {verdict}",
                line.name, line.figure, line.unit, line.budget, line.unit
            );
        }
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
