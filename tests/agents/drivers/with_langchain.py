"""LangChain: langchain-openai on Chat and Responses, langchain-anthropic on Messages."""

from functools import reduce
from operator import add

from _common import API, BASE, KEY, MODEL, MOST_TURNS, PROMPT, STREAM, SYSTEM, run_command
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool

if API == "messages":
    from langchain_anthropic import ChatAnthropic

    thinking = {"type": "enabled", "budget_tokens": 2000}
    model = ChatAnthropic(model=MODEL, base_url=BASE, api_key=KEY, max_tokens=4000, thinking=thinking, max_retries=2)
    system = SystemMessage([{"type": "text", "text": SYSTEM, "cache_control": {"type": "ephemeral"}}])
else:
    from langchain_openai import ChatOpenAI

    reasoning = {"reasoning": {"effort": "low", "summary": "auto"}, "include": ["reasoning.encrypted_content"]}
    own = {"use_responses_api": True, "store": False, **reasoning} if API == "responses" else {"stream_usage": True}
    model = ChatOpenAI(model=MODEL, base_url=f"{BASE}/v1", api_key=KEY, max_retries=2, **own)
    system = SystemMessage(SYSTEM)

shell = tool(run_command)
model = model.bind_tools([shell])
messages = [system, HumanMessage(PROMPT)]
for _ in range(MOST_TURNS):
    answer = reduce(add, model.stream(messages)) if STREAM else model.invoke(messages)
    messages.append(answer)
    if not answer.tool_calls:
        print(answer.text, answer.usage_metadata)
        break
    messages += [ToolMessage(shell.invoke(call["args"]), tool_call_id=call["id"]) for call in answer.tool_calls]
