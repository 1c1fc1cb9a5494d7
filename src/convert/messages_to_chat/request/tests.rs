use serde_json::{Value, json};

use super::convert;
use crate::convert::context::RequestContext;
use crate::convert::messages_to_chat::state::State;
use crate::convert::report::{LossReport, Refusal};
use crate::format::error::Fault;
use crate::models::ModelTable;
use crate::provider::Provider;
use crate::target::Options;

/// A target.
#[derive(Debug, Clone, Copy)]
struct To(Provider, &'static str);

const GEMINI: To = To(Provider::Gemini, "gemini-3.8-flash");
const GEMINI_2: To = To(Provider::Gemini, "gemini-2.5-flash");
const OSS: To = To(Provider::Groq, "openai/gpt-oss-120b");
const QWEN: To = To(Provider::Groq, "qwen/qwen3-32b");
const LLAMA: To = To(Provider::Groq, "llama-3.3-70b-versatile");
const COMPOUND: To = To(Provider::Groq, "groq/compound");
const SONAR: To = To(Provider::Perplexity, "sonar-pro");
const DEEP: To = To(Provider::Perplexity, "sonar-deep-research");
const OTHER: To = To(Provider::OpenAiCompatible, "any");
const ALL: [To; 6] = [GEMINI, GEMINI_2, OSS, LLAMA, SONAR, OTHER];

#[derive(Debug)]
struct Done {
    body: Value,
    text: String,
    dropped: Vec<String>,
    approximated: Vec<String>,
    state: State,
}

impl To {
    fn try_text(self, text: &str) -> Result<Done, Refusal> {
        let mut report = LossReport::default();
        let mut cx = RequestContext {
            model: self.1,
            provider: self.0,
            options: &Options::default(),
            capabilities: &ModelTable::new().lookup(self.1),
            lossy: false,
            report: &mut report,
        };
        let converted = convert(text.as_bytes(), &mut cx)?;
        let strings = |list: &[std::borrow::Cow<'static, str>]| {
            list.iter().map(ToString::to_string).collect()
        };
        Ok(Done {
            body: serde_json::from_slice(&converted.body).unwrap(),
            text: String::from_utf8(converted.body.to_vec()).unwrap(),
            dropped: strings(report.dropped()),
            approximated: strings(report.approximated()),
            state: converted.state,
        })
    }

    /// A request with these members over a plain one.
    fn try_with(self, members: &Value) -> Result<Done, Refusal> {
        let mut request = json!({
            "model": "asked", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]
        });
        for (key, value) in members.as_object().unwrap() {
            request[key.as_str()] = value.clone();
        }
        self.try_text(&request.to_string())
    }

    #[track_caller]
    fn with(self, members: Value) -> Done {
        self.try_with(&members)
            .unwrap_or_else(|refusal| panic!("{self:?} {members}: {refusal:?}"))
    }

    #[track_caller]
    fn refuses(self, fault: Fault, param: &str, members: Value) -> Refusal {
        let refusal = self
            .try_with(&members)
            .expect_err(&format!("{self:?} {members}"));
        assert_eq!((refusal.fault, &*refusal.param), (fault, param), "{self:?}");
        refusal
    }

    #[track_caller]
    fn unsupported(self, param: &str, members: Value) {
        self.refuses(Fault::Unsupported, param, members);
    }

    #[track_caller]
    fn invalid(self, param: &str, members: Value) {
        self.refuses(Fault::Invalid, param, members);
    }

    /// The messages that these become.
    #[track_caller]
    fn messages(self, messages: Value) -> Value {
        self.with(json!({ "messages": messages })).body["messages"].clone()
    }

    /// What one block of the user's becomes.
    #[track_caller]
    fn block(self, block: Value) -> Value {
        let messages = self.messages(json!([{"role": "user", "content": [block]}]));
        messages[0]["content"].clone()
    }

    #[track_caller]
    fn no_block(self, param: &str, block: Value) {
        self.unsupported(
            param,
            json!({"messages": [{"role": "user", "content": [block]}]}),
        );
    }
}

impl Done {
    #[track_caller]
    fn has(&self, field: &str, value: Value) -> &Self {
        assert_eq!(self.body[field], value, "{field} in {}", self.text);
        self
    }

    #[track_caller]
    fn dropped(&self, field: &str) -> &Self {
        assert!(self.dropped.iter().any(|f| f == field), "{field}: {self:?}");
        self
    }

    #[track_caller]
    fn approximated(&self, field: &str) -> &Self {
        assert!(
            self.approximated.iter().any(|f| f == field),
            "{field}: {self:?}"
        );
        self
    }

    #[track_caller]
    fn exact(&self) -> &Self {
        assert!(
            self.dropped.is_empty() && self.approximated.is_empty(),
            "{self:?}"
        );
        self
    }
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn tool(name: &str) -> Value {
    json!({"name": name, "input_schema": {"type": "object"}})
}

#[test]
fn the_members_come_in_one_order_and_raw() {
    let done = OSS
        .try_text(
            r#"{"stream":true,"temperature":0.50,"top_p":1.0,"stop_sequences":["\u0041"," "],"tools":[{"name":"f","description":"d\n","input_schema":{ "b":1.0, "type":"object","a":{}}}],
            "system":"s\t","messages":[{"role":"user","content":"\u00e9"}],"max_tokens":7,"model":"x"}"#,
        )
        .unwrap();
    assert_eq!(
        done.text,
        r#"{"model":"openai/gpt-oss-120b","messages":[{"role":"system","content":"s\t"},{"role":"user","content":"\u00e9"}],"tools":[{"type":"function","function":{"name":"f","description":"d\n","parameters":{ "b":1.0, "type":"object","a":{}}}}],"max_completion_tokens":7,"temperature":0.50,"top_p":1.0,"stop":["\u0041"," "],"stream":true,"stream_options":{"include_usage":true}}"#
    );
    done.exact();
}

