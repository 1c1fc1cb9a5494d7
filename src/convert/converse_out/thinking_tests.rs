use super::*;
use crate::convert::anthropic_out::cache::MarkPaths;
use crate::convert::converse_out::{Out, Rules};
use crate::convert::report::LossReport;
use crate::models::ModelTable;
use crate::provider::Provider;
use crate::target::Options;

const MARKS: MarkPaths = MarkPaths {
    tools: "",
    blocks: "",
};
const PATHS: Paths = Paths {
    thinking: "thinking",
    effort: "effort",
};
const SONNET_4_5: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const OPUS_4_6: &str = "us.anthropic.claude-opus-4-6-v1";
const OPUS_4_7: &str = "anthropic.claude-opus-4-7";
const SONNET_5: &str = "anthropic.claude-sonnet-5";
const FABLE_5_2: &str = "anthropic.claude-fable-5-2";

struct Done {
    fields: String,
    /// `~` before what was approximated.
    report: Vec<String>,
}

fn with(model: &str, wish: Wish<'_>, around: Around, options: &Options) -> (Done, Plan<'static>) {
    let mut report = LossReport::default();
    let capabilities = ModelTable::new().lookup(model);
    let mut cx = RequestContext {
        model,
        provider: Provider::AwsBedrock,
        options,
        headers: &http::HeaderMap::new(),
        capabilities: &capabilities,
        lossy: false,
        report: &mut report,
    };
    let plan = plan(wish, around, PATHS, &mut cx);
    let mut fields = Fields::default();
    plan.set(&mut fields);
    let mut out = Out::begin(0, MARKS, Rules::default());
    fields.write(&mut out);
    let body = out.finish(&mut LossReport::default());
    let body = std::str::from_utf8(&body).unwrap();
    let fields = body
        .strip_prefix(r#"{"additionalModelRequestFields":"#)
        .map_or("{}", |rest| rest.strip_suffix('}').unwrap())
        .to_owned();
    let approximated = report.approximated().iter().map(|path| format!("~{path}"));
    let report = approximated
        .chain(report.dropped().iter().map(ToString::to_string))
        .collect();
    let kept = Plan {
        thinking: None,
        effort: plan.effort,
        fields: plan.fields,
        top_level: plan.top_level,
        effort_beta: plan.effort_beta,
        derived: plan.derived,
        bare: plan.bare,
    };
    (Done { fields, report }, kept)
}

fn effort(model: &str, asked: Asked, around: Around) -> (String, Vec<String>) {
    let (done, _) = with(model, Wish::Effort(asked), around, &Options::default());
    (done.fields, done.report)
}

fn anthropic(
    model: &str,
    kind: Option<Kind>,
    level: Option<Effort>,
    gap: bool,
) -> (String, Vec<String>) {
    let wish = Wish::Anthropic {
        thinking: kind.map(|kind| Asking {
            json: "{\"said\":1}",
            kind,
        }),
        effort: level,
    };
    let around = Around {
        gap,
        ..Around::default()
    };
    let (done, _) = with(model, wish, around, &Options::default());
    (done.fields, done.report)
}

#[test]
fn efforts_turn_claudes_thinking_on() {
    use Asked::{Level, Minimal, Nothing};
    let plain = Around::default();
    let limit = |max_tokens| Around {
        max_tokens: Some(max_tokens),
        ..plain
    };
    let forced = Around {
        forced_tool: true,
        ..plain
    };
    let gap = Around { gap: true, ..plain };
    let budget =
        |tokens| format!(r#"{{"thinking":{{"type":"enabled","budget_tokens":{tokens}}}}}"#);
    let adaptive = |word| {
        format!(
            r#"{{"thinking":{{"type":"adaptive","display":"summarized"}},"output_config":{{"effort":"{word}"}}}}"#
        )
    };
    let nothing = "{}".to_owned();
    for (model, asked, around, fields, report) in [
        (SONNET_4_5, Minimal, plain, budget(1024), &["~effort"][..]),
        (
            SONNET_4_5,
            Level(Effort::Low),
            plain,
            budget(1024),
            &["~effort"],
        ),
        (
            SONNET_4_5,
            Level(Effort::Medium),
            plain,
            budget(2048),
            &["~effort"],
        ),
        (
            SONNET_4_5,
            Level(Effort::High),
            plain,
            budget(4096),
            &["~effort"],
        ),
        (
            SONNET_4_5,
            Level(Effort::Xhigh),
            plain,
            budget(8192),
            &["~effort"],
        ),
        (
            SONNET_4_5,
            Level(Effort::Max),
            plain,
            budget(16_384),
            &["~effort"],
        ),
        (
            SONNET_4_5,
            Level(Effort::Max),
            limit(5000),
            budget(4999),
            &["~effort"],
        ),
        (
            SONNET_4_5,
            Level(Effort::Max),
            limit(1025),
            budget(1024),
            &["~effort"],
        ),
        (
            SONNET_4_5,
            Level(Effort::Max),
            limit(1024),
            nothing.clone(),
            &["effort"],
        ),
        (
            SONNET_4_5,
            Level(Effort::Low),
            forced,
            nothing.clone(),
            &["effort"],
        ),
        (
            SONNET_4_5,
            Level(Effort::Low),
            gap,
            nothing.clone(),
            &["effort"],
        ),
        (SONNET_4_5, Nothing, plain, nothing.clone(), &[]),
        (OPUS_4_6, Minimal, plain, adaptive("low"), &["~effort"]),
        (
            OPUS_4_6,
            Level(Effort::Xhigh),
            gap,
            adaptive("high"),
            &["~effort"],
        ),
        (
            OPUS_4_6,
            Level(Effort::Max),
            plain,
            adaptive("max"),
            &["~effort"],
        ),
        (
            OPUS_4_6,
            Level(Effort::Max),
            forced,
            nothing.clone(),
            &["effort"],
        ),
        (
            OPUS_4_7,
            Level(Effort::Xhigh),
            plain,
            adaptive("xhigh"),
            &["~effort"],
        ),
        (
            SONNET_5,
            Level(Effort::Low),
            forced,
            adaptive("low"),
            &["~effort"],
        ),
        (
            SONNET_5,
            Nothing,
            plain,
            r#"{"thinking":{"type":"disabled"}}"#.to_owned(),
            &["~effort"],
        ),
        (FABLE_5_2, Nothing, plain, nothing.clone(), &["effort"]),
        (
            "anthropic.claude-opus-9",
            Level(Effort::Low),
            plain,
            nothing.clone(),
            &["effort"],
        ),
        (
            "anthropic.claude-3-5-haiku-20241022-v1:0",
            Level(Effort::Low),
            plain,
            nothing,
            &["effort"],
        ),
    ] {
        assert_eq!(
            effort(model, asked, around),
            (fields, report.iter().map(ToString::to_string).collect()),
            "{model} {asked:?} {around:?}"
        );
    }
}

#[test]
fn efforts_are_said_in_each_vendors_words() {
    use Asked::{Level, Minimal, Nothing};
    let plain = Around::default();
    for (model, asked, fields, report) in [
        (
            "us.amazon.nova-2-lite-v1:0",
            Level(Effort::Max),
            r#"{"reasoningConfig":{"type":"enabled","maxReasoningEffort":"high"}}"#,
            &["~effort"][..],
        ),
        ("us.amazon.nova-2-lite-v1:0", Nothing, "{}", &[]),
        (
            "amazon.nova-pro-v1:0",
            Level(Effort::Low),
            "{}",
            &["effort"],
        ),
        ("amazon.nova-pro-v1:0", Nothing, "{}", &[]),
        (
            "openai.gpt-oss-120b-1:0",
            Minimal,
            r#"{"reasoning_effort":"low"}"#,
            &["~effort"],
        ),
        ("openai.gpt-oss-120b-1:0", Nothing, "{}", &["effort"]),
        (
            "openai.gpt-5",
            Level(Effort::Xhigh),
            r#"{"reasoning":{"effort":"high"}}"#,
            &["~effort"],
        ),
        (
            "openai.gpt-5",
            Minimal,
            r#"{"reasoning":{"effort":"minimal"}}"#,
            &["~effort"],
        ),
        (
            "openai.gpt-5.1",
            Nothing,
            r#"{"reasoning":{"effort":"none"}}"#,
            &["~effort"],
        ),
        (
            "deepseek.v3-v1:0",
            Level(Effort::Xhigh),
            r#"{"reasoning_effort":"xhigh"}"#,
            &["~effort"],
        ),
        ("deepseek.r1-v1:0", Level(Effort::Low), "{}", &["effort"]),
        ("xai.grok-4", Level(Effort::Low), "{}", &["effort"]),
        ("meta.llama4", Level(Effort::Low), "{}", &["effort"]),
    ] {
        assert_eq!(
            effort(model, asked, plain),
            (
                fields.to_owned(),
                report.iter().map(ToString::to_string).collect()
            ),
            "{model} {asked:?}"
        );
    }
}

#[test]
fn anthropics_own_words_stay_for_claude_and_are_translated_for_others() {
    use Kind::{Adaptive, Disabled, Enabled};
    let said = r#"{"said":1}"#;
    let as_said = format!(r#"{{"thinking":{said}}}"#);
    for (model, kind, level, gap, fields, report) in [
        (
            SONNET_4_5,
            Some(Enabled(4000)),
            None,
            false,
            &*as_said,
            &[][..],
        ),
        (SONNET_4_5, Some(Disabled), None, false, &as_said, &[]),
        (
            SONNET_4_5,
            Some(Enabled(4000)),
            None,
            true,
            "{}",
            &["thinking"],
        ),
        (OPUS_4_6, Some(Adaptive), None, true, &as_said, &[]),
        (
            OPUS_4_6,
            Some(Adaptive),
            Some(Effort::Xhigh),
            false,
            r#"{"thinking":{"said":1},"output_config":{"effort":"xhigh"}}"#,
            &[],
        ),
        (OPUS_4_7, Some(Disabled), None, false, "{}", &[]),
        (SONNET_5, Some(Disabled), None, false, &as_said, &[]),
        (FABLE_5_2, Some(Disabled), None, false, &as_said, &[]),
        (
            "openai.gpt-oss-120b-1:0",
            Some(Enabled(2000)),
            None,
            false,
            r#"{"reasoning_effort":"low"}"#,
            &["~thinking"],
        ),
        (
            "openai.gpt-oss-120b-1:0",
            Some(Enabled(31_999)),
            Some(Effort::Low),
            false,
            r#"{"reasoning_effort":"high"}"#,
            &["~thinking", "effort"],
        ),
        (
            "openai.gpt-oss-120b-1:0",
            Some(Adaptive),
            None,
            false,
            r#"{"reasoning_effort":"high"}"#,
            &["~thinking"],
        ),
        (
            "openai.gpt-oss-120b-1:0",
            Some(Adaptive),
            Some(Effort::Max),
            false,
            r#"{"reasoning_effort":"high"}"#,
            &["~effort", "~thinking"],
        ),
        (
            "openai.gpt-oss-120b-1:0",
            None,
            Some(Effort::Max),
            false,
            r#"{"reasoning_effort":"high"}"#,
            &["~effort"],
        ),
        (
            "us.amazon.nova-2-lite-v1:0",
            Some(Disabled),
            Some(Effort::Max),
            false,
            "{}",
            &["effort"],
        ),
        (
            "openai.gpt-oss-120b-1:0",
            Some(Disabled),
            None,
            false,
            "{}",
            &["thinking"],
        ),
        (
            "meta.llama4",
            Some(Adaptive),
            Some(Effort::Max),
            false,
            "{}",
            &["thinking", "effort"],
        ),
        ("meta.llama4", Some(Disabled), None, false, "{}", &[]),
    ] {
        assert_eq!(
            anthropic(model, kind, level, gap),
            (
                fields.to_owned(),
                report.iter().map(ToString::to_string).collect()
            ),
            "{model} {kind:?} {level:?}"
        );
    }
}

#[test]
fn what_may_not_stand_beside_it() {
    let wish = |effort| Wish::Effort(Asked::Level(effort));
    let plan =
        |model, wish: Wish<'static>| with(model, wish, Around::default(), &Options::default()).1;
    let derived = plan(SONNET_4_5, wish(Effort::Low));
    assert!(derived.forbids_temperature() && derived.forbids_top_k());
    assert!(derived.forbids_top_p(0.9) && !derived.forbids_top_p(0.95));
    assert!(!derived.forbids_limit());

    let bare = plan("us.amazon.nova-2-lite-v1:0", wish(Effort::High));
    assert!(bare.forbids_temperature() && bare.forbids_top_p(1.0) && bare.forbids_limit());
    assert!(!plan("us.amazon.nova-2-lite-v1:0", wish(Effort::Low)).forbids_limit());

    let own = plan(
        SONNET_4_5,
        Wish::Anthropic {
            thinking: Some(Asking {
                json: "{}",
                kind: Kind::Enabled(2000),
            }),
            effort: None,
        },
    );
    assert!(!own.forbids_temperature() && !own.forbids_top_k());
}

#[test]
fn the_effort_may_stand_elsewhere_and_may_need_a_beta() {
    let wish = Wish::Anthropic {
        thinking: None,
        effort: Some(Effort::Low),
    };
    let options = Options {
        effort_field: Some(EffortField::TopLevel),
        ..Options::default()
    };
    let (done, plan) = with(OPUS_4_6, wish, Around::default(), &options);
    assert_eq!(done.fields, "{}");
    assert_eq!(plan.top_level_effort(), Some("low"));
    assert_eq!(plan.beta(), None);
    let opus = "anthropic.claude-opus-4-5-20251101-v1:0";
    let (_, plan) = with(opus, wish, Around::default(), &Options::default());
    assert_eq!(plan.beta(), Some("effort-2025-11-24"));
    assert_eq!(plan.top_level_effort(), None);
    // Only Claude's effort has another place.
    let oss = "openai.gpt-oss-120b-1:0";
    let (done, _) = with(oss, wish, Around::default(), &options);
    assert_eq!(done.fields, r#"{"reasoning_effort":"low"}"#);
}
