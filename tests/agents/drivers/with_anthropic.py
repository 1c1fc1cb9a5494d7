"""The `anthropic` SDK on Messages, with thinking and cache marks, and its own way to stream."""

from _common import BASE, KEY, MODEL, MOST_TURNS, PARAMETERS, PROMPT, STREAM, SYSTEM, run_command
from anthropic import Anthropic

client = Anthropic(base_url=BASE, api_key=KEY, max_retries=2)
history = [{"role": "user", "content": PROMPT}]
settings = dict(
    model=MODEL,
    max_tokens=4000,
    thinking={"type": "enabled", "budget_tokens": 2000},
    system=[{"type": "text", "text": SYSTEM, "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
    tools=[{"name": "run_command", "input_schema": PARAMETERS, "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
)
for _ in range(MOST_TURNS):
    if STREAM:
        with client.messages.stream(messages=history, **settings) as stream:
            answer = stream.get_final_message()
    else:
        answer = client.messages.create(messages=history, **settings)
    calls = [block for block in answer.content if block.type == "tool_use"]
    if not calls:
        print("".join(block.text for block in answer.content if block.type == "text"), answer.usage)
        break
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": run_command(**call.input)} for call in calls]
    history += [{"role": "assistant", "content": answer.content}, {"role": "user", "content": results}]