#[test]
fn max_tokens_and_streams() {
    for (to, field) in [
        (GEMINI, "max_tokens"),
        (SONAR, "max_tokens"),
        (OSS, "max_completion_tokens"),
        (OTHER, "max_tokens"),
    ] {
        to.with(json!({}))
            .exact()
            .has(field, json!(9))
            .has("stream", Value::Null);
        to.invalid("max_tokens", json!({"max_tokens": null}));
        to.invalid("max_tokens", json!({"max_tokens": "9"}));
        to.invalid("max_tokens", json!({"max_tokens": 1.5}));
        to.invalid("max_tokens", json!({"max_tokens": -1}));
        to.unsupported("max_tokens", json!({"max_tokens": 0}));
    }
    let refusal = OSS.refuses(Fault::Invalid, "max_tokens", json!({"max_tokens": null}));
    assert_eq!(refusal.message, "max_tokens: Field required");
    GEMINI
        .with(json!({"stream": true}))
        .has("stream", json!(true))
        .has("stream_options", json!({"include_usage": true}));
    SONAR
        .with(json!({"stream": true}))
        .has("stream", json!(true))
        .has("stream_options", Value::Null);
    OSS.invalid("stream", json!({"stream": "yes"}));
}

#[test]
fn sampling_and_stops() {
    for to in ALL {
        to.with(json!({"temperature": 0.2, "top_p": 0.9}))
            .exact()
            .has("temperature", json!(0.2))
            .has("top_p", json!(0.9));
        to.invalid("temperature", json!({"temperature": "hot"}));
        to.with(json!({"stop_sequences": []}))
            .exact()
            .has("stop", Value::Null);
        to.with(json!({"stop_sequences": ["\n", "END"]}))
            .exact()
            .has("stop", json!(["\n", "END"]));
        to.invalid("stop_sequences", json!({"stop_sequences": [5]}));
    }
    SONAR
        .with(json!({"top_k": 5}))
        .exact()
        .has("top_k", json!(5));
    for to in [GEMINI, OSS] {
        to.with(json!({"top_k": 5}))
            .dropped("top_k")
            .has("top_k", Value::Null);
    }
    let five = json!({"stop_sequences": ["a", "b", "c", "d", "e"]});
    OSS.unsupported("stop_sequences", five.clone());
    GEMINI.with(five).exact();
    GEMINI.unsupported(
        "stop_sequences",
        json!({"stop_sequences": ["a", "b", "c", "d", "e", "f"]}),
    );
}

#[test]
fn hints_are_dropped_and_never_refused() {
    for to in ALL {
        for (field, value) in [
            ("cache_control", json!({"type": "ephemeral"})),
            ("speed", json!("fast")),
            ("diagnostics", json!({})),
            ("context_management", json!({"edits": []})),
            ("compaction", json!({})),
            ("fallbacks", json!([])),
            ("fallback_credit_token", json!("x")),
            ("billing_policy", json!({})),
            ("user_profile_id", json!("u")),
            ("workspace_id", json!("w")),
            ("betas", json!(["b"])),
            (
                "mcp_servers",
                json!([{"type": "url", "name": "n", "url": "https://m"}]),
            ),
            ("from_the_future", json!(1)),
        ] {
            to.with(json!({ field: value })).dropped(field);
            to.with(json!({ field: null })).exact();
        }
        to.with(json!({"output_config": {"task_budget": {}, "x": 1}, "mcp_servers": []}))
            .dropped("output_config.task_budget")
            .dropped("output_config.x");
        to.with(json!({"metadata": {"y": 1}})).dropped("metadata.y");
    }
}

#[test]
fn state_and_promises_are_refused() {
    for to in ALL {
        to.unsupported("container", json!({"container": "c_1"}));
        to.unsupported("thread", json!({"thread": {}}));
        to.unsupported("inference_geo", json!({"inference_geo": "us"}));
        to.with(json!({"inference_geo": "global"})).exact();
        to.with(json!({"inference_geo": null})).exact();
    }
}

#[test]
fn users_and_tiers() {
    let id = r#"{"device_id":"d","session_id":"s"}"#;
    OSS.with(json!({"metadata": {"user_id": id}}))
        .exact()
        .has("user", json!(id))
        .has("metadata", Value::Null);
    for to in [GEMINI, SONAR] {
        to.with(json!({"metadata": {"user_id": id}}))
            .dropped("metadata.user_id")
            .has("user", Value::Null);
        to.with(json!({"service_tier": "auto"}))
            .dropped("service_tier");
    }
    OSS.with(json!({"service_tier": "auto"}))
        .exact()
        .has("service_tier", json!("auto"));
    OSS.with(json!({"service_tier": "standard_only"}))
        .approximated("service_tier")
        .has("service_tier", json!("on_demand"));
    OSS.with(json!({"service_tier": "other"}))
        .dropped("service_tier")
        .has("service_tier", Value::Null);
}

#[test]
fn structured_output() {
    let schema = json!({"type": "object", "properties": {"ok": {"type": "boolean"}}});
    let format = json!({"type": "json_schema", "schema": schema});
    for (to, strict) in [(OSS, true), (OTHER, true), (GEMINI, false)] {
        let mut expected = json!({"name": "output", "schema": schema});
        if strict {
            expected["strict"] = json!(true);
        }
        let expected = json!({"type": "json_schema", "json_schema": expected});
        to.with(json!({"output_config": {"format": format}}))
            .exact()
            .has("response_format", expected.clone());
        to.with(json!({"output_format": format}))
            .exact()
            .has("response_format", expected.clone());
        to.with(json!({"output_format": {"type": "x"}, "output_config": {"format": format}}))
            .dropped("output_format")
            .has("response_format", expected);
    }
    SONAR
        .with(json!({"output_config": {"format": format}}))
        .exact();
    OSS.unsupported(
        "output_config.format.type",
        json!({"output_config": {"format": {"type": "regex", "schema": {}}}}),
    );
    OSS.invalid(
        "output_config.format.schema",
        json!({"output_config": {"format": {"type": "json_schema"}}}),
    );
    OSS.invalid(
        "output_format.schema",
        json!({"output_format": {"type": "json_schema", "schema": []}}),
    );
}

