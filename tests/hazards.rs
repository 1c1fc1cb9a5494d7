//! Nothing lost, nobody let in: every hazard has its test.
//!
//! A hazard is something that can go wrong in a gateway and has gone wrong in others: a letter for its kind (`S` secrets and
//! headers, `U` URLs, `F` framing, `J` JSON, `D`, `E` and `M` streams, `B` flow and memory, `R` retries, `T` time and lifecycle)
//! and a number. Its tests here begin with its id; those that stand beside the code they are about are listed in [`ELSEWHERE`].

#[path = "hazards/flow.rs"]
mod flow;
#[path = "hazards/framing.rs"]
mod framing;
#[path = "hazards/json.rs"]
mod json;
#[path = "hazards/retry.rs"]
mod retry;
#[path = "hazards/secrets.rs"]
mod secrets;
#[path = "hazards/setup.rs"]
mod setup;
#[path = "hazards/streams.rs"]
mod streams;
pub mod support;
#[path = "hazards/time.rs"]
mod time;
#[path = "hazards/urls.rs"]
mod urls;

use std::path::Path;

/// The kinds of hazards, and how many there are of each.
const KINDS: &[(&str, usize)] = &[
    ("S", 7),
    ("U", 6),
    ("F", 8),
    ("J", 7),
    ("D", 6),
    ("E", 4),
    ("M", 3),
    ("B", 7),
    ("R", 13),
    ("T", 11),
];

/// Hazards that no test of one process shows, and where they are measured or explained: a file and words in it.
const SHOWN: &[(&str, &str, &str)] = &[
    (
        "S6",
        "src/client/mod.rs",
        "one client for each TLS identity",
    ),
    (
        "B2",
        "tests/load.rs",
        "b2_ten_thousand_streams_at_rest_are_held",
    ),
    ("B5", "benches/convert.rs", "fn main"),
];

