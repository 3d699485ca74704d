/** Two providers in one workflow: both are paid, or neither. All three agents run in this program. */
import { describeUnits } from "../sdk/index.ts";
import { newAgent } from "./newAgent.ts";

const { agent: owner, client } = await newAgent("Owner");
const { agent: writer } = await newAgent("Writer");
const { agent: editor } = await newAgent("Editor");
const { asset } = await client.config();

const workflow = owner.workflow({ steps: 2, escrow: "0.03", deadlineSeconds: 120 });
const draft = workflow.step({ provider: writer.address, price: "0.01", input: "Write a paragraph", deadlineSeconds: 60 });
await draft.durable;
await writer.respond(draft, "A paragraph.").durable;

// The second step needs the first: it is refused while that is unanswered.
const edit = workflow.step({ provider: editor.address, price: "0.02", input: "Edit it", deadlineSeconds: 60, dependsOn: draft });
await edit.durable;
await editor.respond(edit, "A better paragraph.").durable;

await workflow.compose().durable;
await Promise.all(workflow.claimAll().map((claim) => claim.durable));
for (const agent of [owner, writer, editor]) console.log(`${agent.address} has ${describeUnits((await agent.account()).balance, asset)}.`);
for (const { client: each } of [owner, writer, editor]) await each.close();
