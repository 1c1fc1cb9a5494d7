"""The `openai` SDK on Chat and Responses, with its own ways to stream."""

import json

from _common import API, BASE, KEY, MODEL, MOST_TURNS, PARAMETERS, PROMPT, STREAM, SYSTEM, run_command
from openai import OpenAI

client = OpenAI(base_url=f"{BASE}/v1", api_key=KEY, max_retries=2)
FUNCTION = {"name": "run_command", "parameters": PARAMETERS, "strict": True}


def responses():
    history = [{"role": "user", "content": PROMPT}]
    settings = dict(
        model=MODEL,
        instructions=SYSTEM,
        store=False,
        include=["reasoning.encrypted_content"],
        reasoning={"effort": "low", "summary": "auto"},
        tools=[{"type": "function", **FUNCTION}],
    )
    for _ in range(MOST_TURNS):
        if STREAM:
            with client.responses.stream(input=history, **settings) as stream:
                answer = stream.get_final_response()
        else:
            answer = client.responses.create(input=history, **settings)
        calls = [item for item in answer.output if item.type == "function_call"]
        if not calls:
            return f"{answer.output_text} {answer.usage}"
        history += [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in answer.output]
        for call in calls:
            output = run_command(**json.loads(call.arguments))
            history.append({"type": "function_call_output", "call_id": call.call_id, "output": output})


def chat():
    history = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": PROMPT}]
    settings = dict(model=MODEL, tools=[{"type": "function", "function": FUNCTION}])
    for _ in range(MOST_TURNS):
        if STREAM:
            with client.chat.completions.stream(messages=history, stream_options={"include_usage": True}, **settings) as stream:
                answer = stream.get_final_completion()
        else:
            answer = client.chat.completions.create(messages=history, **settings)
        message = answer.choices[0].message
        if not message.tool_calls:
            return f"{message.content} {answer.usage}"
        exclude = {"parsed": True, "tool_calls": {"__all__": {"function": {"parsed_arguments"}}}}
        history.append(message.model_dump(exclude_none=True, exclude=exclude))
        for call in message.tool_calls:
            output = run_command(**json.loads(call.function.arguments))
            history.append({"role": "tool", "tool_call_id": call.id, "content": output})


print(chat() if API == "chat" else responses())