/// Tests that stand beside what they are about: the hazard, the file, and the test's name.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("S2", "tests/golden.rs", "cases"),
    ("R4", "tests/sdk.rs", "scripted_retries_passthrough"),
    ("R4", "tests/sdk.rs", "scripted_retries_converted"),
    (
        "J3",
        "tests/load.rs",
        "j3_a_large_body_takes_little_more_than_twice_its_size",
    ),
    (
        "R3",
        "tests/load.rs",
        "r3_a_dead_provider_gets_few_repetitions",
    ),
    (
        "B2",
        "tests/load.rs",
        "b2_ten_thousand_streams_at_rest_are_held",
    ),
    (
        "B1",
        "tests/load.rs",
        "b1_a_thousand_stopped_clients_take_no_more_memory",
    ),
    (
        "S1",
        "tests/cells.rs",
        "a_clients_own_headers_go_to_their_provider_only",
    ),
    (
        "S7",
        "src/convert/redact.rs",
        "keys_are_replaced_and_prose_is_not",
    ),
    ("U3", "src/provider/path.rs", "aws_ids_are_one_segment"),
    ("U3", "tests/bedrock_signing.rs", "signatures_are_botocores"),
    ("U5", "src/convert/data_url.rs", "urls"),
    ("U5", "src/convert/data_url.rs", "kinds"),
    ("U6", "tests/faults.rs", "a_redirect_is_not_followed"),
    (
        "F4",
        "tests/faults.rs",
        "an_http2_client_reaches_an_http1_provider",
    ),
    ("F4", "tests/cells.rs", "requests_arrive_as_they_were_sent"),
    (
        "F7",
        "tests/faults.rs",
        "a_stream_whose_transport_breaks_delivers_what_came",
    ),
    (
        "F7",
        "tests/faults.rs",
        "a_stream_cut_inside_an_event_breaks_behind_every_byte",
    ),
    (
        "F7",
        "src/body/tests.rs",
        "a_converted_stream_that_ends_early_says_so",
    ),
    (
        "F7",
        "src/body/tests.rs",
        "an_error_comes_one_poll_after_the_last_bytes",
    ),
    (
        "F8",
        "tests/compose.rs",
        "a_decompression_layer_goes_below_it",
    ),
    ("J1", "src/codec/scan/tests.rs", "a_key_stands_once"),
    (
        "J1",
        "src/codec/scan/tests.rs",
        "generated_documents_are_read_as_serde_json_does",
    ),
    ("J2", "src/codec/scan/tests.rs", "nesting_is_limited"),
    (
        "J2",
        "src/codec/scan/tests.rs",
        "objects_and_arrays_keep_apart_at_each_depth",
    ),
    (
        "J3",
        "src/route/tests.rs",
        "bodies_are_read_no_further_than_needed",
    ),
    (
        "J3",
        "src/route/tests.rs",
        "a_limit_around_the_gateway_counts_too",
    ),
    ("J3", "src/body/gather.rs", "over_the_limit_nothing_is_lost"),
    ("J3", "src/body/gather.rs", "one_piece_is_not_copied"),
    (
        "J4",
        "tests/cells.rs",
        "any_json_passes_but_for_the_models_name",
    ),
    (
        "J4",
        "src/codec/scan/tests.rs",
        "splicing_a_member_keeps_the_rest",
    ),
    (
        "J5",
        "src/codec/scan/tests.rs",
        "any_bytes_are_read_as_serde_json_does",
    ),
    (
        "J6",
        "src/codec/scan/tests.rs",
        "members_are_limited_in_each_object",
    ),
    (
        "J6",
        "src/codec/scan/tests.rs",
        "a_key_stands_once_among_many",
    ),
    (
        "D1",
        "src/codec/sse/decoder_tests.rs",
        "any_chunking_gives_the_events_of_the_reference",
    ),
    ("D1", "tests/golden.rs", "cases"),
    ("D2", "src/codec/sse/decoder_tests.rs", "conformance"),
    (
        "D3",
        "src/codec/sse/decoder_tests.rs",
        "endless_input_is_refused_within_the_limit",
    ),
    (
        "D3",
        "src/codec/sse/decoder_tests.rs",
        "the_limit_counts_name_data_and_line",
    ),
    (
        "D3",
        "src/codec/sse/decoder_tests.rs",
        "the_limit_strikes_at_the_same_event_in_any_chunking",
    ),
    ("D4", "src/codec/sse/decoder_tests.rs", "conformance"),
    (
        "D4",
        "src/codec/sse/decoder_tests.rs",
        "whether_an_event_has_begun",
    ),
    (
        "D5",
        "src/body/tests.rs",
        "a_relayed_stream_that_was_complete_ends_as_it_is",
    ),
    (
        "D5",
        "src/body/tests.rs",
        "the_providers_end_is_looked_for_after_the_clients",
    ),
    ("D6", "src/body/tests.rs", "a_cut_at_any_byte_is_told"),
    (
        "D6",
        "src/body/tests.rs",
        "a_converted_stream_that_ends_early_says_so",
    ),
    (
        "D6",
        "tests/faults.rs",
        "a_stream_cut_between_events_ends_with_an_error_event",
    ),
    (
        "E1",
        "src/codec/event_stream/decoder_tests.rs",
        "impossible_lengths_end_the_stream_at_the_twelfth_byte",
    ),
    (
        "E1",
        "src/codec/event_stream/decoder_tests.rs",
        "the_limit_is_the_callers",
    ),
    ("E1", "src/codec/event_stream/decoder_tests.rs", "any_bytes"),
    (
        "E2",
        "src/codec/event_stream/decoder_tests.rs",
        "known_frames",
    ),
    (
        "E2",
        "src/codec/event_stream/decoder_tests.rs",
        "every_flipped_bit_is_noticed",
    ),
    (
        "E2",
        "src/codec/event_stream/decoder_tests.rs",
        "broken_headers_are_refused",
    ),
    (
        "E2",
        "src/body/frames_tests.rs",
        "corrupt_streams_end_at_once",
    ),
    (
        "E3",
        "src/convert/bedrock_error_tests.rs",
        "the_table_for_exceptions_in_streams",
    ),
    (
        "E3",
        "src/body/frames_tests.rs",
        "exceptions_and_errors_end_the_stream",
    ),
    ("E4", "src/body/frames_tests.rs", "chunks_are_unwrapped"),
    (
        "E4",
        "src/body/frames_tests.rs",
        "chunks_that_cannot_be_read_end_the_stream",
    ),
    (
        "M1",
        "src/convert/chat_to_messages/stream/tests.rs",
        "any_events_give_a_legal_stream",
    ),
    (
        "M1",
        "src/convert/responses_to_messages/stream/tests.rs",
        "any_events_give_a_legal_stream",
    ),
    (
        "M1",
        "src/convert/messages_to_chat/tests/property.rs",
        "any_chunks_in_any_order_give_a_legal_stream",
    ),
    (
        "M1",
        "src/convert/responses_to_chat/tests.rs",
        "any_events_in_any_order_make_a_legal_stream",
    ),
    (
        "M1",
        "src/convert/messages_to_responses/stream/tests/any.rs",
        "any_events_give_a_legal_stream",
    ),
    (
        "M1",
        "src/convert/chat_to_converse/tests/any.rs",
        "any_events_give_a_legal_stream",
    ),
    (
        "M1",
        "src/convert/messages_to_converse/tests/property.rs",
        "any_events_give_a_legal_stream",
    ),
    (
        "M1",
        "src/convert/responses_to_converse/tests.rs",
        "any_events_make_a_legal_stream",
    ),
    (
        "M1",
        "src/convert/passthrough/tap/tests.rs",
        "any_event_is_survived",
    ),
    (
        "M3",
        "src/convert/chat_to_messages/stream/tests.rs",
        "what_is_held_back_is_limited",
    ),
    (
        "M3",
        "src/convert/responses_to_messages/stream/tests.rs",
        "what_is_held_is_bounded",
    ),
    (
        "M3",
        "src/convert/chat_in/tests.rs",
        "what_is_held_back_is_bounded_and_what_was_sent_is_not",
    ),
    (
        "M3",
        "src/convert/converse_in/tests.rs",
        "what_is_held_is_bounded",
    ),
    (
        "B3",
        "tests/faults.rs",
        "a_client_that_goes_away_cancels_the_call",
    ),
    (
        "B3",
        "tests/faults.rs",
        "a_client_that_goes_away_during_a_wait_ends_the_retries",
    ),
    (
        "B3",
        "src/auth/tests.rs",
        "a_call_that_is_dropped_while_it_waits_is_not_made",
    ),
    (
        "B3",
        "src/body/tests.rs",
        "dropping_the_body_drops_the_providers",
    ),
    (
        "B4",
        "src/body/tests.rs",
        "the_usage_is_known_at_the_end_and_on_a_drop",
    ),
    (
        "B4",
        "src/observe/tests.rs",
        "a_client_that_leaves_is_told_apart_from_one_that_has_all",
    ),
    (
        "B4",
        "src/observe/tests.rs",
        "a_call_that_is_cancelled_before_its_head_is_told",
    ),
    ("B6", "src/body/tests.rs", "events_without_output_yield"),
    (
        "B6",
        "src/body/tests.rs",
        "a_peek_of_endless_pings_yields_and_holds_little",
    ),
    ("B6", "src/body/tests.rs", "merging_is_bounded"),
    (
        "B7",
        "tests/routing.rs",
        "requests_per_minute_steer_and_then_refuse",
    ),
    (
        "R2",
        "tests/faults.rs",
        "a_provider_that_closes_after_each_answer_is_no_failure",
    ),
    (
        "R2",
        "src/retry/tests.rs",
        "a_broken_connection_gets_one_extra_try_at_once",
    ),
    (
        "R3",
        "src/retry/tests.rs",
        "an_exhausted_budget_returns_the_failure",
    ),
    (
        "R3",
        "src/retry/tests.rs",
        "the_budget_floor_bounds_a_retry_storm",
    ),
    ("R5", "src/retry/retry_after.rs", "spellings"),
    (
        "R5",
        "src/retry/tests.rs",
        "a_provider_is_waited_for_as_it_asks",
    ),
    (
        "R5",
        "src/retry/tests.rs",
        "a_wait_over_the_cap_is_returned_instead",
    ),
    (
        "R5",
        "src/retry/tests.rs",
        "a_wait_past_the_deadline_is_returned_instead",
    ),
    (
        "R5",
        "src/retry/delay.rs",
        "asked_waits_are_never_cut_short",
    ),
    (
        "R6",
        "src/retry/tests.rs",
        "the_next_target_is_tried_at_once_and_the_last_one_gets_the_rest",
    ),
    (
        "R7",
        "src/route/tests.rs",
        "nothing_of_one_provider_leaks_to_the_next",
    ),
    (
        "R8",
        "tests/faults.rs",
        "an_error_as_first_event_becomes_a_plain_answer",
    ),
    (
        "R8",
        "src/convert/tests.rs",
        "without_a_peek_the_first_error_stays_in_the_stream",
    ),
    (
        "R10",
        "src/retry/tests.rs",
        "the_deadline_ends_a_try_that_hangs",
    ),
    (
        "R10",
        "src/retry/tests.rs",
        "the_deadline_ends_the_wait_for_a_client_that_is_not_ready",
    ),
    (
        "R11",
        "src/route/tests.rs",
        "statuses_are_retried_as_the_contract_says",
    ),
    ("R11", "src/retry/tests.rs", "what_is_final_is_not"),
    (
        "R12",
        "src/retry/tests.rs",
        "a_target_that_cannot_express_the_request_is_skipped",
    ),
    (
        "R13",
        "tests/faults.rs",
        "errors_leave_their_connection_to_the_next_try",
    ),
    (
        "T1",
        "src/body/tests.rs",
        "a_silent_stream_ends_after_the_idle_time",
    ),
    (
        "T1",
        "src/body/tests.rs",
        "a_stream_that_never_pauses_lives_no_longer_than_the_call",
    ),
    (
        "T1",
        "tests/outbound.rs",
        "a_handshake_that_never_ends_is_given_up",
    ),
    (
        "T1",
        "src/body/tests.rs",
        "a_stream_lives_no_longer_than_the_call",
    ),
    (
        "T1",
        "src/convert/tests.rs",
        "head_and_first_event_share_a_clock",
    ),
    (
        "T1",
        "src/convert/tests.rs",
        "an_answer_that_stands_still_is_a_timeout",
    ),
    (
        "T2",
        "src/route/tests.rs",
        "a_body_that_stands_still_is_not_waited_for",
    ),
    (
        "T2",
        "src/route/tests.rs",
        "a_body_that_trickles_is_not_waited_for_longer_than_its_time",
    ),
    (
        "T3",
        "src/body/tests.rs",
        "a_stream_that_never_pauses_lives_no_longer_than_the_call",
    ),
    (
        "T4",
        "src/body/tests.rs",
        "a_silent_converted_stream_is_kept_alive",
    ),
    (
        "T5",
        "src/auth/tests.rs",
        "a_clock_that_goes_wrong_is_corrected",
    ),
    (
        "T5",
        "src/auth/aws/refusal.rs",
        "only_a_large_and_plausible_difference_counts",
    ),
    (
        "T6",
        "src/auth/aws/cache_tests.rs",
        "a_thousand_calls_make_one_load",
    ),
    (
        "T6",
        "src/auth/aws/cache_tests.rs",
        "old_credentials_serve_while_renewal_fails",
    ),
    (
        "T6",
        "src/auth/aws/cache_tests.rs",
        "only_the_refused_version_is_thrown_away",
    ),
    (
        "T6",
        "src/auth/aws/cache_tests.rs",
        "credentials_are_renewed_beside_the_calls_that_use_them",
    ),
    (
        "T6",
        "tests/aws_credentials.rs",
        "a_thousand_calls_ask_sts_once",
    ),
    ("T7", "tests/bedrock_signing.rs", "signatures_are_botocores"),
    (
        "T7",
        "src/auth/tests.rs",
        "requests_are_signed_and_answers_say_so",
    ),
    (
        "T8",
        "tests/faults.rs",
        "a_shutdown_ends_open_calls_in_the_clients_format",
    ),
    (
        "T8",
        "src/body/tests.rs",
        "a_stream_that_never_pauses_lives_no_longer_than_the_call",
    ),
    (
        "T8",
        "tests/reload.rs",
        "a_new_configuration_takes_effect_without_dropping_anything",
    ),
    (
        "T9",
        "src/client/classify.rs",
        "a_stream_that_the_peer_did_not_take_was_never_sent",
    ),
    (
        "T9",
        "tests/faults.rs",
        "a_provider_that_closes_after_each_answer_is_no_failure",
    ),
    ("T10", "src/body/tests.rs", "a_panic_is_contained"),
    (
        "T11",
        "src/health.rs",
        "failures_in_a_row_set_a_connection_aside",
    ),
    (
        "T11",
        "src/health.rs",
        "a_success_between_failures_forgives_them",
    ),
    (
        "T11",
        "src/retry/tests.rs",
        "a_target_that_is_set_aside_is_passed_over_but_for_the_last",
    ),
    (
        "T11",
        "src/retry/tests.rs",
        "only_what_the_provider_did_counts_against_its_health",
    ),
];

