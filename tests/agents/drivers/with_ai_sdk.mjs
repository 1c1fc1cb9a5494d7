// Vercel's AI SDK. Arguments: root of the gateway, chat | responses | messages | compatible, model, key, prompt, stream | whole.
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const { resolve } = createRequire(join(process.env.NODE_MODULES, 'any.js'));
const load = (name) => import(resolve(name));
const { streamText, generateText, tool, stepCountIs } = await load('ai');
const { z } = await load('zod');
const [base, api, name, apiKey, prompt, mode] = process.argv.slice(2);
const baseURL = `${base}/v1`;

async function openai() {
  const { createOpenAI } = await load('@ai-sdk/openai');
  return createOpenAI({ baseURL, apiKey });
}

const models = {
  chat: async () => ({ model: (await openai()).chat(name) }),
  responses: async () => ({
    model: (await openai()).responses(name),
    providerOptions: { openai: { reasoningSummary: 'auto', store: false, include: ['reasoning.encrypted_content'] } },
  }),
  messages: async () => ({
    model: (await load('@ai-sdk/anthropic')).createAnthropic({ baseURL, apiKey })(name),
    providerOptions: { anthropic: { thinking: { type: 'enabled', budgetTokens: 2000 }, cacheControl: { type: 'ephemeral' } } },
  }),
  compatible: async () => ({
    model: (await load('@ai-sdk/openai-compatible')).createOpenAICompatible({ name: 'gateway', baseURL, apiKey, includeUsage: true })(name),
  }),
};

const run_command = tool({
  description: 'Run a shell command',
  inputSchema: z.object({ command: z.string() }),
  execute: async ({ command }) => execFileSync('bash', ['-c', command], { encoding: 'utf8', timeout: 10000 }),
});
const call = { ...(await models[api]()), prompt, system: 'You check things.', maxRetries: 2, stopWhen: stepCountIs(6), tools: { run_command } };
if (mode === 'stream') {
  const result = streamText({ ...call, onError: (error) => console.error(error) });
  for await (const text of result.textStream) process.stdout.write(text);
} else {
  console.log((await generateText(call)).text);
}
