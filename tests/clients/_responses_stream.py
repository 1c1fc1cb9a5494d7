"""What every stream of the Responses API promises, checked event by event."""

# Deltas, by the type of their end: where the whole text is found in that.
WHOLE = {
    "response.output_text": "text",
    "response.refusal": "refusal",
    "response.reasoning_text": "text",
    "response.reasoning_summary_text": "text",
    "response.function_call_arguments": "arguments",
    "response.custom_tool_call_input": "input",
}
TERMINAL = ("response.completed", "response.incomplete", "response.failed")


def check_lifecycle(events):
    """Checks a whole stream and gives the response at its end."""
    kinds = [event.type for event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"], kinds
    assert kinds[-1] in TERMINAL and sum(kind in TERMINAL for kind in kinds) == 1, kinds
    assert [event.sequence_number for event in events] == list(range(len(events))), kinds
    final = events[-1].response
    for event in events[:2]:
        assert event.response.id == final.id and event.response.status == "in_progress", event
        assert event.response.output == [] and event.response.usage is None, event
    added, done, texts, parts = {}, {}, {}, {}
    for event in events[2:-1]:
        index = event.output_index
        if event.type == "response.output_item.added":
            assert index == len(added) and index not in done, (index, kinds)
            added[index] = event.item
            continue
        assert index in added and index not in done, f"{event.type} outside of its item: {kinds}"
        if event.type == "response.output_item.done":
            assert event.item.type == added[index].type and event.item.id == added[index].id, event
            done[index] = event.item
            continue
        assert event.item_id == added[index].id, event
        check_part(event, index, parts)
        check_text(event, index, texts)
    assert all(whole is not None for _, whole in texts.values()), "a text has no end"
    if events[-1].type == "response.failed":
        assert final.status == "failed" and final.error.code and final.error.message, final
        return final
    assert sorted(done) == sorted(added) == list(range(len(final.output))), (sorted(done), final.output)
    assert not any(parts.values()), f"open parts: {parts}"
    for index, item in done.items():
        assert item.model_dump() == final.output[index].model_dump(), (item, final.output[index])
    return final


def check_part(event, index, parts):
    """Each part is opened and closed once, and what belongs to it comes between."""
    for kind, member in (("content_part", "content_index"), ("reasoning_summary_part", "summary_index")):
        if event.type == f"response.{kind}.added":
            key = (index, member, getattr(event, member))
            assert key not in parts, event
            parts[key] = True
        elif event.type == f"response.{kind}.done":
            key = (index, member, getattr(event, member))
            assert parts.get(key), event
            parts[key] = False
        elif event.type.endswith((".delta", ".done")) and getattr(event, member, None) is not None:
            assert parts.get((index, member, getattr(event, member))), f"{event.type} outside of its part"


def check_text(event, index, texts):
    """The deltas of a text are what its end says."""
    base, _, ending = event.type.rpartition(".")
    if base not in WHOLE:
        return
    key = (base, index, getattr(event, "content_index", None), getattr(event, "summary_index", None))
    so_far, whole = texts.get(key, ("", None))
    assert whole is None, f"{event.type} after the end"
    if ending == "delta":
        assert event.delta, "an empty delta"
        texts[key] = (so_far + event.delta, None)
    elif ending == "done":
        text = getattr(event, WHOLE[base])
        assert text == so_far, (event.type, text, so_far)
        texts[key] = (so_far, text)
