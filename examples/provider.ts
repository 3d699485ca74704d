/** An agent that serves: it shouts back what it is sent, for 0.01 ETH. The chain carries hashes; the words travel over HTTP. */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";

import { contentHash, toHex } from "../sdk/index.ts";
import type { Json } from "../sdk/index.ts";
import { network } from "./config.ts";
import { newAgent } from "./newAgent.ts";

const PRICE_UNITS = 10_000_000;

const { agent, client } = await newAgent("Provider");
const { index } = await agent.account();

/** The price is locked, for these very words, and for us. */
function isPaidFor(call: Json, input: string): boolean {
  const price = typeof call["price"] === "object" ? Number((call["price"] as Json)["units"]) : Number(call["price"]);
  return call["provider"] === index && price >= PRICE_UNITS && call["inputHash"] === toHex(contentHash(input));
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === "GET") {
    response.end(JSON.stringify({ agent: index, price: "0.01" }));
    return;
  }
  let text = "";
  for await (const chunk of request) text += String(chunk);
  const { slot, id, input } = JSON.parse(text) as { slot: number; id: number; input: string };

  const call = await client.invocation({ slot, id });
  if (call === undefined || !isPaidFor(call, input)) {
    response.writeHead(402).end("No call on the chain pays for this.\n");
    return;
  }
  const output = `${input.toUpperCase()}!`;
  await agent.respond({ slot, id }, output).durable;
  console.log(`Served call ${id} and was paid 0.01.`);
  response.end(output);
}

const server = createServer((request, response) => {
  serve(request, response).catch((error: unknown) => response.writeHead(500).end(`${String(error)}\n`));
});
server.listen(Number(new URL(network.providerUrl).port), "127.0.0.1", () => console.log(`Serving on ${network.providerUrl}; Ctrl-C ends it.`));
