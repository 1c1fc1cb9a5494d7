//! The request of `generateContent`, after the types of the Gemini API (not of Vertex AI, which knows more).

use super::super::shape::{ANY, EMPTY, FLAG, OBJECT, Shape, TEXT, may, must};

/// The body of `generateContent` and `streamGenerateContent`.
pub(super) const GENERATE: Shape = Shape::Struct(&[
    may("contents", &CONTENTS),
    may("systemInstruction", &CONTENT),
    may("tools", &list(&TOOL)),
    may("toolConfig", &TOOL_CONFIG),
    may("safetySettings", &list(&SAFETY)),
    may("generationConfig", &CONFIG),
    may("cachedContent", &TEXT),
    may("labels", &TEXT_MAP),
    may(
        "serviceTier",
        &Shape::Word(&["unspecified", "standard", "flex", "priority"]),
    ),
    may("store", &FLAG),
    // Stands in the path, and may be repeated.
    may("model", &TEXT),
]);

const fn list(of: &'static Shape) -> Shape {
    Shape::List {
        min: 0,
        max: usize::MAX,
        of,
    }
}

const fn up_to(max: i64) -> Shape {
    Shape::Integer { min: 0, max }
}

const CONTENTS: Shape = list(&CONTENT);

const CONTENT: Shape = Shape::Struct(&[may("role", &TEXT), may("parts", &list(&PART))]);

const TEXT_MAP: Shape = Shape::Map {
    max: 64,
    key: &TEXT,
    value: &TEXT,
};

const INT32: Shape = up_to(i32::MAX as i64);

const ANY_NUMBER: Shape = Shape::Number {
    min: f64::MIN,
    max: f64::MAX,
};

const PART: Shape = Shape::Struct(&[
    may("text", &TEXT),
    may("inlineData", &BLOB),
    may("fileData", &FILE),
    may(
        "functionCall",
        &Shape::Struct(&[may("id", &TEXT), must("name", &TEXT), may("args", &OBJECT)]),
    ),
    may(
        "functionResponse",
        &Shape::Struct(&[
            may("id", &TEXT),
            must("name", &TEXT),
            must("response", &OBJECT),
            may("parts", &list(&RESPONSE_PART)),
            may("willContinue", &FLAG),
            may(
                "scheduling",
                &Shape::Word(&["SCHEDULING_UNSPECIFIED", "SILENT", "WHEN_IDLE", "INTERRUPT"]),
            ),
        ]),
    ),
    may(
        "executableCode",
        &Shape::Struct(&[
            may("id", &TEXT),
            must("language", &Shape::Word(&["PYTHON"])),
            must("code", &TEXT),
        ]),
    ),
    may(
        "codeExecutionResult",
        &Shape::Struct(&[
            may("id", &TEXT),
            must(
                "outcome",
                &Shape::Word(&["OUTCOME_OK", "OUTCOME_FAILED", "OUTCOME_DEADLINE_EXCEEDED"]),
            ),
            may("output", &TEXT),
        ]),
    ),
    may(
        "toolCall",
        &Shape::Struct(&[
            may("id", &TEXT),
            must("toolType", &TOOL_TYPE),
            may("args", &OBJECT),
        ]),
    ),
    may(
        "toolResponse",
        &Shape::Struct(&[
            may("id", &TEXT),
            must("toolType", &TOOL_TYPE),
            may("response", &OBJECT),
        ]),
    ),
    may("thought", &FLAG),
    may("thoughtSignature", &TEXT),
    may("partMetadata", &OBJECT),
    may("videoMetadata", &VIDEO),
    may("mediaResolution", &RESOLUTION),
]);

const TOOL_TYPE: Shape = Shape::Word(&[
    "GOOGLE_SEARCH_WEB",
    "GOOGLE_SEARCH_IMAGE",
    "URL_CONTEXT",
    "GOOGLE_MAPS",
    "FILE_SEARCH",
    "MEDIA_PROCESSING",
]);

const BLOB: Shape = Shape::Struct(&[
    must("mimeType", &TEXT),
    must("data", &Shape::Blob { max: 100_000_000 }),
]);

const FILE: Shape = Shape::Struct(&[may("mimeType", &TEXT), must("fileUri", &TEXT)]);

