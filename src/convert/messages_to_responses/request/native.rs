//! Anthropic's tools that the client runs: their inputs are fixed, so that a function says the same.
//!
//! Sources: the pages on the bash, text editor and memory tools of platform.claude.com.

/// A function with the input of one of Anthropic's tools.
#[derive(Debug, Clone, Copy)]
pub(super) struct Native {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) parameters: &'static str,
}

const BASH: Native = Native {
    name: "bash",
    description: "Run a command in a bash session that stays open between calls. \
Set restart to true to begin a new session.",
    parameters: r#"{"type":"object","properties":{"command":{"type":"string"},"restart":{"type":"boolean"}}}"#,
};

const TEXT_EDITOR: Native = Native {
    name: "str_replace_based_edit_tool",
    description: "View, create and edit text files. view shows a file (or the lines in view_range) or lists a directory; \
create writes file_text; str_replace replaces old_str, which must occur exactly once, by new_str; \
insert puts insert_text after line insert_line.",
    parameters: r#"{"type":"object","properties":{"command":{"type":"string","enum":["view","create","str_replace","insert"]},"path":{"type":"string"},"file_text":{"type":"string"},"old_str":{"type":"string"},"new_str":{"type":"string"},"insert_line":{"type":"integer"},"insert_text":{"type":"string"},"view_range":{"type":"array","items":{"type":"integer"}}},"required":["command","path"]}"#,
};

const MEMORY: Native = Native {
    name: "memory",
    description: "Keep notes in files below /memories that last between conversations. view shows a file or lists a directory; \
create writes file_text; str_replace replaces old_str by new_str; insert puts insert_text after line insert_line; \
delete removes path; rename moves old_path to new_path. Look at /memories before you begin a task.",
    parameters: r#"{"type":"object","properties":{"command":{"type":"string","enum":["view","create","str_replace","insert","delete","rename"]},"path":{"type":"string"},"file_text":{"type":"string"},"old_str":{"type":"string"},"new_str":{"type":"string"},"insert_line":{"type":"integer"},"insert_text":{"type":"string"},"old_path":{"type":"string"},"new_path":{"type":"string"},"view_range":{"type":"array","items":{"type":"integer"}}},"required":["command"]}"#,
};

/// The function for Anthropic's tool of type `kind`, if the client runs it.
pub(super) fn find(kind: &str) -> Option<Native> {
    [
        ("bash_", BASH),
        ("text_editor_", TEXT_EDITOR),
        ("memory_", MEMORY),
    ]
    .into_iter()
    .find(|(prefix, _)| kind.starts_with(prefix))
    .map(|(_, native)| native)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_schemas() {
        for kind in ["bash_20250124", "text_editor_20250728", "memory_20250818"] {
            let native = find(kind).unwrap();
            let schema: serde_json::Value = serde_json::from_str(native.parameters).unwrap();
            assert_eq!(schema["type"], "object");
            for required in schema["required"].as_array().into_iter().flatten() {
                assert!(schema["properties"][required.as_str().unwrap()].is_object());
            }
        }
        assert!(find("computer_20250124").is_none());
    }
}
