import { randomUUID } from "node:crypto";

import { Role, TaskState } from "@a2a-js/sdk";
import type { Message, Part, SendMessageRequest, StreamResponse, Task } from "@a2a-js/sdk";
import { ClientFactory, ClientFactoryOptions } from "@a2a-js/sdk/client";
import type { Client, RequestOptions } from "@a2a-js/sdk/client";
import { expect } from "chai";

import { answerHash, fromHex, toHex } from "../../../sdk/index.ts";
import { until } from "../../builders/until.ts";
import { startA2aStage } from "./a2aStage.ts";
import type { A2aStage } from "./a2aStage.ts";

const BINDINGS = ["JSONRPC", "HTTP+JSON"] as const;

function message(content: Part["content"], skill: string, change: Partial<Message> = {}): SendMessageRequest {
  const parts: Part[] = [{ content, metadata: undefined, filename: "", mediaType: "" }];
  return {
    tenant: "", configuration: undefined, metadata: undefined,
    message: { messageId: randomUUID(), contextId: "", taskId: "", role: Role.ROLE_USER, parts, metadata: { skill }, extensions: [], referenceTaskIds: [], ...change },
  };
}

const say = (value: string, skill: string, change?: Partial<Message>): SendMessageRequest => message({ $case: "text", value }, skill, change);

function headers(given: Record<string, string>): RequestOptions {
  return { serviceParameters: given };
}

async function taskOf(answer: Promise<Message | Task>): Promise<Task> {
  const result = await answer;
  if (!("artifacts" in result)) throw new Error("the answer is no task");
  return result;
}