const MODULES: [(&str, &str); 8] = [
    ("flow", include_str!("hazards/flow.rs")),
    ("framing", include_str!("hazards/framing.rs")),
    ("json", include_str!("hazards/json.rs")),
    ("retry", include_str!("hazards/retry.rs")),
    ("secrets", include_str!("hazards/secrets.rs")),
    ("streams", include_str!("hazards/streams.rs")),
    ("time", include_str!("hazards/time.rs")),
    ("urls", include_str!("hazards/urls.rs")),
];

fn source(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Whether a test of this name stands in the source: an attribute that makes it one is among the lines right before it.
fn has_test(source: &str, name: &str) -> bool {
    let lines: Vec<_> = source.lines().map(str::trim).collect();
    let is_it = |line: &str| {
        line.trim_start_matches("async ")
            .strip_prefix("fn ")
            .and_then(|rest| rest.strip_prefix(name))
            .is_some_and(|rest| rest.starts_with('('))
    };
    lines.iter().enumerate().any(|(at, line)| {
        is_it(line)
            && lines[..at]
                .iter()
                .rev()
                .take_while(|line| line.starts_with("#[") || line.starts_with("///"))
                .any(|line| line.starts_with("#[test") || line.starts_with("#[tokio::test"))
    })
}

#[test]
fn every_hazard_has_its_test() {
    let mut missing = Vec::new();
    for (kind, count) in KINDS {
        for number in 1..=*count {
            let id = format!("{kind}{number}");
            let here = format!("fn {}_", id.to_lowercase());
            let found = MODULES.iter().any(|(_, source)| source.contains(&here))
                || ELSEWHERE.iter().any(|(hazard, ..)| *hazard == id)
                || SHOWN.iter().any(|(hazard, ..)| *hazard == id);
            if !found {
                missing.push(id);
            }
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn tests_elsewhere_are_there() {
    for (id, file, name) in ELSEWHERE {
        assert!(
            has_test(&source(file), name),
            "{id}: no test {name} in {file}"
        );
    }
    for (id, file, words) in SHOWN {
        assert!(source(file).contains(words), "{id}: no {words:?} in {file}");
    }
}

/// docs/reliability.md says of every hazard what is demanded, and which tests show it: all of them, and no others.
#[test]
fn the_documented_table_is_this_one() {
    let page = source("docs/reliability.md");
    let mut wrong = Vec::new();
    for (kind, count) in KINDS {
        for number in 1..=*count {
            let id = format!("{kind}{number}");
            let start = format!("| {id} | ");
            let Some(row) = page.lines().find(|line| line.starts_with(&start)) else {
                wrong.push(format!("{id} has no row"));
                continue;
            };
            let here = MODULES.iter().flat_map(|(_, source)| {
                let lines = source
                    .lines()
                    .map(|line| line.trim().trim_start_matches("async "));
                lines.filter_map(|line| {
                    line.strip_prefix("fn ")?
                        .split_once('(')
                        .map(|(name, _)| name)
                })
            });
            let mut names: Vec<_> = here
                .filter(|name| name.starts_with(&format!("{}_", id.to_lowercase())))
                .collect();
            names.extend(
                ELSEWHERE
                    .iter()
                    .filter(|(hazard, ..)| *hazard == id)
                    .map(|(_, _, name)| *name),
            );
            for name in &names {
                if !row.contains(&format!("`{name}`")) {
                    wrong.push(format!("{id}: {name} is not in its row"));
                }
            }
            let tests = row
                .trim_end_matches('|')
                .rsplit('|')
                .next()
                .unwrap_or_default();
            for name in tests.split('`').skip(1).step_by(2) {
                if !names.contains(&name) && !SHOWN.iter().any(|(_, file, _)| *file == name) {
                    wrong.push(format!("{id}: {name} is no test of it"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
