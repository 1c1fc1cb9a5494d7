"""Pydantic AI on all three endpoints."""

import asyncio

from _common import API, BASE, KEY, MODEL, PROMPT, STREAM, SYSTEM, run_command
from pydantic_ai import Agent

if API == "messages":
    from anthropic import AsyncAnthropic
    from pydantic_ai.models.anthropic import AnthropicModel, AnthropicModelSettings
    from pydantic_ai.providers.anthropic import AnthropicProvider

    provider = AnthropicProvider(anthropic_client=AsyncAnthropic(base_url=BASE, api_key=KEY))
    model = AnthropicModel(MODEL, provider=provider)
    settings = AnthropicModelSettings(
        max_tokens=4000,
        anthropic_thinking={"type": "enabled", "budget_tokens": 2000},
        anthropic_cache_instructions=True,
        anthropic_cache_tool_definitions=True,
    )
else:
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel, OpenAIResponsesModelSettings
    from pydantic_ai.providers.openai import OpenAIProvider

    provider = OpenAIProvider(base_url=f"{BASE}/v1", api_key=KEY)
    model, settings = OpenAIChatModel(MODEL, provider=provider), None
    if API == "responses":
        model = OpenAIResponsesModel(MODEL, provider=provider)
        settings = OpenAIResponsesModelSettings(
            openai_reasoning_effort="low", openai_reasoning_summary="auto", openai_store=False
        )

agent = Agent(model, instructions=SYSTEM, tools=[run_command], model_settings=settings)


async def drain(_, events):
    async for _ in events:
        pass


# Not `run_stream`, which takes text that comes before a call for the final answer.
print(asyncio.run(agent.run(PROMPT, event_stream_handler=drain if STREAM else None)).output)
