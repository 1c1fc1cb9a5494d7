"""OpenAI's Agents SDK on Chat and Responses."""

import asyncio

from _common import API, BASE, KEY, MODEL, PROMPT, STREAM, SYSTEM, run_command
from agents import Agent, ModelSettings, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, function_tool
from openai import AsyncOpenAI
from openai.types.shared import Reasoning


async def main():
    client = AsyncOpenAI(base_url=f"{BASE}/v1", api_key=KEY, max_retries=2)
    if API == "chat":
        model, settings = OpenAIChatCompletionsModel, ModelSettings(include_usage=True)
    else:
        reasoning = Reasoning(effort="low", summary="auto")
        model = OpenAIResponsesModel
        settings = ModelSettings(store=False, reasoning=reasoning, response_include=["reasoning.encrypted_content"])
    agent = Agent(
        name="checker",
        instructions=SYSTEM,
        model=model(model=MODEL, openai_client=client),
        tools=[function_tool(run_command)],
        model_settings=settings,
    )
    if not STREAM:
        return (await Runner.run(agent, PROMPT)).final_output
    result = Runner.run_streamed(agent, PROMPT)
    async for _ in result.stream_events():
        pass
    return result.final_output


print(asyncio.run(main()))