#[test]
fn functions() {
    let full = json!({
        "type": "custom", "name": "f", "description": "d", "strict": true,
        "input_schema": {"properties": {}}, "cache_control": {"type": "ephemeral"},
        "input_examples": [], "eager_input_streaming": true, "defer_loading": true,
        "allowed_callers": ["direct", "code_execution_20250825"], "new": 1
    });
    let done = OSS.with(json!({"tools": [full]}));
    for member in [
        "cache_control",
        "input_examples",
        "eager_input_streaming",
        "defer_loading",
        "new",
    ] {
        done.dropped(&format!("tools[].{member}"));
    }
    done.has(
        "tools",
        json!([{"type": "function", "function": {
            "name": "f", "description": "d", "strict": true,
            "parameters": {"type": "object", "properties": {}}
        }}]),
    );
    GEMINI
        .with(json!({"tools": [full]}))
        .dropped("tools[].strict")
        .has(
            "tools",
            json!([{"type": "function", "function": {
                "name": "f", "description": "d", "parameters": {"type": "object", "properties": {}}
            }}]),
        );
    let null_type = json!({"name": "f", "input_schema": {"type": null, "x": 1}});
    let done = OSS.with(json!({"tools": [null_type]}));
    assert_eq!(
        done.body["tools"][0]["function"]["parameters"],
        json!({"type": "object", "x": 1})
    );
    for (param, tools) in [
        ("tools[0].name", json!([{"input_schema": {}}])),
        ("tools[0].input_schema", json!([{"name": "f"}])),
        (
            "tools[0].input_schema",
            json!([{"name": "f", "input_schema": true}]),
        ),
        ("tools[1].name", json!([tool("f"), tool("f")])),
        (
            "tools[0].strict",
            json!([{"name": "f", "input_schema": {}, "strict": 1}]),
        ),
    ] {
        OSS.invalid(param, json!({ "tools": tools }));
    }
    OSS.unsupported(
        "tools[0].allowed_callers",
        json!({"tools": [{"name": "f", "input_schema": {}, "allowed_callers": ["code_execution_20250825"]}]}),
    );
    SONAR.unsupported("tools", json!({"tools": [tool("f")]}));
}

#[test]
fn long_names_go_out_short_and_find_back() {
    let long = "mcp__".to_owned() + &"n".repeat(90);
    let done = OSS.with(json!({
        "tools": [tool(&long)],
        "tool_choice": {"type": "tool", "name": long},
        "messages": [
            user("x"),
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": long, "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "r"}]}
        ]
    }));
    done.approximated("tools[].name");
    let sent = done.body["tools"][0]["function"]["name"].as_str().unwrap();
    assert!(sent.len() == 64 && sent.starts_with("mcp__nnn"));
    assert_eq!(done.body["tool_choice"]["function"]["name"], *sent);
    assert_eq!(
        done.body["messages"][1]["tool_calls"][0]["function"]["name"],
        *sent
    );
    assert_eq!(done.state.tools.original(sent), long);
}

#[test]
fn tool_choice() {
    let with = |choice: Value| json!({"tools": [tool("f"), tool("g")], "tool_choice": choice});
    for to in [GEMINI, OSS, OTHER] {
        for (choice, expected) in [
            (json!({"type": "auto"}), json!("auto")),
            (json!({"type": "any"}), json!("required")),
            (json!({"type": "none"}), json!("none")),
            (
                json!({"type": "tool", "name": "g"}),
                json!({"type": "function", "function": {"name": "g"}}),
            ),
        ] {
            to.with(with(choice))
                .exact()
                .has("tool_choice", expected)
                .has("parallel_tool_calls", Value::Null);
        }
        to.with(with(
            json!({"type": "auto", "disable_parallel_tool_use": true}),
        ))
        .exact()
        .has("parallel_tool_calls", json!(false));
        to.with(with(
            json!({"type": "auto", "disable_parallel_tool_use": false}),
        ))
        .has("parallel_tool_calls", Value::Null);
        to.with(json!({"tool_choice": {"type": "any"}}))
            .dropped("tool_choice")
            .has("tool_choice", Value::Null);
        to.invalid(
            "tool_choice.name",
            with(json!({"type": "tool", "name": "h"})),
        );
        to.invalid("tool_choice.name", with(json!({"type": "tool"})));
        to.invalid("tool_choice.type", with(json!({"type": "some"})));
        to.invalid("tool_choice.type", with(json!({})));
    }
}

#[test]
fn web_search() {
    let search = json!({
        "type": "web_search_20250305", "name": "web_search", "max_uses": 8,
        "allowed_domains": ["a.example"], "blocked_domains": ["b.example"],
        "user_location": {"type": "approximate", "city": "Paris", "country": "FR", "timezone": "Europe/Paris"}
    });
    let forced = json!({"type": "tool", "name": "web_search"});
    let both = json!({"tools": [search], "tool_choice": forced});
    let done = SONAR.with(both.clone());
    done.dropped("tools[].max_uses")
        .dropped("tools[].user_location.timezone")
        .approximated("tools[]")
        .approximated("tool_choice")
        .has("tools", Value::Null)
        .has("tool_choice", Value::Null)
        .has("search_domain_filter", json!(["a.example", "-b.example"]))
        .has(
            "web_search_options",
            json!({"user_location": {"city": "Paris", "country": "FR"}}),
        );
    assert!(done.state.wants_search);
    COMPOUND
        .with(both.clone())
        .approximated("tools[].user_location")
        .has("tools", Value::Null)
        .has(
            "search_settings",
            json!({"include_domains": ["a.example"], "exclude_domains": ["b.example"], "country": "FR"}),
        );
    OSS.with(both.clone())
        .dropped("tools[].allowed_domains")
        .dropped("tools[].blocked_domains")
        .dropped("tools[].user_location")
        .has("tools", json!([{"type": "browser_search"}]))
        .has("tool_choice", json!("required"));
    OSS.unsupported(
        "tool_choice",
        json!({"tools": [search, tool("f")], "tool_choice": forced}),
    );
    for to in [GEMINI, LLAMA, OTHER] {
        // Agents always attach it; only a choice that forces it cannot be kept.
        let done = to.with(json!({"tools": [search, tool("f")], "tool_choice": {"type": "auto"}}));
        done.dropped("tools[]");
        assert_eq!(done.body["tools"].as_array().unwrap().len(), 1);
        to.with(json!({"tools": [search]}))
            .dropped("tools[]")
            .has("tools", Value::Null);
        to.unsupported("tool_choice", both.clone());
        to.unsupported(
            "tool_choice",
            json!({"tools": [search], "tool_choice": {"type": "any"}}),
        );
    }
    let bare = json!({"type": "web_search_20250305", "name": "web_search"});
    SONAR
        .with(json!({"tools": [bare], "tool_choice": {"type": "any"}}))
        .has("search_domain_filter", Value::Null)
        .has("web_search_options", Value::Null);
}

