"""What every stream of the Messages API promises, checked event by event."""

# Deltas, by the type of their block.
DELTAS = {
    "text": ("text_delta", "citations_delta"),
    "thinking": ("thinking_delta", "signature_delta"),
    "tool_use": ("input_json_delta",),
    "server_tool_use": ("input_json_delta",),
}


def check_lifecycle(events):
    """Checks a whole stream and gives its `message_delta`."""
    kinds = [event.type for event in events if event.type != "ping"]
    assert kinds[0] == "message_start" and kinds[-1] == "message_stop" and kinds[-2] == "message_delta", kinds
    assert all(kinds.count(kind) == 1 for kind in ("message_start", "message_delta", "message_stop")), kinds
    start = events[0].message
    assert start.id and start.role == "assistant" and start.content == [] and start.stop_reason is None, start
    assert start.usage.input_tokens is not None and start.usage.output_tokens is not None, start.usage
    open_block, count, signed = None, 0, 0
    for event in events:
        if event.type == "content_block_start":
            assert open_block is None and event.index == count, (event, kinds)
            open_block, signed = event.content_block.type, 0
            if open_block in ("tool_use", "server_tool_use"):
                assert event.content_block.input == {}, event
        elif event.type == "content_block_delta":
            assert event.index == count and event.delta.type in DELTAS.get(open_block, ()), (open_block, event)
            assert not signed, "a delta after the signature"
            signed += event.delta.type == "signature_delta"
            for name in ("text", "thinking", "partial_json"):
                assert getattr(event.delta, name, "some") or name == "partial_json", f"an empty delta: {event}"
        elif event.type == "content_block_stop":
            assert event.index == count and open_block, (event, kinds)
            assert open_block != "thinking" or signed == 1, "thinking without a signature"
            open_block, count = None, count + 1
        elif event.type in ("message_delta", "message_stop"):
            assert open_block is None, f"{event.type} inside of a block"
    (delta,) = [event for event in events if event.type == "message_delta"]
    assert delta.delta.stop_reason and delta.usage.output_tokens is not None, delta
    return delta
