import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { TaskState } from "@a2a-js/sdk";
import type { Task } from "@a2a-js/sdk";
import { ServerCallContext } from "@a2a-js/sdk/server";
import { expect } from "chai";

import { BoundedTaskStore } from "../../../sidecar/a2a/BoundedTaskStore.ts";
import { Caller } from "../../../sidecar/a2a/Caller.ts";
import { readPaidExchange } from "../../../sidecar/a2a/PaidExchange.ts";
import { EventPieces } from "../../../sidecar/a2a/readPieces.ts";
import { TaskFile } from "../../../sidecar/a2a/TaskFile.ts";
import { TaskTokens } from "../../../sidecar/a2a/taskToken.ts";

function by(payer: string): ServerCallContext {
  const paid = { payer, way: "exact" as const, payment: "p", requestHash: undefined, invocation: undefined };
  return new ServerCallContext({ user: new Caller({ paid, endpointSkill: undefined, grant: undefined }) });
}

function task(id: string, state: TaskState, text = ""): Task {
  return { id, contextId: "c", status: { state, message: undefined, timestamp: new Date(0).toISOString() }, artifacts: [], history: [], metadata: { text } };
}

const DONE = TaskState.TASK_STATE_COMPLETED;
const WORKING = TaskState.TASK_STATE_WORKING;

async function refused(work: Promise<unknown>): Promise<boolean> {
  return work.then(() => false, () => true);
}