#[test]
fn other_hosted_tools() {
    let code = json!({"type": "code_execution_20250825", "name": "code_execution"});
    let fetch = json!({"type": "web_fetch_20250910", "name": "web_fetch"});
    let find = json!({"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"});
    OSS.with(json!({"tools": [code]}))
        .approximated("tools[]")
        .has("tools", json!([{"type": "code_interpreter"}]));
    COMPOUND
        .with(json!({"tools": [code, fetch]}))
        .approximated("tools[]")
        .has("tools", Value::Null);
    OSS.with(json!({"tools": [fetch]})).dropped("tools[]");
    for to in [GEMINI, OSS, SONAR] {
        to.with(json!({"tools": [find]}))
            .approximated("tools[]")
            .has("tools", Value::Null);
        for kind in [
            "bash_20250124",
            "text_editor_20250728",
            "memory_20250818",
            "computer_20251124",
            "mcp_toolset",
            "advisor_20260301",
            "unheard_of",
        ] {
            to.with(json!({"tools": [{"type": kind, "name": "t"}]}))
                .dropped("tools[]")
                .has("tools", Value::Null);
            to.unsupported(
                "tool_choice",
                json!({"tools": [{"type": kind, "name": "t"}], "tool_choice": {"type": "tool", "name": "t"}}),
            );
        }
    }
    assert!(!GEMINI.with(json!({"tools": [code]})).state.wants_search);
}

#[test]
fn thinking() {
    let none = Value::Null;
    let config = |config: Value| json!({"google": {"thinking_config": config}});
    let budget = |n: u64| config(json!({"thinking_budget": n, "include_thoughts": true}));
    let level = |l: &str| config(json!({"thinking_level": l, "include_thoughts": true}));
    let pro = To(Provider::Gemini, "gemini-2.5-pro");
    let enabled = |n: u64| json!({"thinking": {"type": "enabled", "budget_tokens": n}});
    let adaptive = json!({"thinking": {"type": "adaptive"}});
    let with_effort =
        |word: &str| json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": word}});
    let effort = |word: &str| json!({"output_config": {"effort": word}});
    let disabled = json!({"thinking": {"type": "disabled"}});
    for (to, members, reasoning_effort, extra_body) in [
        (GEMINI_2, json!({}), none.clone(), none.clone()),
        (GEMINI, json!({}), none.clone(), none.clone()),
        (OSS, json!({}), none.clone(), none.clone()),
        (GEMINI_2, disabled.clone(), json!("none"), none.clone()),
        (pro, disabled.clone(), none.clone(), none.clone()),
        (GEMINI, disabled.clone(), json!("low"), none.clone()),
        (GEMINI_2, enabled(2000), none.clone(), budget(2000)),
        (GEMINI_2, enabled(90_000), none.clone(), budget(24_576)),
        (pro, enabled(1), none.clone(), budget(128)),
        (pro, enabled(90_000), none.clone(), budget(32_768)),
        (GEMINI, enabled(2048), none.clone(), level("low")),
        (GEMINI, enabled(12_288), none.clone(), level("medium")),
        (GEMINI, enabled(31_999), none.clone(), level("high")),
        (GEMINI_2, adaptive.clone(), none.clone(), budget(24_576)),
        (GEMINI_2, with_effort("low"), none.clone(), budget(1024)),
        (GEMINI_2, with_effort("medium"), none.clone(), budget(8192)),
        (GEMINI_2, with_effort("max"), none.clone(), budget(24_576)),
        (GEMINI, adaptive.clone(), none.clone(), level("high")),
        (GEMINI, with_effort("medium"), none.clone(), level("medium")),
        (GEMINI, with_effort("xhigh"), none.clone(), level("high")),
        (GEMINI, effort("low"), json!("low"), none.clone()),
        (GEMINI_2, effort("max"), json!("high"), none.clone()),
        (DEEP, effort("xhigh"), json!("high"), none.clone()),
        (DEEP, enabled(5000), json!("medium"), none.clone()),
        (DEEP, adaptive.clone(), json!("high"), none.clone()),
        (DEEP, disabled.clone(), none.clone(), none.clone()),
        (OSS, effort("low"), json!("low"), none.clone()),
        (OTHER, with_effort("max"), json!("max"), none.clone()),
        (OTHER, disabled.clone(), json!("none"), none.clone()),
    ] {
        to.with(members.clone())
            .has("reasoning_effort", reasoning_effort)
            .has("extra_body", extra_body)
            .has("thinking", Value::Null);
    }
    for (to, members, expected) in [
        (OSS, adaptive.clone(), json!(["high", true, null])),
        (OSS, enabled(1024), json!(["low", true, null])),
        (OSS, enabled(4096), json!(["medium", true, null])),
        (OSS, disabled.clone(), json!(["low", false, null])),
        (QWEN, adaptive.clone(), json!(["default", null, "parsed"])),
        (QWEN, enabled(1024), json!(["default", null, "parsed"])),
        (QWEN, disabled.clone(), json!(["none", null, null])),
        (QWEN, effort("low"), json!(["default", null, "parsed"])),
        (
            OSS,
            json!({"thinking": {"type": "adaptive", "display": "omitted"}}),
            json!(["high", false, null]),
        ),
        (
            QWEN,
            json!({"thinking": {"type": "between_tools", "display": "omitted"}}),
            json!(["default", null, "hidden"]),
        ),
    ] {
        let body = to.with(members.clone()).body;
        let found = json!([
            body["reasoning_effort"],
            body["include_reasoning"],
            body["reasoning_format"]
        ]);
        assert_eq!(found, expected, "{to:?} {members}");
    }
    // Nobody reads the thoughts: nobody asks for them.
    GEMINI
        .with(json!({"thinking": {"type": "adaptive", "display": "omitted"}}))
        .has("reasoning_effort", json!("high"))
        .has("extra_body", Value::Null);
    GEMINI_2
        .with(json!({"thinking": {"type": "enabled", "budget_tokens": 2000, "display": "omitted"}}))
        .has("extra_body", config(json!({"thinking_budget": 2000})));

    for to in [LLAMA, SONAR] {
        to.with(adaptive.clone())
            .dropped("thinking")
            .has("reasoning_effort", Value::Null);
        to.with(effort("high")).dropped("output_config.effort");
        to.with(disabled.clone()).exact();
    }
    GEMINI.with(adaptive).approximated("thinking");
    GEMINI
        .with(with_effort("max"))
        .approximated("output_config.effort");
    pro.with(disabled).dropped("thinking");
    OSS.with(json!({"thinking": {"type": "adaptive", "block_binding": {}, "x": 1}}))
        .dropped("thinking.block_binding")
        .dropped("thinking.x");
    OSS.invalid("thinking.type", json!({"thinking": {}}));
    OSS.invalid("thinking.type", json!({"thinking": {"type": "hard"}}));
    OSS.invalid(
        "thinking.budget_tokens",
        json!({"thinking": {"type": "enabled"}}),
    );
    OSS.invalid("output_config.effort", effort("none"));
    // Anthropic's own rule, not ours.
    OSS.with(enabled(1_000_000))
        .has("reasoning_effort", json!("high"));
}