async function read(stream: AsyncIterable<StreamResponse>): Promise<StreamResponse[]> {
  const events: StreamResponse[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

const textsOf = (events: readonly StreamResponse[]): string[] =>
  events.flatMap(({ payload }) => (payload?.$case === "artifactUpdate" ? (payload.value.artifact?.parts ?? []).map(({ content }) => String(content?.value)) : []));

async function failure(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return "it went through";
}

describe("A2A endpoints, with the protocol's own client", () => {
  let stage: A2aStage;
  const clients = new Map<string, Client>();
  const clientOf = (binding: string): Client => clients.get(binding)!;

  before(async () => {
    stage = await startA2aStage({}, { maxAnswerBytes: 50_000 });
    for (const binding of BINDINGS) {
      const factory = new ClientFactory(ClientFactoryOptions.createFrom(ClientFactoryOptions.default, { preferredTransports: [binding] }));
      clients.set(binding, await factory.createFromUrl(stage.url));
    }
  });
  after(() => stage.stop());

  for (const binding of BINDINGS) {
    describe(binding, () => {
      it("card: is found where the protocol says", async () => {
        const card = await clientOf(binding).getAgentCard();
        expect([card.name, card.skills.length, card.capabilities?.streaming, clientOf(binding).protocolVersion]).to.deep.equal(["Ada", 8, true, "1.0"]);
      });

      it("message: goes to the service, and its answer is the task's artifact", async () => {
        const task = await taskOf(clientOf(binding).sendMessage(message({ $case: "data", value: { a: [1, "ä"] } }, "echo")));
        expect(task.status?.state).to.equal(TaskState.TASK_STATE_COMPLETED);
        expect(task.artifacts.map(({ parts }) => parts.map(({ content }) => content))).to.deep.equal([[{ $case: "data", value: { a: [1, "ä"] } }]]);
        expect(stage.seen.at(-1)).to.include({ method: "POST", url: "/echo", type: "application/json", body: '{"a":[1,"ä"]}', payer: undefined });
        const again = await clientOf(binding).getTask({ tenant: "", id: task.id });
        expect(again.artifacts).to.deep.equal(task.artifacts);
      });

      it("skill without a body: takes its fields from the message's data", async () => {
        const task = await taskOf(clientOf(binding).sendMessage(message({ $case: "data", value: { q: "a&b", n: 3 } }, "look")));
        expect(task.artifacts[0]?.parts[0]?.content?.value).to.deep.equal({ asked: "/look?q=a%26b&n=3" });
      });

      it("stream: each event of the service is told as it comes", async () => {
        const events = await read(clientOf(binding).sendMessageStream(say("3", "count")));
        expect(textsOf(events)).to.deep.equal(["1", "2", "3", ""]);
        expect(events.map(({ payload }) => payload?.$case)).to.deep.equal(["task", ...Array<string>(4).fill("artifactUpdate"), "statusUpdate"]);
        const last = events.at(-1)?.payload;
        expect(last?.$case === "statusUpdate" && last.value.status?.state).to.equal(TaskState.TASK_STATE_COMPLETED);
      });

      it("cancel: lets the service go, and the stream ends with it", async () => {
        const events: StreamResponse[] = [];
        let canceled: Promise<Task> | undefined;
        for await (const event of clientOf(binding).sendMessageStream(say("", "hang"))) {
          events.push(event);
          const { payload } = event;
          if (payload?.$case === "artifactUpdate" && canceled === undefined) canceled = clientOf(binding).cancelTask({ tenant: "", id: payload.value.taskId, metadata: undefined });
        }
        expect((await canceled)?.status?.state).to.equal(TaskState.TASK_STATE_CANCELED);
        const last = events.at(-1)?.payload;
        expect(last?.$case === "statusUpdate" && last.value.status?.state).to.equal(TaskState.TASK_STATE_CANCELED);
        await until("the service is let go", () => stage.hanging.size === 0);
        expect(stage.handlers.running).to.equal(0);
      });

      it("subscription: a second listener hears the rest", async () => {
        const first = clientOf(binding).sendMessageStream(say("", "hang"));
        const begun = (await first.next()).value as StreamResponse;
        const id = begun.payload?.$case === "task" ? begun.payload.value.id : "";
        await until("the service is asked", () => stage.hanging.size === 1);
        const second = clientOf(binding).resubscribeTask({ tenant: "", id });
        await second.next();
        const rest = Promise.all([read(first), read(second)]);
        stage.say("more");
        for (const res of stage.hanging) res.end();
        const [one, two] = await rest;
        expect([textsOf(one).join(""), textsOf(two).join("").endsWith("more")]).to.deep.equal(["firstmore", true]);
      });

      it("service: that fails or refuses makes a failed task, without its words", async () => {
        for (const skill of ["fail", "refuse", "big"]) {
          const task = await taskOf(clientOf(binding).sendMessage(say("", skill)));
          expect(task.status?.state).to.equal(TaskState.TASK_STATE_FAILED);
          expect(JSON.stringify(task)).to.not.match(/secret|index\.js|127\.0\.0\.1/);
        }
      });

      it("message: is refused when it names no skill, a task, too many parts or what the skill does not take", async () => {
        const send = (request: SendMessageRequest): Promise<string> => failure(clientOf(binding).sendMessage(request));
        expect(await send(say("x", "nothing"))).to.match(/no such skill/);
        expect(await send(say("x", "echo", { metadata: undefined }))).to.match(/name one/);
        expect(await send(say("x", "echo", { taskId: randomUUID() }))).to.match(/one message/);
        expect(await send(message({ $case: "data", value: 1 }, "raw"))).to.match(/the skill takes/);
        expect(await send(message({ $case: "url", value: "http://169.254.169.254/" }, "echo"))).to.match(/not fetched/);
        expect(await send(message(undefined, "echo"))).to.match(/text, data or raw/);
      });

      it("payer: what it paid for nobody else sees, cancels or lists", async () => {
        const payer = `0x${binding === "JSONRPC" ? "1a" : "1b"}${"0".repeat(38)}`;
        const client = clientOf(binding);
        const own = headers({ "test-payer": payer });
        const { id, metadata } = await taskOf(client.sendMessage(say("mine", "echo"), own));
        expect(stage.seen.at(-1)?.payer).to.equal(payer);
        expect((await client.getTask({ tenant: "", id }, own)).id).to.equal(id);
        const list = { tenant: "", contextId: "", status: TaskState.TASK_STATE_UNSPECIFIED, pageToken: "", statusTimestampAfter: undefined };
        expect((await client.listTasks(list, own)).tasks.map((task) => task.id)).to.deep.equal([id]);
        for (const other of [headers({ "test-payer": `0x${"99".repeat(20)}` }), headers({})]) {
          expect(await failure(client.getTask({ tenant: "", id }, other))).to.match(/not found/i);
          expect(await failure(client.cancelTask({ tenant: "", id, metadata: undefined }, other))).to.match(/not found/i);
          expect((await client.listTasks(list, other)).tasks).to.deep.equal([]);
        }
        const { taskToken } = (metadata as { agnt2: { taskToken: string } }).agnt2;
        expect((await client.getTask({ tenant: "", id }, headers({ "a2a-task-token": taskToken }))).id).to.equal(id);
        expect(await failure(client.getTask({ tenant: "", id }, headers({ "a2a-task-token": `${taskToken.slice(0, -2)}AA` })))).to.match(/not found/i);
      });

      it("invocation: a task that was paid by one has its id", async () => {
        const slot = binding === "JSONRPC" ? 4 : 5;
        const own = headers({ "test-payer": `0x${"2a".repeat(20)}`, "test-invocation": `${slot}:77` });
        const task = await taskOf(clientOf(binding).sendMessage(say("paid", "echo"), own));
        expect(task.id).to.equal(`agnt2:31337:${slot}:77`);
        expect(task.metadata?.["agnt2"]).to.deep.include({ way: "call", payment: "call:77", invocation: { slot, id: 77 }, requestHash: `0x${"11".repeat(32)}` });
        const later = await clientOf(binding).getTask({ tenant: "", id: task.id }, headers({ "test-payer": `0x${"2a".repeat(20)}` }));
        const contentType = binding === "JSONRPC" ? "application/json; charset=utf-8" : "application/a2a+json; charset=utf-8";
        const expected = toHex(answerHash({ requestHash: fromHex(`0x${"11".repeat(32)}`, 32), status: 200, contentType }));
        expect([later.status?.state, (later.metadata?.["agnt2"] as { answerHash: string }).answerHash]).to.deep.equal([TaskState.TASK_STATE_COMPLETED, expected]);
      });
    });
  }
});
