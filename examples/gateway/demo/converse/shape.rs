//! The request of Converse, after the definition of the `bedrock-runtime` service (API version 2023-09-30).

use super::super::shape::{
    ANY, EMPTY, FLAG, Member, OBJECT, Pattern, SOME_TEXT, Shape, TEXT, made_of, may, must,
};

/// The body of Converse.
pub(super) const CONVERSE: Shape = Shape::Struct(&[
    may("messages", &MESSAGES),
    may("system", &SYSTEM),
    may("inferenceConfig", &INFERENCE),
    may("toolConfig", &TOOL_CONFIG),
    may("guardrailConfig", &Shape::Struct(&GUARDRAIL)),
    may("additionalModelRequestFields", &OBJECT),
    may("promptVariables", &PROMPT_VARIABLES),
    may("additionalModelResponseFieldPaths", &RESPONSE_PATHS),
    may("requestMetadata", &METADATA),
    may("performanceConfig", &PERFORMANCE),
    may("serviceTier", &TIER),
    may("outputConfig", &OUTPUT),
]);

/// The body of ConverseStream.
pub(super) const CONVERSE_STREAM: Shape = Shape::Struct(&[
    may("messages", &MESSAGES),
    may("system", &SYSTEM),
    may("inferenceConfig", &INFERENCE),
    may("toolConfig", &TOOL_CONFIG),
    may("guardrailConfig", &STREAM_GUARDRAIL),
    may("additionalModelRequestFields", &OBJECT),
    may("promptVariables", &PROMPT_VARIABLES),
    may("additionalModelResponseFieldPaths", &RESPONSE_PATHS),
    may("requestMetadata", &METADATA),
    may("performanceConfig", &PERFORMANCE),
    may("serviceTier", &TIER),
    may("outputConfig", &OUTPUT),
]);

/// The body of CountTokens.
pub(super) const COUNT_TOKENS: Shape = Shape::Struct(&[must(
    "input",
    &Shape::Union(&[
        may(
            "invokeModel",
            &Shape::Struct(&[must("body", &Shape::Blob { max: 25_000_000 })]),
        ),
        may(
            "converse",
            &Shape::Struct(&[
                may("messages", &MESSAGES),
                may("system", &SYSTEM),
                may("toolConfig", &TOOL_CONFIG),
                may("additionalModelRequestFields", &OBJECT),
            ]),
        ),
    ]),
)]);

const PROMPT_VARIABLES: Shape = Shape::Map {
    max: usize::MAX,
    key: &TEXT,
    value: &Shape::Union(&[may("text", &TEXT)]),
};

const RESPONSE_PATHS: Shape = Shape::List {
    min: 0,
    max: 10,
    of: &Shape::Text {
        min: 1,
        max: 256,
        pattern: None,
    },
};

/// A list of anything but too many.
const fn list(of: &'static Shape) -> Shape {
    Shape::List {
        min: 0,
        max: usize::MAX,
        of,
    }
}

const fn patterned(min: usize, max: usize, words: &'static str, fits: fn(&str) -> bool) -> Shape {
    Shape::Text {
        min,
        max,
        pattern: Some(Pattern { words, fits }),
    }
}

const INFERENCE: Shape = Shape::Struct(&[
    may(
        "maxTokens",
        &Shape::Integer {
            min: 1,
            max: i64::MAX,
        },
    ),
    may("temperature", &SHARE),
    may("topP", &SHARE),
    may(
        "stopSequences",
        &Shape::List {
            min: 0,
            max: 2500,
            of: &SOME_TEXT,
        },
    ),
]);
const SHARE: Shape = Shape::Number { min: 0.0, max: 1.0 };

const METADATA: Shape = Shape::Map {
    max: 16,
    key: &patterned(1, 256, METADATA_WORDS, is_metadata),
    value: &patterned(0, 256, METADATA_WORDS, is_metadata),
};
const METADATA_WORDS: &str = r"[a-zA-Z0-9\s:_@$#=/+,-.]{0,256}";

fn is_metadata(text: &str) -> bool {
    text.chars().all(|char| {
        char.is_ascii_alphanumeric() || char.is_whitespace() || ":_@$#=/+,-.".contains(char)
    })
}

const PERFORMANCE: Shape =
    Shape::Struct(&[may("latency", &Shape::Word(&["standard", "optimized"]))]);

const TIER: Shape = Shape::Struct(&[must(
    "type",
    &Shape::Word(&["priority", "default", "flex", "reserved"]),
)]);

const OUTPUT: Shape = Shape::Struct(&[
    may(
        "textFormat",
        &Shape::Struct(&[
            must("type", &Shape::Word(&["json_schema"])),
            must(
                "structure",
                &Shape::Union(&[may(
                    "jsonSchema",
                    &Shape::Struct(&[
                        must("schema", &TEXT),
                        may("name", &TEXT),
                        may("description", &TEXT),
                    ]),
                )]),
            ),
        ]),
    ),
    may(
        "effort",
        &Shape::Text {
            min: 0,
            max: 16,
            pattern: None,
        },
    ),
]);