#[test]
fn systems() {
    let system = json!([
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2"},
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": ""},
        {"type": "text", "text": "b\n"}
    ]);
    for to in ALL {
        let done = to.with(json!({"system": system}));
        done.dropped("system[]").dropped("system[].cache_control").has(
            "messages",
            json!([{"role": "system", "content": "a\n\nb\n"}, {"role": "user", "content": "hi"}]),
        );
        to.with(json!({"system": "s"})).exact();
        to.with(json!({"system": ""}))
            .has("messages", json!([{"role": "user", "content": "hi"}]));
        to.invalid(
            "messages",
            json!({"system": "s", "messages": [{"role": "system", "content": "t"}]}),
        );
        to.invalid("system[0].text", json!({"system": [{"type": "text"}]}));
        to.invalid("system[0].type", json!({"system": [{"type": "image"}]}));
        to.invalid("system", json!({"system": 5}));
    }
    let messages = json!([
        {"role": "system", "content": "lead"},
        user("u"),
        {"role": "system", "content": [{"type": "text", "text": "m1"}, {"type": "text", "text": "m2"}]},
        {"role": "assistant", "content": "a"},
        user("v")
    ]);
    let kept = json!([
        {"role": "system", "content": "top\n\nlead"},
        {"role": "user", "content": "u"},
        {"role": "system", "content": "m1\n\nm2"},
        {"role": "assistant", "content": "a"},
        {"role": "user", "content": "v"}
    ]);
    let request = json!({"system": "top", "messages": messages});
    OSS.with(request.clone()).has("messages", kept.clone());
    OTHER.with(request.clone()).has("messages", kept.clone());
    let mut marked = kept;
    marked[2] = json!({"role": "user", "content": "[System message]\nm1\n\nm2"});
    GEMINI
        .with(request.clone())
        .approximated("messages[].role")
        .has("messages", marked);
    SONAR.with(request).approximated("messages[].role").has(
        "messages",
        json!([
            {"role": "system", "content": "top\n\nlead"},
            {"role": "user", "content": "u\n\n[System message]\nm1\n\nm2"},
            {"role": "assistant", "content": "a"},
            {"role": "user", "content": "v"}
        ]),
    );
}

#[test]
fn roles_and_shapes() {
    for to in ALL {
        to.invalid("messages", json!({"messages": []}));
        to.invalid("messages", json!({"messages": null}));
        to.invalid("messages[0].role", json!({"messages": [{"content": "x"}]}));
        to.invalid(
            "messages[0].role",
            json!({"messages": [{"role": "tool", "content": "x"}]}),
        );
        to.invalid(
            "messages[0].content",
            json!({"messages": [{"role": "user"}]}),
        );
        to.invalid(
            "messages[0].content",
            json!({"messages": [{"role": "user", "content": 5}]}),
        );
        to.invalid(
            "messages[0].content[0].type",
            json!({"messages": [{"role": "user", "content": [{"text": "x"}]}]}),
        );
        to.invalid(
            "messages[0].content[0].text",
            json!({"messages": [{"role": "user", "content": [{"type": "text", "text": 7}]}]}),
        );
        to.unsupported(
            "messages[0].content[0]",
            json!({"messages": [{"role": "user", "content": [{"type": "hologram"}]}]}),
        );
        to.with(json!({"messages": [
            {"role": "user", "content": "x", "output_config": {"effort": "low"}, "id": "m"}
        ]}))
        .dropped("messages[].output_config")
        .dropped("messages[].id");
    }
}

#[test]
fn users_texts() {
    let two = json!([user("a"), user("b"), {"role": "assistant", "content": "c"}, user("d")]);
    assert_eq!(
        OSS.messages(two.clone()),
        json!([
            {"role": "user", "content": "a"}, {"role": "user", "content": "b"},
            {"role": "assistant", "content": "c"}, {"role": "user", "content": "d"}
        ])
    );
    assert_eq!(
        SONAR.messages(two)[0],
        json!({"role": "user", "content": "a\n\nb"})
    );
    let blocks = json!([
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}, "citations": [{}]},
        {"type": "text", "text": ""},
        {"type": "text", "text": "b"}
    ]);
    let done = OSS.with(json!({"messages": [{"role": "user", "content": blocks}, user("")]}));
    done.dropped("messages[].content[].cache_control")
        .dropped("messages[].content[].citations")
        .has("messages", json!([{"role": "user", "content": "a\nb"}]));
}

