/** Calls the provider of `provider.ts`: locks the price on the chain, then hands the request over. */
import { contentHash, toHex } from "../sdk/index.ts";
import { network } from "./config.ts";
import { newAgent } from "./newAgent.ts";

const { agent, client } = await newAgent("Requester");
const input = "good morning";

const offer = (await (await fetch(network.providerUrl)).json()) as { agent: number; price: string };
const call = agent.invoke({ provider: offer.agent, price: offer.price, input, deadlineSeconds: 60 });
const { slot, id, receipt } = await call.durable;
console.log(`Call ${id} is made: ${offer.price} ETH are locked (receipt ${receipt}).`);

const answer = await fetch(network.providerUrl, { method: "POST", body: JSON.stringify({ slot, id, input }) });
const output = await answer.text();
console.log(`The answer is "${output}", its hash ${toHex(contentHash(output))}.`);

const { batch } = await call.posted();
console.log(`The call went to L1 in batch ${batch}.`);
await client.close();