const GUARDRAIL: [Member; 3] = [
    may(
        "guardrailIdentifier",
        &patterned(
            0,
            2048,
            r"(|([a-z0-9]+)|(arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/[a-z0-9]+))",
            |text| {
                text.starts_with("arn:aws")
                    || text
                        .bytes()
                        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            },
        ),
    ),
    may(
        "guardrailVersion",
        &patterned(0, 8, "(|([1-9][0-9]{0,7})|(DRAFT))", |text| {
            text.is_empty()
                || text == "DRAFT"
                || (!text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()))
        }),
    ),
    may(
        "trace",
        &Shape::Word(&["enabled", "disabled", "enabled_full"]),
    ),
];

const STREAM_GUARDRAIL: Shape = {
    let [identifier, version, trace] = GUARDRAIL;
    Shape::Struct(&[
        identifier,
        version,
        trace,
        may("streamProcessingMode", &Shape::Word(&["sync", "async"])),
    ])
};

const TOOL_NAME: Shape = patterned(1, 64, "[a-zA-Z0-9_-]+", |text| made_of(text, b"_-"));

const TOOL_CONFIG: Shape = Shape::Struct(&[
    must(
        "tools",
        &Shape::List {
            min: 1,
            max: usize::MAX,
            of: &TOOL,
        },
    ),
    may(
        "toolChoice",
        &Shape::Union(&[
            may("auto", &EMPTY),
            may("any", &EMPTY),
            may("tool", &Shape::Struct(&[must("name", &TOOL_NAME)])),
        ]),
    ),
]);

const TOOL: Shape = Shape::Union(&[
    may(
        "toolSpec",
        &Shape::Struct(&[
            must("name", &TOOL_NAME),
            may("description", &SOME_TEXT),
            must("inputSchema", &Shape::Union(&[may("json", &OBJECT)])),
            may("strict", &FLAG),
        ]),
    ),
    may("systemTool", &Shape::Struct(&[must("name", &TOOL_NAME)])),
    may("cachePoint", &CACHE_POINT),
]);

const CACHE_POINT: Shape = Shape::Struct(&[
    must("type", &Shape::Word(&["default"])),
    may("ttl", &Shape::Word(&["5m", "1h"])),
]);

const SYSTEM: Shape = list(&Shape::Union(&[
    may("text", &SOME_TEXT),
    may("guardContent", &GUARD_CONTENT),
    may("cachePoint", &CACHE_POINT),
]));

const MESSAGES: Shape = list(&Shape::Struct(&[
    must("role", &Shape::Word(&["user", "assistant", "system"])),
    must("content", &list(&BLOCK)),
]));

const BLOCK: Shape = Shape::Union(&[
    may("text", &TEXT),
    may("image", &IMAGE),
    may("document", &DOCUMENT),
    may("video", &VIDEO),
    may("audio", &AUDIO),
    may(
        "toolUse",
        &Shape::Struct(&[
            must("toolUseId", &TOOL_ID),
            must("name", &TOOL_NAME),
            must("input", &ANY),
            may("type", &Shape::Word(&["server_tool_use"])),
        ]),
    ),
    may(
        "toolResult",
        &Shape::Struct(&[
            must("toolUseId", &TOOL_ID),
            must("content", &list(&RESULT)),
            may("status", &Shape::Word(&["success", "error"])),
            may("type", &TEXT),
        ]),
    ),
    may("guardContent", &GUARD_CONTENT),
    may("cachePoint", &CACHE_POINT),
    may(
        "reasoningContent",
        &Shape::Union(&[
            may(
                "reasoningText",
                &Shape::Struct(&[must("text", &TEXT), may("signature", &TEXT)]),
            ),
            may("redactedContent", &BLOB),
        ]),
    ),
    may(
        "citationsContent",
        &Shape::Struct(&[
            may("content", &list(&TEXTS)),
            may("citations", &list(&CITATION)),
        ]),
    ),
    may("searchResult", &SEARCH_RESULT),
    may("toolAddition", &TOOL_CHANGE),
    may("toolRemoval", &TOOL_CHANGE),
]);

const TOOL_ID: Shape = patterned(1, 64, "[a-zA-Z0-9_.:-]+", |text| made_of(text, b"_.:-"));

const TEXTS: Shape = Shape::Union(&[may("text", &TEXT)]);

/// What a tool may say.
const RESULT: Shape = Shape::Union(&[
    may("json", &OBJECT),
    may("text", &TEXT),
    may("image", &IMAGE),
    may("document", &DOCUMENT),
    may("video", &VIDEO),
    may("searchResult", &SEARCH_RESULT),
]);

