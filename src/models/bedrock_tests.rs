use super::*;
use crate::models::{CapabilitiesOverride, ModelTable};

fn found(id: &str) -> Bedrock {
    ModelTable::new().lookup(id).bedrock
}

#[test]
fn ids_lead_to_their_families() {
    let manual = Bedrock::CLAUDE_MANUAL;
    let only = Bedrock::CLAUDE_ADAPTIVE_ONLY;
    let on_by_default = Bedrock {
        disabled_thinking: true,
        ..only
    };
    let opus_4_5 = Bedrock {
        effort_beta: true,
        ..Bedrock::CLAUDE_4_5
    };
    let cached_3_5 = Bedrock {
        cache_points: CachePoints::WITHOUT_TTL,
        ..Bedrock::CLAUDE_OLD
    };
    for (id, expected) in [
        ("anthropic.claude-opus-4-7", only),
        ("us.anthropic.claude-opus-4-8-v1:0", only),
        ("global.anthropic.claude-sonnet-5", on_by_default),
        ("anthropic.claude-fable-5-2", only),
        ("anthropic.claude-mythos-preview", only),
        ("us.anthropic.claude-opus-4-6-v1", Bedrock::CLAUDE_ADAPTIVE),
        ("anthropic.claude-sonnet-4-6", Bedrock::CLAUDE_ADAPTIVE),
        (
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            Bedrock::CLAUDE_4_5,
        ),
        (
            "au.anthropic.claude-haiku-4-5-20251001-v1:0",
            Bedrock::CLAUDE_4_5,
        ),
        ("anthropic.claude-opus-4-5-20251101-v1:0", opus_4_5),
        ("us.anthropic.claude-opus-4-1-20250805-v1:0", manual),
        ("apac.anthropic.claude-sonnet-4-20250514-v1:0", manual),
        ("anthropic.claude-3-7-sonnet-20250219-v1:0", manual),
        ("anthropic.claude-3-5-sonnet-20241022-v2:0", cached_3_5),
        ("anthropic.claude-3-5-haiku-20241022-v1:0", cached_3_5),
        (
            "anthropic.claude-3-5-sonnet-20240620-v1:0",
            Bedrock::CLAUDE_OLD,
        ),
        (
            "anthropic.claude-3-haiku-20240307-v1:0",
            Bedrock::CLAUDE_OLD,
        ),
        ("us.amazon.nova-2-lite-v1:0", Bedrock::NOVA_2),
        ("us-gov.amazon.nova-pro-v1:0", Bedrock::NOVA),
        (
            "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
            Bedrock::NOVA,
        ),
        ("openai.gpt-oss-120b-1:0", Bedrock::GPT_OSS),
        ("openai.gpt-5", Bedrock::OPENAI),
        ("openai.gpt-5.5-mini", Bedrock::OPENAI),
        ("xai.grok-4", Bedrock::SEALED),
        ("moonshotai.kimi-k2.5", Bedrock::SEALED),
        ("us.deepseek.r1-v1:0", Bedrock::BASE),
        ("deepseek.v3-v1:0", Bedrock::GPT_OSS),
        ("meta.llama3-3-70b-instruct-v1:0", Bedrock::BASE),
        ("openai/gpt-oss-120b", Bedrock::BASE),
        ("", Bedrock::BASE),
    ] {
        assert_eq!(found(id), expected, "{id}");
    }
}

#[test]
fn other_fields_of_a_row_are_the_models_own() {
    let lookup = |id| ModelTable::new().lookup(id);
    let gpt = lookup("openai.gpt-5.1");
    assert_eq!(gpt.efforts, lookup("gpt-5.1").efforts);
    assert_eq!(gpt.bedrock.min_output, 16);
    assert_eq!(lookup("openai.gpt-oss-20b-1:0").efforts, LEVELS.efforts);
    assert_eq!(
        lookup("amazon.nova-pro-v1:0").thinking,
        Some(Thinking::NONE)
    );
    assert_eq!(lookup("meta.llama4"), Capabilities::default());
}

#[test]
fn hidden_models_are_named_by_their_owner_or_by_the_client() {
    let table = ModelTable::new();
    let profile = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123";
    let guessed = |asked| table.lookup_hidden(profile, None, asked).bedrock;
    assert_eq!(guessed("claude-sonnet-4-5"), Bedrock::CLAUDE_4_5);
    assert_eq!(guessed("aws/nova-2-lite"), Bedrock::NOVA_2);
    assert_eq!(guessed("gpt-oss-120b"), Bedrock::GPT_OSS);
    assert_eq!(guessed("gpt-5.2"), Bedrock::OPENAI);
    assert_eq!(guessed("sonnet"), Bedrock::BASE);
    let named = |family| table.lookup_hidden(profile, Some(family), "gpt-5").bedrock;
    for (family, expected) in [
        ("claude-adaptive-only", Bedrock::CLAUDE_ADAPTIVE_ONLY),
        ("claude-adaptive", Bedrock::CLAUDE_ADAPTIVE),
        ("claude-manual", Bedrock::CLAUDE_MANUAL),
        ("claude-old", Bedrock::CLAUDE_OLD),
        ("nova2", Bedrock::NOVA_2),
        ("nova", Bedrock::NOVA),
        ("gpt-oss", Bedrock::GPT_OSS),
        ("openai", Bedrock::OPENAI),
        ("xai", Bedrock::SEALED),
        ("kimi", Bedrock::SEALED),
        ("deepseek-r1", Bedrock::BASE),
        ("deepseek", Bedrock::GPT_OSS),
        ("other", Bedrock::BASE),
        ("anthropic.claude-opus-4-1", Bedrock::CLAUDE_MANUAL),
    ] {
        assert_eq!(named(family), expected, "{family}");
    }
    // An id that says what it is needs no guess.
    let plain = table.lookup_hidden("meta.llama4", None, "claude-sonnet-4-5");
    assert_eq!(plain.bedrock, Bedrock::BASE);
    for (id, hidden) in [
        (profile, true),
        ("arn:aws:bedrock:us-east-1:1:provisioned-model/x", true),
        ("arn:aws:bedrock:us-east-1:1:imported-model/x", true),
        (
            "arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova-pro-v1:0",
            false,
        ),
        ("arn:aws:bedrock:us-east-1::foundation-model/x.y", false),
        ("amazon.nova-pro-v1:0", false),
    ] {
        assert_eq!(is_hidden(id), hidden, "{id}");
    }
}

#[test]
fn an_owner_knows_better() {
    let table = ModelTable::new().with_override(
        "xai.*",
        CapabilitiesOverride {
            bedrock: BedrockOverride {
                reasoning: Some(ReasoningFields::Reasoning),
                cache_points: Some(true),
                ..BedrockOverride::default()
            },
            ..CapabilitiesOverride::default()
        },
    );
    let grok = table.lookup("xai.grok-4").bedrock;
    assert_eq!(grok.reasoning, ReasoningFields::Reasoning);
    assert!(grok.cache_points.content && !grok.cache_points.tools);
    assert_eq!(grok.replay, Replay::Redacted);
}

#[cfg(feature = "config")]
#[test]
fn overrides_are_read_from_a_configuration() {
    let values: CapabilitiesOverride =
        toml::from_str("bedrock = { reasoning = \"reasoning_config\", top_k = \"member\", replay = \"signed\", cache_point_ttl = true }").unwrap();
    assert_eq!(values.bedrock.top_k, Some(TopK::Member));
    assert!(toml::from_str::<CapabilitiesOverride>("bedrock = { topk = 1 }").is_err());
}