describe("A2A task store", () => {
  it("number: what ended first goes, what runs stays, and more than that is refused", async () => {
    const store = new BoundedTaskStore({ maxTasks: 3, maxTasksPerOwner: 2 });
    await store.save(task("a1", WORKING), by("a"));
    await store.save(task("a2", DONE), by("a"));
    await store.save(task("a3", WORKING), by("a"));
    expect([await store.load("a2", by("a")), (await store.load("a1", by("a")))?.id]).to.deep.equal([undefined, "a1"]);
    expect(await refused(store.save(task("a4", WORKING), by("a")))).to.equal(true);
    await store.save(task("b1", DONE), by("b"));
    await store.save(task("c1", WORKING), by("c"));
    expect(await refused(store.save(task("d1", WORKING), by("d")))).to.equal(true);
    expect(store.size).to.equal(3);
  });

  it("bytes and age: ended tasks leave when all are too large, and every one when it is old", async () => {
    let nowMs = 0;
    const store = new BoundedTaskStore({ maxBytes: 3_000, maxAgeMs: 1_000 }, () => nowMs);
    for (const id of ["1", "2", "3", "4"]) await store.save(task(id, DONE, "x".repeat(1_000)), by("a"));
    expect([store.size, store.bytes <= 3_000, (await store.load("4", by("a")))?.id]).to.deep.equal([2, true, "4"]);
    nowMs = 1_001;
    expect([await store.load("4", by("a")), store.size, store.bytes]).to.deep.equal([undefined, 0, 0]);
  });

  it("owner: another's task is not read, written over or listed", async () => {
    const store = new BoundedTaskStore();
    await store.save(task("1", DONE), by("a"));
    expect(await store.load("1", by("b"))).to.equal(undefined);
    expect(await refused(store.save(task("1", DONE), by("b")))).to.equal(true);
    const list = { tenant: "", contextId: "", status: TaskState.TASK_STATE_UNSPECIFIED, pageToken: "", statusTimestampAfter: undefined };
    expect([(await store.list(list, by("b"))).totalSize, (await store.list(list, by("a"))).totalSize]).to.deep.equal([0, 1]);
  });

  it("list: comes in pages, filtered, the latest first", async () => {
    const store = new BoundedTaskStore();
    for (const id of ["1", "2", "3"]) await store.save(task(id, id === "2" ? WORKING : DONE), by("a"));
    const list = { tenant: "", contextId: "c", status: DONE, pageSize: 1, pageToken: "", statusTimestampAfter: undefined };
    const first = await store.list(list, by("a"));
    const second = await store.list({ ...list, pageToken: first.nextPageToken }, by("a"));
    expect([first.tasks[0]?.id, second.tasks[0]?.id, second.nextPageToken]).to.deep.equal(["3", "1", ""]);
  });

  it("file: the next start finds tasks, owners, order and tokens again, and what ran as failed", async () => {
    const path = join(mkdtempSync(join(tmpdir(), "agnt2-tasks-")), "tasks.sqlite");
    const errors: unknown[] = [];
    const open = (): TaskFile => TaskFile.open({ path, onError: (error) => errors.push(error) });
    const list = { tenant: "", contextId: "", status: TaskState.TASK_STATE_UNSPECIFIED, pageToken: "", statusTimestampAfter: undefined, includeArtifacts: true };
    try {
      let file = open();
      let store = new BoundedTaskStore({ maxTasks: 3 }, undefined, file);
      const token = new TaskTokens(file.secret()).issue("a", "2");
      const artifact = { artifactId: "x", name: "", description: "", parts: [{ content: { $case: "raw" as const, value: Buffer.from([0, 255]) }, metadata: undefined, filename: "", mediaType: "image/png" }], metadata: undefined, extensions: [] };
      await store.save(task("1", DONE), by("a"));
      await store.save(task("2", WORKING), by("a"));
      await store.save({ ...task("2", DONE), artifacts: [artifact] }, by("a"));
      store.setAnswerHash("2", "0xab");
      await store.save(task("3", WORKING), by("b"));
      // Makes room by the one that ended first.
      await store.save(task("4", WORKING), by("a"));
      file.close();
      file = open();
      store = new BoundedTaskStore({ maxTasks: 3 }, undefined, file);
      expect([store.size, new TaskTokens(file.secret()).read(token)]).to.deep.equal([3, { owner: "a", taskId: "2" }]);
      const found = await store.list(list, by("a"));
      expect(found.tasks.map(({ id, status }) => [id, status?.state])).to.deep.equal([["4", TaskState.TASK_STATE_FAILED], ["2", DONE]]);
      expect([found.tasks[1]!.metadata, Buffer.from((found.tasks[1]!.artifacts[0]!.parts[0]!.content as { value: Buffer }).value).toString("hex")]).to.deep.equal([{ text: "", agnt2: { answerHash: "0xab" } }, "00ff"]);
      expect([await store.load("3", by("a")), (await store.load("3", by("b")))?.status?.state]).to.deep.equal([undefined, TaskState.TASK_STATE_FAILED]);
      expect((await store.load("1", by("a")))?.id).to.equal(undefined);
      // They count as tasks that ended: there is room for others.
      for (const id of ["5", "6", "7"]) await store.save(task(id, WORKING), by("c"));
      expect(await refused(store.save(task("8", WORKING), by("c")))).to.equal(true);
      file.close();
      expect(statSync(path).mode & 0o077).to.equal(0);
      writeFileSync(path, "no database at all, though it has the name of one");
      for (const end of ["-wal", "-shm"]) rmSync(`${path}${end}`, { force: true });
      file = open();
      expect([new BoundedTaskStore({}, undefined, file).size, errors.length]).to.deep.equal([0, 1]);
      file.close();
    } finally {
      rmSync(dirname(path), { recursive: true, force: true });
    }
  });

  it("token: is good for its task and its owner, under its own secret only", () => {
    const [tokens, others] = [new TaskTokens(), new TaskTokens()];
    const token = tokens.issue("a", "1");
    expect([tokens.read(token), others.read(token)]).to.deep.equal([{ owner: "a", taskId: "1" }, undefined]);
    expect([undefined, "", ".", "x.y", "a".repeat(600), `${token}.x`.replace(/^./, "_"), ["a"]].map((bad) => tokens.read(bad))).to.deep.equal(Array(7).fill(undefined));
  });

  it("headers: say who paid, and nothing when they do not fit", () => {
    const headers = { "agnt2-payer": "0xAB", "agnt2-way": "call", "agnt2-payment": "call:9", "agnt2-invocation": "3:9", "agnt2-request": `0x${"0a".repeat(32)}` };
    expect(readPaidExchange(headers)).to.deep.equal({ payer: "0xab", way: "call", payment: "call:9", invocation: { slot: 3, id: 9 }, requestHash: `0x${"0a".repeat(32)}` });
    expect(readPaidExchange({ ...headers, "agnt2-way": "exact" })?.invocation).to.equal(undefined);
    expect([readPaidExchange({}), readPaidExchange({ "agnt2-payer": "0xab" }), readPaidExchange({ ...headers, "agnt2-way": "constructor" })]).to.deep.equal([undefined, undefined, undefined]);
  });

  it("events: are cut where they end, wherever the pieces are", () => {
    const text = ": note\r\n\r\ndata: a\ndata:b\n\nevent: x\ndata: ü\n\ndata: last";
    const whole = new EventPieces();
    expect([...whole.push(text), ...whole.end()]).to.deep.equal(["a\nb", "ü", "last"]);
    const single = new EventPieces();
    expect([...Array.from(text).flatMap((letter) => single.push(letter)), ...single.end()]).to.deep.equal(["a\nb", "ü", "last"]);
  });
});
