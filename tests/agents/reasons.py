"""Why each field of an agent's call is not carried as it stands, where `x-gateway-dropped` or `x-gateway-approximated` names it.

A field that is reported and has no reason here fails the run: somebody must look at it first.
"""

BETA = "a switch of Anthropic's API that this provider's API does not have, or that Bedrock refuses"
CACHE = "these providers cache by themselves; a mark where to cache has no counterpart"
HINT = "which context to clear is Anthropic's own service; without it the context stays whole"
REASONS = {
    "claude-code": {
        "anthropic-beta.*": BETA,
        "context_management": HINT,
        "max_tokens": "lowered to the most that the model can put out",
        "messages[].content[].cache_control": CACHE,
        "messages[].content[].content": "Chat takes no image in a tool's result: it follows in a user message",
        "messages[].content[].content[]": "a reference to a tool becomes its name in words; the tool itself is sent with all others",
        "messages[].content[].thinking": "thinking that a broken stream left without its signature cannot be sent back to OpenAI",
        "messages[].output_config": "an effort for one turn; the effort of the call holds",
        "messages[].role": "a system message in the middle becomes marked user text in its place, where the provider has no such role",
        "metadata.user_id": "OpenAI gets a hash of it as `safety_identifier`, and a cache key; Gemini and Perplexity have no such field",
        "output_config.effort": "the nearest effort that the model knows; none at Perplexity",
        "system": "system blocks become OpenAI's `instructions`",
        "system[]": "Claude Code's billing line, which changes with every call and would spoil prompt caches",
        "system[].cache_control": CACHE,
        "thinking": "thinking becomes the provider's own reasoning, as strong as the effort or the budget says; none at Perplexity",
        "thinking.display": "Bedrock does not know it; Claude Code's own Bedrock mode leaves it out too",
        "tools[]": "the provider's own search stands for Anthropic's; a compatible server has none, and the call did not demand one",
        "tools[].defer_loading": "all tools are sent at once, so that none must be looked for",
        "tools[].max_uses": "OpenAI gets it as `max_tool_calls`; others have no such limit",
        "tools[].type": "OpenAI's own search stands for Anthropic's",
    },
    "codex": {
        "client_metadata": "Codex's own bookkeeping for OpenAI",
        "input[].id": "ids of items, which other providers do not have; calls keep their `call_id`",
        "input[].input": "freeform input becomes the one string of a function's arguments, and back",
        "input[].output": "Chat takes no image in a tool's result: it follows in a user message",
        "input[].output[].detail": "Claude has no level of detail for images",
        "input[].tools": "tools that come as an input item are sent with all others",
        "input[].tools[]": "namespaces become prefixes of names, freeform tools functions with one string, and back in the answer",
        "parallel_tool_calls": "there are no tools",
        "prompt_cache_key": "these providers cache by prefix, without a key",
        "reasoning.context": "which reasoning to see again is OpenAI's own service; all that is replayed is sent",
        "reasoning.effort": "the nearest effort that the model knows",
        "reasoning.summary": "Claude always shows its thinking when it thinks; other models summarise, or not, by themselves",
        "store": "nothing is stored at these providers, which is what Codex asks for",
        "text.verbosity": "a hint that no other provider takes",
        "tools[]": "namespaces become prefixes of names and freeform tools functions, and back in the answer; OpenAI's search of the web and of tools"
        " is left out where the provider has none",
        "tools[].external_web_access": "a switch of OpenAI's search alone",
        "tools[].format": "the grammar of a freeform tool is told in its description, as the provider cannot enforce it",
        "tools[].search_content_types": "a switch of OpenAI's search alone",
        "tools[].tools": "a namespace's tools carry its name as prefix, and lose it again in the answer",
        "tools[].type": "freeform tools become functions with one string, and OpenAI's search the provider's own",
    },
}


def reason(client, path):
    """Why this field is reported; None when nobody has said."""
    known = REASONS[client]
    return known.get(path) or (known["anthropic-beta.*"] if path.startswith("anthropic-beta.") and client == "claude-code" else None)
