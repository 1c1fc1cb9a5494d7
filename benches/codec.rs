//! What the parsers cost.

mod support;

use support::{Budget, Table, chat_with_image, chat_with_tools};
use tower_llm_gateway::codec::scan::{ScanLimits, scan};
use tower_llm_gateway::codec::sse::Decoder;

fn main() {
    let table = Table::begin();
    let chat = chat_with_tools();
    let name = format!("scan, chat of {} bytes", chat.len());
    table.row(&name, chat.len(), Budget::default(), || {
        let scan = scan(chat.as_bytes(), ScanLimits::default());
        scan.expect("valid JSON").text("model").map(str::len)
    });
    let image = chat_with_image();
    table.row("scan, 1 MiB image", image.len(), Budget::default(), || {
        let scan = scan(image.as_bytes(), ScanLimits::default());
        scan.expect("valid JSON").text("model").map(str::len)
    });

    let budget = Budget {
        gigabytes_per_second: Some(2.0),
        allocations: Some(0.0),
        ..Budget::default()
    };
    let delta = |text: &str| {
        format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n"
        )
    };
    let small = delta(" the capital of Peru").repeat(400);
    let large = delta(&"x".repeat(4000)).repeat(16);
    for (name, stream) in [
        ("SSE decode, small events", &small),
        ("SSE decode, 4 KiB events", &large),
    ] {
        let mut decoder = Decoder::new(16 << 20);
        table.row(name, stream.len(), budget, || {
            count(&mut decoder, stream.as_bytes())
        });
    }
    let mut decoder = Decoder::new(16 << 20);
    let cut = Budget {
        allocations: Some(0.0),
        ..Budget::default()
    };
    table.row(
        "SSE decode, small events cut by 1000 bytes",
        small.len(),
        cut,
        || {
            small
                .as_bytes()
                .chunks(1000)
                .map(|piece| count(&mut decoder, piece))
                .sum::<usize>()
        },
    );
}

fn count(decoder: &mut Decoder, mut input: &[u8]) -> usize {
    let mut bytes = 0;
    while let Some(event) = decoder.next(&mut input).expect("events below the limit") {
        bytes += event.data.len();
    }
    bytes
}
