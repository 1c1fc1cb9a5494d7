use super::*;

fn dollars(text: &str) -> Dollars {
    text.parse().unwrap()
}

fn claude() -> Price {
    Price {
        cache_read: Some(dollars("0.3")),
        cache_write: Some(dollars("3.75")),
        cache_write_1h: Some(dollars("6")),
        web_search: Some(dollars("10")),
        ..Price::new(dollars("3"), dollars("15"))
    }
}

#[test]
fn every_category_has_its_rate() {
    let usage = Usage {
        input: Some(1_203),
        cache_read: Some(48_001),
        cache_write: Some(9_007),
        cache_write_5m: Some(2_000),
        cache_write_1h: Some(7_007),
        output: Some(1_501),
        reasoning: Some(640),
        web_searches: Some(3),
        ..Usage::default()
    };
    // 1203 × 3 + 48001 × 0.3 + 2000 × 3.75 + 7007 × 6 + 1501 × 15 (reasoning inside) = 90 066.3 dollars per million,
    // that is 0.0900663, and three searches at 0.01.
    assert_eq!(claude().cost(&usage), Some(dollars("0.1200663")));
    // With a rate of its own, 640 of the output cost 2 instead of 15.
    let reasoning = Price {
        reasoning: Some(dollars("2")),
        ..claude()
    };
    assert_eq!(reasoning.cost(&usage), Some(dollars("0.1117463")));
}

#[test]
fn what_has_no_rate_costs_as_its_kind() {
    let usage = Usage {
        input: Some(10),
        cache_read: Some(20),
        cache_write: Some(30),
        cache_write_1h: Some(10),
        output: Some(5),
        reasoning: Some(4),
        web_searches: Some(9),
        ..Usage::default()
    };
    let plain = Price::new(dollars("1"), dollars("2"));
    assert_eq!(plain.cost(&usage), Some(dollars("0.00007")));
    let write = Price {
        cache_write: Some(dollars("2")),
        ..plain
    };
    assert_eq!(write.cost(&usage), Some(dollars("0.0001")));
}

#[test]
fn nothing_is_guessed() {
    assert_eq!(claude().cost(&Usage::default()), None);
    let usage = Usage {
        input: Some(1),
        output: Some(0),
        ..Usage::default()
    };
    assert_eq!(Price::default().cost(&usage), None);
    assert_eq!(claude().cost(&usage), Some(dollars("0.000003")));
    // More reasoning than output, and more of a lifetime than was written, are a provider's slips.
    let odd = Usage {
        output: Some(1),
        reasoning: Some(9),
        cache_write: Some(1),
        cache_write_5m: Some(3),
        ..usage
    };
    assert_eq!(claude().cost(&odd), Some(dollars("0.00002925")));
    let huge = Usage {
        input: Some(u64::MAX),
        cache_read: Some(u64::MAX),
        ..usage
    };
    assert_eq!(claude().cost(&huge), Some(Dollars::from_picos(u64::MAX)));
}

#[test]
fn half_a_pico_dollar_is_rounded_up() {
    let tiny = Price::new(dollars("0.0000005"), dollars("0"));
    let usage = |input| Usage {
        input: Some(input),
        ..Usage::default()
    };
    assert_eq!(tiny.cost(&usage(1)), Some(Dollars::from_picos(1)));
    assert_eq!(tiny.cost(&usage(2)), Some(Dollars::from_picos(1)));
    assert_eq!(tiny.cost(&usage(3)), Some(Dollars::from_picos(2)));
}

#[cfg(feature = "config")]
#[test]
fn long_prompts_and_tiers_have_other_rates() {
    let price: Price = toml::from_str(
        r#"
        input = 2
        cache_read = "0.2"
        output = 12.0
        above.200000 = { input = 4, cache_read = 0.4, output = 18 }
        above.1000000 = { input = 8 }
        tiers.batch = { input = 1, output = 6, above.200000 = { input = 2, output = 9 } }
        tiers.priority = { output = 24 }
        "#,
    )
    .unwrap();
    let cost = |input, cache_read, tier| {
        let usage = Usage {
            input: Some(input),
            cache_read: Some(cache_read),
            output: Some(1_000_000),
            service_tier: tier,
            ..Usage::default()
        };
        price.cost(&usage).unwrap().to_string()
    };
    let batch = Some(ServiceTier::Batch);
    // The whole prompt counts, cached or not, and a prompt of just that length is not above it.
    assert_eq!(cost(100_000, 100_000, None), "12.22");
    assert_eq!(cost(100_000, 100_001, None), "18.4400004");
    assert_eq!(cost(1_000_001, 0, None), "26.000008");
    assert_eq!(cost(100_000, 100_000, batch), "6.12");
    assert_eq!(cost(100_000, 100_001, batch), "9.2400004");
    assert_eq!(
        cost(100_000, 100_001, Some(ServiceTier::Priority)),
        "24.4400004"
    );
    assert_eq!(cost(100_000, 0, Some(ServiceTier::Flex)), "12.2");
}

#[cfg(feature = "config")]
#[test]
fn slips_in_a_configuration_are_refused() {
    for text in [
        "inptu = 1",
        "input = -1",
        "input = nan",
        "input = \"one\"",
        "input = true",
        "above.many = { input = 1 }",
        "tiers.golden = { input = 1 }",
    ] {
        assert!(toml::from_str::<Price>(text).is_err(), "{text}");
    }
}