#[test]
fn images() {
    let base64 = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}});
    let url = json!({"type": "image", "source": {"type": "url", "url": "https://e.x/i.png"}, "transformations": []});
    for to in ALL {
        assert_eq!(
            to.block(base64.clone()),
            json!([{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}])
        );
        assert_eq!(
            to.block(url.clone()),
            json!([{"type": "image_url", "image_url": {"url": "https://e.x/i.png"}}])
        );
        to.no_block(
            "messages[0].content[0].source",
            json!({"type": "image", "source": {"type": "file", "file_id": "f"}}),
        );
        to.no_block(
            "messages[0].content[0]",
            json!({"type": "container_upload", "file_id": "f"}),
        );
        to.unsupported(
            "messages[1].content[0]",
            json!({"messages": [user("x"), {"role": "assistant", "content": [base64]}, user("y")]}),
        );
        to.invalid(
            "messages[0].content[0].source.media_type",
            json!({"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "base64", "data": "x"}}]}]}),
        );
    }
}

#[test]
fn documents() {
    let pdf = json!({"type": "document", "title": "T\n", "context": "c",
        "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}});
    assert_eq!(
        GEMINI.block(pdf.clone()),
        json!([{"type": "image_url", "image_url": {"url": "data:application/pdf;base64,JVBE"}}])
    );
    assert_eq!(
        SONAR.block(pdf.clone()),
        json!([{"type": "file_url", "file_url": {"url": "JVBE"}, "file_name": "T\n"}])
    );
    assert_eq!(
        OTHER.block(pdf.clone()),
        json!([{"type": "file", "file": {"filename": "T\n", "file_data": "data:application/pdf;base64,JVBE"}}])
    );
    OSS.no_block("messages[0].content[0]", pdf.clone());
    GEMINI
        .with(json!({"messages": [{"role": "user", "content": [pdf]}]}))
        .dropped("messages[].content[].title")
        .dropped("messages[].content[].context");

    let by_url = json!({"type": "document", "source": {"type": "url", "url": "https://e.x/d.pdf"}});
    assert_eq!(
        SONAR.block(by_url.clone()),
        json!([{"type": "file_url", "file_url": {"url": "https://e.x/d.pdf"}}])
    );
    for to in [GEMINI, OSS, OTHER] {
        to.no_block("messages[0].content[0].source", by_url.clone());
    }
    for to in ALL {
        for source in [
            json!({"type": "file", "file_id": "f"}),
            json!({"type": "base64", "media_type": "text/csv", "data": "x"}),
        ] {
            to.no_block(
                "messages[0].content[0].source",
                json!({"type": "document", "source": source}),
            );
        }
        assert_eq!(
            to.block(
                json!({"type": "document", "title": "T", "context": "C", "source":
                {"type": "text", "media_type": "text/plain", "data": "body\""}})
            ),
            json!("[document: T]\nC\nbody\"")
        );
        assert_eq!(
            to.block(json!({"type": "document", "source": {"type": "content", "content": "body"}})),
            json!("[document]\nbody")
        );
        let done = to.with(json!({"messages": [{"role": "user", "content": [
            {"type": "document", "title": "T", "citations": {"enabled": true}, "source": {"type": "content", "content": [
                {"type": "text", "text": "a"},
                {"type": "image", "source": {"type": "url", "url": "https://i"}},
                {"type": "text", "text": "b"}
            ]}}
        ]}]}));
        done.approximated("messages[].content[].source")
            .dropped("messages[].content[].citations")
            .has(
                "messages",
                json!([{"role": "user", "content": [
                    {"type": "text", "text": "[document: T]\na\nb"},
                    {"type": "image_url", "image_url": {"url": "https://i"}}
                ]}]),
            );
        let result = json!({"type": "search_result", "title": "R", "source": "https://r",
            "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]});
        assert_eq!(
            to.block(result),
            json!("[search result: R — https://r]\none\ntwo")
        );
    }
}

/// An assistant message with calls of these ids, and the results that are sent for them.
fn tool_loop(content: Value, results: Value) -> Value {
    json!([user("q"), {"role": "assistant", "content": content}, {"role": "user", "content": results}])
}

fn tool_use(id: &str) -> Value {
    json!({"type": "tool_use", "id": id, "name": "f", "input": {"b": 1.0, "a": "x y"}})
}

fn result(id: &str, content: Value) -> Value {
    json!({"type": "tool_result", "tool_use_id": id, "content": content})
}

#[test]
fn calls_and_results() {
    let messages = OSS.messages(tool_loop(
        json!([{"type": "text", "text": "So "}, {"type": "text", "text": "be it."}, tool_use("c1"), {"type": "text", "text": "And"}, tool_use("c2")]),
        json!([
            {"type": "text", "text": "before"},
            result("c2", json!("two")),
            result("c1", json!([{"type": "text", "text": "one"}, {"type": "text", "text": "more"}]))
        ]),
    ));
    let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": r#"{"a":"x y","b":1.0}"#}});
    assert_eq!(
        messages,
        json!([
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": "So be it.\n\nAnd", "tool_calls": [call("c1"), call("c2")]},
            {"role": "tool", "tool_call_id": "c2", "content": "two"},
            {"role": "tool", "tool_call_id": "c1", "content": "one\nmore"},
            {"role": "user", "content": "before"}
        ])
    );
    // Order and spelling of the input are the client's.
    let done = OSS
        .try_text(r#"{"max_tokens":1,"messages":[{"role":"user","content":"q"},{"role":"assistant","content":[{"type":"tool_use","id":"c","name":"f","input":{ "z" : 1.50, "a" : "\u00e9 \"" }}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"c"}]}]}"#)
        .unwrap();
    assert_eq!(
        done.body["messages"][1]["tool_calls"][0]["function"]["arguments"],
        r#"{"z":1.50,"a":"\u00e9 \""}"#
    );
    assert_eq!(done.body["messages"][1]["content"], Value::Null);
    assert_eq!(done.body["messages"][2]["content"], "(empty)");
}

#[test]
fn what_results_hold() {
    let one = |to: To, content: Value, is_error: bool| {
        let mut result = result("c", content);
        result["is_error"] = json!(is_error);
        let messages = to.messages(tool_loop(json!([tool_use("c")]), json!([result])));
        let tail = messages.as_array().unwrap()[2..].to_vec();
        (
            tail[0]["content"].as_str().unwrap().to_owned(),
            tail.get(1).cloned(),
        )
    };
    for (content, is_error, expected) in [
        (json!(""), false, "(empty)"),
        (json!(null), false, "(empty)"),
        (json!([]), true, "[tool error] (empty)"),
        (json!("x"), true, "[tool error] x"),
        (json!("x"), false, "x"),
        (
            json!([{"type": "tool_reference", "tool_name": "WebFetch"}]),
            false,
            "[tool: WebFetch]",
        ),
        (
            json!([{"type": "search_result", "title": "R", "source": "s", "content": []}]),
            false,
            "[search result: R — s]",
        ),
    ] {
        for to in [GEMINI, OSS, OTHER] {
            assert_eq!(
                one(to, content.clone(), is_error),
                (expected.to_owned(), None),
                "{content}"
            );
        }
    }
    let image = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iV"}});
    let (text, media) = one(GEMINI, json!([image, {"type": "text", "text": "t"}]), false);
    assert_eq!(text, "t");
    assert_eq!(
        media.unwrap(),
        json!({"role": "user", "content": [
            {"type": "text", "text": "[image returned by tool call c]"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iV"}}
        ]})
    );
    assert_eq!(one(OSS, json!([image]), false).0, "(no text output)");
    GEMINI
        .with(json!({"messages": tool_loop(json!([tool_use("c")]), json!([result("c", json!([image]))]))}))
        .approximated("messages[].content[].content");
    OSS.unsupported(
        "messages[2].content[0].content[0]",
        json!({"messages": tool_loop(json!([tool_use("c")]), json!([result("c", json!([{"type": "hologram"}]))]))}),
    );
}

#[test]
fn orphans() {
    for to in [GEMINI, OSS, OTHER] {
        let refusal = to.refuses(
            Fault::Invalid,
            "messages[0]",
            json!({"messages": [{"role": "user", "content": [result("lost", json!("x"))]}]}),
        );
        assert!(
            refusal
                .message
                .starts_with("No tool call found for function call output with call_id lost")
        );
        let refusal = to.refuses(
            Fault::Invalid,
            "messages[1]",
            json!({"messages": [user("q"), {"role": "assistant", "content": [tool_use("c")]}, user("and?")]}),
        );
        assert!(
            refusal
                .message
                .starts_with("No tool output found for function call c")
        );
        for (param, content) in [
            (
                "messages[0].content[0].tool_use_id",
                json!([{"type": "tool_result"}]),
            ),
            ("messages[0].content[0].type", json!([tool_use("c")])),
            (
                "messages[0].content[0].type",
                json!([{"type": "thinking", "thinking": "x"}]),
            ),
        ] {
            to.invalid(
                param,
                json!({"messages": [{"role": "user", "content": content}]}),
            );
        }
        to.invalid(
            "messages[1].content[0].type",
            json!({"messages": [user("q"), {"role": "assistant", "content": [result("c", json!("x"))]}]}),
        );
    }
    // No tools at all: no calls in the history either.
    SONAR.unsupported(
        "messages[1]",
        json!({"messages": tool_loop(json!([tool_use("c")]), json!([result("c", json!("x"))]))}),
    );
    // A history with calls needs no tools.
    OSS.with(
        json!({"messages": tool_loop(json!([tool_use("c")]), json!([result("c", json!("x"))]))}),
    )
    .exact();
}

#[test]
fn a_result_that_comes_late_moves_to_its_call() {
    let messages = GEMINI.messages(json!([
        user("q"),
        {"role": "assistant", "content": [tool_use("c")]},
        {"role": "system", "content": "note"},
        {"role": "user", "content": [result("c", json!("r"))]}
    ]));
    let roles: Vec<&str> = messages
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["role"].as_str().unwrap())
        .collect();
    assert_eq!(roles, ["user", "assistant", "tool", "user"]);
    assert_eq!(messages[3]["content"], "[System message]\nnote");
}

#[test]
fn assistants() {
    let server = json!([
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
        {"type": "text", "text": "Found", "citations": [{"type": "web_search_result_location"}]},
        {"type": "text", "text": " it."},
        {"type": "mcp_tool_use", "id": "m", "name": "n", "server_name": "s", "input": {}},
        {"type": "mcp_tool_result", "tool_use_id": "m", "content": []}
    ]);
    for to in ALL {
        to.with(
            json!({"messages": [user("q"), {"role": "assistant", "content": server}, user("r")]}),
        )
        .dropped("messages[].content[]")
        .dropped("messages[].content[].citations")
        .has(
            "messages",
            json!([
                {"role": "user", "content": "q"},
                {"role": "assistant", "content": "Found it."},
                {"role": "user", "content": "r"}
            ]),
        );
        // Nothing is left of it.
        let messages = to.messages(json!([
            user("q"),
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "", "signature": "x"}]},
            user("r")
        ]));
        assert!(
            messages
                .as_array()
                .unwrap()
                .iter()
                .all(|m| m["role"] == "user")
        );
    }
    let merged = OSS.messages(json!([
        user("q"),
        {"role": "assistant", "content": "a"},
        {"role": "assistant", "content": [{"type": "text", "text": "b"}]},
        user("r")
    ]));
    assert_eq!(merged[1], json!({"role": "assistant", "content": "a\n\nb"}));
    let compacted = OSS.with(json!({"messages": [
        user("q"), {"role": "assistant", "content": [{"type": "compaction", "content": "so far"}]}, user("r")
    ]}));
    assert_eq!(compacted.body["messages"][1]["content"], "so far");
}

#[test]
fn prefill() {
    let messages = json!([user("q"), {"role": "assistant", "content": "The answer is"}]);
    for to in [OSS, OTHER] {
        to.with(json!({"messages": messages}))
            .approximated("messages")
            .has("messages", json!([
                {"role": "user", "content": "q"}, {"role": "assistant", "content": "The answer is"}
            ]));
    }
    for to in [GEMINI, SONAR] {
        to.unsupported("messages[1]", json!({"messages": messages}));
    }
    SONAR.unsupported(
        "messages[0]",
        json!({"messages": [{"role": "assistant", "content": "a"}, user("q")]}),
    );
}

const SIGNED: &str =
    "tlg1.gemini.eyJ2IjoxLCJzaWdzIjpbeyJrIjoiY2FsbCIsImlkIjoiYzEiLCJ2IjoiYzJsbkxVRT0ifV19";
const OF_MESSAGE: &str = "tlg1.gemini.eyJ2IjoxLCJzaWdzIjpbeyJrIjoibXNnIiwidiI6InNpZy8ifV19";
const PLAIN: &str = "tlg1.plain.eyJ2IjoxLCJwIjoiZ3JvcSJ9";

fn thought(text: &str, signature: &str) -> Value {
    json!({"type": "thinking", "thinking": text, "signature": signature})
}

#[test]
fn signatures_go_back_to_gemini() {
    let results = json!([result("c1", json!("1")), result("c2", json!("2")), {"type": "text", "text": "go on"}]);
    let content = json!([thought("Look.", SIGNED), tool_use("c1"), tool_use("c2")]);
    let done = GEMINI.with(json!({"messages": tool_loop(content.clone(), results.clone())}));
    let calls = &done.exact().body["messages"][1]["tool_calls"];
    assert_eq!(
        calls[0]["extra_content"],
        json!({"google": {"thought_signature": "c2lnLUE="}})
    );
    assert_eq!(calls[1]["extra_content"], Value::Null);
    assert!(!done.text.contains("Look."));

    // From elsewhere, or damaged: the first call of the turn says so.
    for signature in [
        PLAIN,
        "EqQBCkgIARAB",
        "",
        "tlg1.gemini.!!",
        "tlg1.anthropic.e30",
    ] {
        let content = json!([thought("Look.", signature), tool_use("c1"), tool_use("c2")]);
        let body = GEMINI
            .with(json!({"messages": tool_loop(content.clone(), results.clone())}))
            .body;
        let calls = &body["messages"][1]["tool_calls"];
        let skipped = json!({"google": {"thought_signature": "skip_thought_signature_validator"}});
        assert_eq!(calls[0]["extra_content"], skipped, "{signature}");
        assert_eq!(calls[1]["extra_content"], Value::Null);
        let body = GEMINI_2
            .with(json!({"messages": tool_loop(content, results.clone())}))
            .body;
        assert_eq!(
            body["messages"][1]["tool_calls"][0]["extra_content"],
            Value::Null
        );
    }

    // An earlier turn needs none.
    let mut messages = tool_loop(json!([tool_use("c1")]), json!([result("c1", json!("1"))]));
    messages.as_array_mut().unwrap().push(user("next"));
    assert_eq!(
        GEMINI.messages(messages)[1]["tool_calls"][0]["extra_content"],
        Value::Null
    );

    // The signature of the text.
    let messages = GEMINI.messages(json!([
        user("q"),
        {"role": "assistant", "content": [{"type": "text", "text": "A."}, thought("", OF_MESSAGE)]},
        user("r")
    ]));
    assert_eq!(
        messages[1]["extra_content"],
        json!({"google": {"thought_signature": "sig/"}})
    );

    // The envelope stays here.
    for to in [OSS, LLAMA, OTHER] {
        let done = to.with(json!({"messages": tool_loop(content.clone(), results.clone())}));
        assert!(
            !done.text.contains("tlg1.") && !done.text.contains("c2lnLUE="),
            "{}",
            done.text
        );
    }
}

#[test]
fn signatures_in_ids_of_other_gateways() {
    let id = "c1__thought__c2ln+/==";
    let messages = tool_loop(json!([tool_use(id)]), json!([result(id, json!("1"))]));
    let found = GEMINI.messages(messages.clone());
    assert_eq!(found[1]["tool_calls"][0]["id"], "c1");
    assert_eq!(
        found[1]["tool_calls"][0]["extra_content"],
        json!({"google": {"thought_signature": "c2ln+/=="}})
    );
    assert_eq!(found[2]["tool_call_id"], "c1");
    assert_eq!(OSS.messages(messages)[1]["tool_calls"][0]["id"], "c1");
}

#[test]
fn reasoning_goes_back_within_the_tool_loop() {
    let messages = json!([
        user("old"),
        {"role": "assistant", "content": [thought("Old.", PLAIN), tool_use("c0")]},
        {"role": "user", "content": [result("c0", json!("0"))]},
        {"role": "assistant", "content": [thought("Also old.", PLAIN), {"type": "text", "text": "t"}]},
        user("new"),
        {"role": "assistant", "content": [thought("Use it.", PLAIN), tool_use("c1")]},
        {"role": "user", "content": [result("c1", json!("1")), {"type": "text", "text": "hm"}]},
        {"role": "assistant", "content": [thought("Again.", "EqQB"), tool_use("c2")]},
        {"role": "user", "content": [result("c2", json!("2"))]}
    ]);
    let found = OSS.messages(messages.clone());
    let reasoning: Vec<&Value> = found
        .as_array()
        .unwrap()
        .iter()
        .filter(|message| message["role"] == "assistant")
        .map(|message| &message["reasoning"])
        .collect();
    assert_eq!(
        reasoning,
        [
            &json!(null),
            &json!(null),
            &json!("Use it."),
            &json!("Again.")
        ]
    );
    for to in [LLAMA, GEMINI, OTHER] {
        let done = to.with(json!({"messages": messages}));
        done.dropped("messages[].content[].thinking");
        assert!(!done.text.contains("reasoning"), "{}", done.text);
    }
    GEMINI
        .with(
            json!({"messages": [user("q"), {"role": "assistant", "content": [
            {"type": "redacted_thinking", "data": "abc"}, {"type": "text", "text": "x"}
        ]}, user("r")]}),
        )
        .dropped("messages[].content[].data");
}