const TOOL_CHANGE: Shape = Shape::Struct(&[must(
    "tool",
    &Shape::Struct(&[
        may("type", &SOME_TEXT),
        may("name", &SOME_TEXT),
        may("serverName", &SOME_TEXT),
    ]),
)]);

const BLOB: Shape = Shape::Blob { max: usize::MAX };

const S3: Shape = Shape::Struct(&[
    must(
        "uri",
        &patterned(
            1,
            1024,
            r"s3://[a-z0-9][\.\-a-z0-9]{1,61}[a-z0-9](/.*)?",
            |text| {
                let bucket = text
                    .strip_prefix("s3://")
                    .and_then(|rest| rest.split('/').next());
                bucket.is_some_and(|bucket| {
                    (3..=63).contains(&bucket.len())
                        && bucket.bytes().all(|byte| {
                            byte.is_ascii_lowercase()
                                || byte.is_ascii_digit()
                                || b".-".contains(&byte)
                        })
                })
            },
        ),
    ),
    may(
        "bucketOwner",
        &patterned(12, 12, "[0-9]{12}", |text| {
            text.bytes().all(|byte| byte.is_ascii_digit())
        }),
    ),
]);

const IMAGE: Shape = Shape::Struct(&[
    must("format", &Shape::Word(&["png", "jpeg", "gif", "webp"])),
    must(
        "source",
        &Shape::Union(&[
            may("bytes", &Shape::Blob { max: 3_750_000 }),
            may("s3Location", &S3),
        ]),
    ),
]);

const DOCUMENT: Shape = Shape::Struct(&[
    may(
        "format",
        &Shape::Word(&[
            "pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md",
        ]),
    ),
    must(
        "name",
        &Shape::Text {
            min: 1,
            max: 200,
            pattern: None,
        },
    ),
    must(
        "source",
        &Shape::Union(&[
            may("bytes", &Shape::Blob { max: 4_500_000 }),
            may("s3Location", &S3),
            may("text", &TEXT),
            may("content", &list(&TEXTS)),
        ]),
    ),
    may("context", &TEXT),
    may("citations", &CITATIONS),
]);

const CITATIONS: Shape = Shape::Struct(&[must("enabled", &FLAG)]);

const MEDIA_SOURCE: Shape = Shape::Union(&[may("bytes", &BLOB), may("s3Location", &S3)]);

const VIDEO: Shape = Shape::Struct(&[
    must(
        "format",
        &Shape::Word(&[
            "mkv", "mov", "mp4", "webm", "flv", "mpeg", "mpg", "wmv", "three_gp",
        ]),
    ),
    must("source", &MEDIA_SOURCE),
]);

const AUDIO: Shape = Shape::Struct(&[
    must(
        "format",
        &Shape::Word(&[
            "mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "mka", "x-aac", "m4a",
            "mpeg", "mpga", "pcm", "webm",
        ]),
    ),
    must("source", &MEDIA_SOURCE),
]);

const GUARD_CONTENT: Shape = Shape::Union(&[
    may(
        "text",
        &Shape::Struct(&[
            must("text", &TEXT),
            may(
                "qualifiers",
                &list(&Shape::Word(&[
                    "grounding_source",
                    "query",
                    "guard_content",
                ])),
            ),
        ]),
    ),
    may(
        "image",
        &Shape::Struct(&[
            must("format", &Shape::Word(&["png", "jpeg"])),
            must("source", &Shape::Union(&[may("bytes", &BLOB)])),
        ]),
    ),
]);

const SEARCH_RESULT: Shape = Shape::Struct(&[
    must("source", &TEXT),
    must("title", &TEXT),
    must("content", &list(&Shape::Struct(&[must("text", &TEXT)]))),
    may("citations", &CITATIONS),
]);

const CITATION: Shape = Shape::Struct(&[
    may("title", &TEXT),
    may("source", &TEXT),
    may("sourceContent", &list(&TEXTS)),
    may(
        "location",
        &Shape::Union(&[
            may(
                "web",
                &Shape::Struct(&[may("url", &TEXT), may("domain", &TEXT)]),
            ),
            may("documentChar", &DOCUMENT_PLACE),
            may("documentPage", &DOCUMENT_PLACE),
            may("documentChunk", &DOCUMENT_PLACE),
            may(
                "searchResultLocation",
                &Shape::Struct(&[
                    may("searchResultIndex", &COUNT),
                    may("start", &COUNT),
                    may("end", &COUNT),
                ]),
            ),
        ]),
    ),
]);

const DOCUMENT_PLACE: Shape = Shape::Struct(&[
    may("documentIndex", &COUNT),
    may("start", &COUNT),
    may("end", &COUNT),
]);

const COUNT: Shape = Shape::Integer {
    min: 0,
    max: i64::MAX,
};
