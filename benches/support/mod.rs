//! A small harness: times, counted allocations, and a table with the budgets.

pub(crate) mod allocations;

use std::hint::black_box;
use std::time::{Duration, Instant};

/// The time that one round takes, and how many there are: the median counts.
const ROUND: Duration = Duration::from_millis(40);
const ROUNDS: usize = 11;

/// What a measured piece of work may cost. `None`: no budget is set.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Budget {
    pub(crate) nanoseconds: Option<f64>,
    pub(crate) gigabytes_per_second: Option<f64>,
    pub(crate) allocations: Option<f64>,
}

/// Measures, and prints a line for each measurement.
pub(crate) struct Table {
    /// Off where the program runs as a test: then everything is done once, to see that it works.
    measure: bool,
}

impl Table {
    pub(crate) fn begin() -> Self {
        let measure = std::env::args().any(|argument| argument == "--bench");
        if measure {
            println!(
                "{:<46} {:>11} {:>9} {:>8}  {:<34}",
                "", "ns", "GB/s", "allocs", "budget"
            );
        }
        Self { measure }
    }

    /// Measures `work`, which handles `bytes` bytes a time.
    pub(crate) fn row<T>(
        &self,
        name: &str,
        bytes: usize,
        budget: Budget,
        mut work: impl FnMut() -> T,
    ) {
        // Warm: buffers have their size, caches their content.
        for _ in 0..3 {
            black_box(work());
        }
        if !self.measure {
            return;
        }
        let mut times = 1_u32;
        loop {
            let elapsed = time(times, &mut work);
            if elapsed >= ROUND / 4 || times >= 1 << 28 {
                break;
            }
            times *= 2;
        }
        let before = allocations::count();
        let mut rounds: Vec<_> = (0..ROUNDS)
            .map(|_| time(times, &mut work).as_secs_f64() * 1e9 / f64::from(times))
            .collect();
        let counted = allocations::count() - before;
        rounds.sort_by(f64::total_cmp);
        let nanoseconds = rounds[ROUNDS / 2];
        #[allow(clippy::cast_precision_loss, reason = "a figure for readers")]
        let (rate, allocations) = (
            bytes as f64 / nanoseconds,
            counted as f64 / (f64::from(times) * ROUNDS as f64),
        );

        let mut limits = Vec::new();
        let mut over = false;
        if let Some(limit) = budget.nanoseconds {
            limits.push(format!("<= {limit} ns"));
            over |= nanoseconds > limit;
        }
        if let Some(limit) = budget.gigabytes_per_second {
            limits.push(format!(">= {limit} GB/s"));
            over |= rate < limit;
        }
        if let Some(limit) = budget.allocations {
            limits.push(format!("<= {limit} allocs"));
            // Growth of a buffer now and then is no steady state's.
            over |= allocations > limit + 0.001;
        }
        let verdict = match (limits.is_empty(), over) {
            (true, _) => "",
            (false, true) => "over",
            (false, false) => "ok",
        };
        println!(
            "{name:<46} {nanoseconds:>11.1} {rate:>9.3} {allocations:>8.2}  {:<34} {verdict}",
            limits.join(", ")
        );
    }
}

fn time<T>(times: u32, work: &mut impl FnMut() -> T) -> Duration {
    let start = Instant::now();
    for _ in 0..times {
        black_box(work());
    }
    start.elapsed()
}

/// A chat of about 4 KiB with tools and a tool loop.
pub(crate) fn chat_with_tools() -> String {
    let tool = |name: &str| {
        format!(
            r#"{{"type":"function","function":{{"name":"{name}","description":"Looks up {name} for a place, in the unit that the user asked for. Answers with one line.","parameters":{{"type":"object","properties":{{"city":{{"type":"string","description":"The city, as the user named it"}},"unit":{{"type":"string","enum":["celsius","fahrenheit"]}}}},"required":["city"],"additionalProperties":false}}}}}}"#
        )
    };
    let tools: Vec<_> = ["get_weather", "get_time", "get_population"]
        .into_iter()
        .map(tool)
        .collect();
    let prose = r#"Compare the weather in Lima and Quito for the next days, and say where I should go.\nBe \"brief\": two sentences at most, no lists. "#;
    let mut messages = format!(
        r#"{{"role":"system","content":"{prose}{prose}{prose}{prose}"}},{{"role":"user","content":[{{"type":"text","text":"{prose}{prose}{prose}{prose}{prose}{prose}"}}]}}"#
    );
    for turn in 0..3 {
        messages.push_str(&format!(
            r#",{{"role":"assistant","content":"Looking.","tool_calls":[{{"id":"toolu_{turn}","type":"function","function":{{"name":"get_weather","arguments":"{{\"city\":\"Lima\",\"unit\":\"celsius\"}}"}}}}]}},{{"role":"tool","tool_call_id":"toolu_{turn}","content":"{prose}"}}"#
        ));
    }
    messages.push_str(&format!(r#",{{"role":"user","content":"{prose}"}}"#));
    format!(
        r#"{{"model":"claude-sonnet-4-5","messages":[{messages}],"tools":[{}],"tool_choice":"auto","max_completion_tokens":1024,"temperature":0.7,"stream":true,"stream_options":{{"include_usage":true}}}}"#,
        tools.join(",")
    )
}

/// A chat with one image of about 1 MiB in base64.
pub(crate) fn chat_with_image() -> String {
    let data = "iVBORw0KGgoAAAANSUhEUgAAB4AAAAQ4CAYAAADo08FDAAAgAElEQVR4".repeat(1024 * 1024 / 57);
    format!(
        r#"{{"model":"claude-sonnet-4-5","messages":[{{"role":"user","content":[{{"type":"text","text":"What is this?"}},{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{data}"}}}}]}}],"max_completion_tokens":1024}}"#
    )
}