const RESPONSE_PART: Shape = Shape::Struct(&[
    may("inlineData", &BLOB),
    may("fileData", &FILE),
    may("mediaResolution", &RESOLUTION),
    may("videoMetadata", &VIDEO),
]);

const VIDEO: Shape = Shape::Struct(&[
    may("startOffset", &TEXT),
    may("endOffset", &TEXT),
    may("fps", &ANY_NUMBER),
]);

const RESOLUTION: Shape = Shape::Struct(&[
    may(
        "level",
        &Shape::Word(&[
            "MEDIA_RESOLUTION_UNSPECIFIED",
            "MEDIA_RESOLUTION_LOW",
            "MEDIA_RESOLUTION_MEDIUM",
            "MEDIA_RESOLUTION_HIGH",
            "MEDIA_RESOLUTION_ULTRA_HIGH",
        ]),
    ),
    may("numTokens", &INT32),
]);

const TOOL: Shape = Shape::Struct(&[
    may("functionDeclarations", &list(&FUNCTION)),
    may(
        "googleSearch",
        &Shape::Struct(&[
            may(
                "searchTypes",
                &Shape::Struct(&[may("webSearch", &EMPTY), may("imageSearch", &EMPTY)]),
            ),
            may(
                "timeRangeFilter",
                &Shape::Struct(&[may("startTime", &TEXT), may("endTime", &TEXT)]),
            ),
        ]),
    ),
    may(
        "googleSearchRetrieval",
        &Shape::Struct(&[may(
            "dynamicRetrievalConfig",
            &Shape::Struct(&[
                may("mode", &Shape::Word(&["MODE_UNSPECIFIED", "MODE_DYNAMIC"])),
                may("dynamicThreshold", &ANY_NUMBER),
            ]),
        )]),
    ),
    may("urlContext", &EMPTY),
    may("codeExecution", &EMPTY),
    may(
        "fileSearch",
        &Shape::Struct(&[
            must("fileSearchStoreNames", &list(&TEXT)),
            may("topK", &INT32),
            may("metadataFilter", &TEXT),
        ]),
    ),
    may("googleMaps", &Shape::Struct(&[may("enableWidget", &FLAG)])),
    may("computerUse", &OBJECT),
]);

const FUNCTION: Shape = Shape::Struct(&[
    must("name", &TEXT),
    may("description", &TEXT),
    may("parameters", &SCHEMA),
    may("parametersJsonSchema", &ANY),
    may("response", &SCHEMA),
    may("responseJsonSchema", &ANY),
    may(
        "behavior",
        &Shape::Word(&["UNSPECIFIED", "BLOCKING", "NON_BLOCKING"]),
    ),
]);

/// The subset of OpenAPI that stands where JSON Schema is not asked for.
static SCHEMA: Shape = Shape::Struct(&[
    may(
        "type",
        &Shape::Word(&[
            "STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL", "string",
            "number", "integer", "boolean", "array", "object", "null",
        ]),
    ),
    may("format", &TEXT),
    may("title", &TEXT),
    may("description", &TEXT),
    may("nullable", &FLAG),
    may("enum", &list(&TEXT)),
    may("items", &SCHEMA),
    may("minItems", &ANY),
    may("maxItems", &ANY),
    may(
        "properties",
        &Shape::Map {
            max: usize::MAX,
            key: &TEXT,
            value: &SCHEMA,
        },
    ),
    may("required", &list(&TEXT)),
    may("minProperties", &ANY),
    may("maxProperties", &ANY),
    may("minLength", &ANY),
    may("maxLength", &ANY),
    may("pattern", &TEXT),
    may("minimum", &ANY_NUMBER),
    may("maximum", &ANY_NUMBER),
    may(
        "anyOf",
        &Shape::List {
            min: 0,
            max: usize::MAX,
            of: &SCHEMA,
        },
    ),
    may("propertyOrdering", &list(&TEXT)),
    may("default", &ANY),
    may("example", &ANY),
]);

const TOOL_CONFIG: Shape = Shape::Struct(&[
    may(
        "functionCallingConfig",
        &Shape::Struct(&[
            may(
                "mode",
                &Shape::Word(&["MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"]),
            ),
            may("allowedFunctionNames", &list(&TEXT)),
        ]),
    ),
    may(
        "retrievalConfig",
        &Shape::Struct(&[
            may(
                "latLng",
                &Shape::Struct(&[may("latitude", &ANY_NUMBER), may("longitude", &ANY_NUMBER)]),
            ),
            may("languageCode", &TEXT),
        ]),
    ),
    may("includeServerSideToolInvocations", &FLAG),
]);

const SAFETY: Shape = Shape::Struct(&[
    must(
        "category",
        &Shape::Word(&[
            "HARM_CATEGORY_HARASSMENT",
            "HARM_CATEGORY_HATE_SPEECH",
            "HARM_CATEGORY_SEXUALLY_EXPLICIT",
            "HARM_CATEGORY_DANGEROUS_CONTENT",
            "HARM_CATEGORY_CIVIC_INTEGRITY",
            "HARM_CATEGORY_JAILBREAK",
            "HARM_CATEGORY_IMAGE_HATE",
            "HARM_CATEGORY_IMAGE_DANGEROUS_CONTENT",
            "HARM_CATEGORY_IMAGE_HARASSMENT",
            "HARM_CATEGORY_IMAGE_SEXUALLY_EXPLICIT",
        ]),
    ),
    must(
        "threshold",
        &Shape::Word(&[
            "BLOCK_LOW_AND_ABOVE",
            "BLOCK_MEDIUM_AND_ABOVE",
            "BLOCK_ONLY_HIGH",
            "BLOCK_NONE",
            "OFF",
        ]),
    ),
]);

const VOICE: Shape = Shape::Struct(&[may(
    "prebuiltVoiceConfig",
    &Shape::Struct(&[may("voiceName", &TEXT)]),
)]);

const CONFIG: Shape = Shape::Struct(&[
    may("temperature", &Shape::Number { min: 0.0, max: 2.0 }),
    may("topP", &Shape::Number { min: 0.0, max: 1.0 }),
    may("topK", &INT32),
    may("candidateCount", &up_to(8)),
    may("maxOutputTokens", &INT32),
    may(
        "stopSequences",
        &Shape::List {
            min: 0,
            max: 5,
            of: &TEXT,
        },
    ),
    may("responseLogprobs", &FLAG),
    may("logprobs", &up_to(20)),
    may(
        "presencePenalty",
        &Shape::Number {
            min: -2.0,
            max: 2.0,
        },
    ),
    may(
        "frequencyPenalty",
        &Shape::Number {
            min: -2.0,
            max: 2.0,
        },
    ),
    may("seed", &ANY_NUMBER),
    may(
        "responseMimeType",
        &Shape::Word(&["text/plain", "application/json", "text/x.enum"]),
    ),
    may("responseSchema", &SCHEMA),
    may("responseJsonSchema", &ANY),
    may(
        "responseModalities",
        &list(&Shape::Word(&["TEXT", "IMAGE", "AUDIO", "VIDEO"])),
    ),
    may(
        "mediaResolution",
        &Shape::Word(&[
            "MEDIA_RESOLUTION_UNSPECIFIED",
            "MEDIA_RESOLUTION_LOW",
            "MEDIA_RESOLUTION_MEDIUM",
            "MEDIA_RESOLUTION_HIGH",
        ]),
    ),
    may(
        "speechConfig",
        &Shape::Struct(&[
            may("voiceConfig", &VOICE),
            may("languageCode", &TEXT),
            may(
                "multiSpeakerVoiceConfig",
                &Shape::Struct(&[may(
                    "speakerVoiceConfigs",
                    &list(&Shape::Struct(&[
                        may("speaker", &TEXT),
                        may("voiceConfig", &VOICE),
                    ])),
                )]),
            ),
        ]),
    ),
    may(
        "thinkingConfig",
        &Shape::Struct(&[
            may("includeThoughts", &FLAG),
            may(
                "thinkingBudget",
                &Shape::Integer {
                    min: -1,
                    max: 32_768,
                },
            ),
            may(
                "thinkingLevel",
                &Shape::Word(&[
                    "THINKING_LEVEL_UNSPECIFIED",
                    "MINIMAL",
                    "LOW",
                    "MEDIUM",
                    "HIGH",
                    "XHIGH",
                ]),
            ),
        ]),
    ),
    may(
        "imageConfig",
        &Shape::Struct(&[may("aspectRatio", &TEXT), may("imageSize", &TEXT)]),
    ),
    may("enableEnhancedCivicAnswers", &FLAG),
]);
