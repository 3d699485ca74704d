import { request } from "node:http";

import { expect } from "chai";

import { buildAgentCard } from "../../../sdk/index.ts";
import { describedAgent } from "../../builders/describedAgent.ts";
import { startA2aStage } from "./a2aStage.ts";
import type { A2aStage } from "./a2aStage.ts";

const PAYER = `0x${"3a".repeat(20)}`;
const JSON_TYPE = "application/json";

interface Said {
  readonly status: number;
  readonly text: string;
}

const rpc = (method: string, params: unknown): string => JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
const message = (skill: string, text = "hello") => ({ message: { messageId: "m", role: "ROLE_USER", parts: [{ text }], metadata: { skill } } });

describe("A2A endpoints under bad input", () => {
  let stage: A2aStage;
  before(async () => {
    stage = await startA2aStage({}, { maxMessageBytes: 4_096, maxRunning: 2 });
  });
  after(() => stage.stop());

  /** Not by fetch: the path goes out as it is written here. */
  function ask(method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Said> {
    return new Promise((resolve, reject) => {
      const { port } = new URL(stage.url);
      const sent = request({ host: "127.0.0.1", port, method, path, headers: { "a2a-version": "1.0", "content-type": JSON_TYPE, ...headers } }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (text += chunk));
        response.once("end", () => resolve({ status: response.statusCode ?? 0, text }));
      });
      sent.once("error", reject);
      sent.end(body);
    });
  }

  it("documents: are served with a short life, and nothing else under .well-known", async () => {
    const proof = await ask("GET", "/.well-known/agent-registration.json");
    expect([proof.status, JSON.parse(proof.text)]).to.deep.equal([200, { registrations: [{ agentId: 7, agentRegistry: `eip155:31337:0x${"00".repeat(19)}aa` }] }]);
    const file = JSON.parse((await ask("GET", "/.well-known/agnt2.json")).text) as { services: { name: string }[] };
    expect(file.services.map(({ name }) => name)).to.deep.equal(["A2A", "web", "agnt2"]);
    expect((await ask("GET", "/.well-known/other")).status).to.equal(418);
    expect((await ask("GET", "/a2ax")).status).to.equal(418);
  });

  it("body: that is too large, too deep, no JSON or packed is refused", async () => {
    expect((await ask("POST", "/a2a", rpc("SendMessage", message("echo", "x".repeat(5_000))))).status).to.equal(413);
    expect((await ask("POST", "/a2a", `{"a":${"[".repeat(40)}${"]".repeat(40)}}`)).status).to.equal(400);
    expect((await ask("POST", "/a2a", "{")).status).to.equal(400);
    expect((await ask("POST", "/a2a/v1/message:send", Buffer.from([0xff, 0xfe]).toString("latin1"))).status).to.equal(400);
    expect((await ask("POST", "/a2a", "{}", { "content-encoding": "gzip" })).status).to.equal(415);
    const prototype = await ask("POST", "/a2a", `{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":{"__proto__":{"message":{}},"message":null}}`);
    expect(JSON.parse(prototype.text)).to.have.property("error");
  });

  it("paths: no tenant, no escape and no other method leads to a skill past its price", async () => {
    const body = JSON.stringify(message("echo"));
    for (const path of ["/a2a/v1/tasks/message:send", "/a2a/v1/other/message:send", "/a2a/v1/tasks/message%3Asend", "/a2a/v1/tasks/..%2fmessage:send", "/a2a/v1/tasks/x/message:send", "/a2a/v1/%zz", "/a2a/skills/none", "/a2a/skills/none/v1/message:send", "/a2a/V1/message:send", "/A2A", "/a2a/", "/a2a/v1/extendedAgentCard"]) {
      expect((await ask("POST", path, body)).status, path).to.be.oneOf([404, 418]);
    }
    expect((await ask("GET", "/a2a")).status).to.equal(404);
    expect(stage.seen).to.deep.equal([]);
  });

  it("endpoint of a skill: runs that one, and no other", async () => {
    expect((await ask("POST", "/a2a/skills/echo", rpc("SendMessage", message("echo")))).status).to.equal(200);
    const { text } = await ask("POST", "/a2a/skills/echo", rpc("SendMessage", message("count")));
    expect(text).to.match(/another skill/);
    expect((await ask("POST", "/a2a/skills/echo/v1/message:send", JSON.stringify(message("count")))).text).to.match(/another skill/);
    expect(stage.seen.map(({ url }) => url)).to.deep.equal(["/echo"]);
  });

  it("payment: what fails has a status that is not charged, in both bindings", async () => {
    const paid = { "test-payer": PAYER };
    const status = async (path: string, body: string): Promise<number> => (await ask("POST", path, body, paid)).status;
    expect(await status("/a2a", rpc("SendMessage", message("echo")))).to.equal(200);
    expect(await status("/a2a", rpc("SendMessage", message("fail")))).to.equal(502);
    expect(await status("/a2a", rpc("SendStreamingMessage", message("fail")))).to.equal(502);
    expect(await status("/a2a", rpc("SendStreamingMessage", message("refuse")))).to.equal(422);
    expect(await status("/a2a", rpc("SendMessage", message("none")))).to.equal(400);
    expect(await status("/a2a", rpc("GetTask", { id: "none" }))).to.equal(400);
    expect(await status("/a2a/v1/message:send", JSON.stringify(message("fail")))).to.equal(502);
    expect(await status("/a2a/v1/message:stream", JSON.stringify(message("fail")))).to.equal(502);
    expect(await status("/a2a/v1/message:send", JSON.stringify({ ...message("fail"), configuration: { returnImmediately: true } }))).to.equal(502);
    expect(await status("/a2a/v1/message:send", JSON.stringify(message("echo")))).to.equal(200);
  });

  it("payment: a priced skill is not run for nothing, even where the price table lets it", async () => {
    const priced = await startA2aStage({ skills: [{ id: "echo", capability: 1, name: "Echo", description: "Says it again", path: "/echo", prices: [{ scheme: "exact", asset: "0x5FbDB2315678afecb367f032d93F642f64180aa3", amount: "1" }] }] });
    try {
      const answer = await fetch(`${priced.url}/a2a`, { method: "POST", headers: { "content-type": JSON_TYPE, "a2a-version": "1.0" }, body: rpc("SendMessage", message("echo")) });
      expect(JSON.parse(await answer.text())).to.have.nested.property("error.message").that.matches(/paid/);
      expect(priced.seen).to.deep.equal([]);
    } finally {
      await priced.stop();
    }
  });

  it("room: more tasks than may run at once are refused, and not charged", async () => {
    const begin = (): Promise<Said> => ask("POST", "/a2a/v1/message:send", JSON.stringify({ ...message("hang"), configuration: { returnImmediately: true } }), { "test-payer": PAYER });
    expect([(await begin()).status, (await begin()).status, (await begin()).status]).to.deep.equal([200, 200, 503]);
    for (const res of stage.hanging) res.end();
  });

  it("description: is replaced while tasks stay", async () => {
    const token = (text: string): string => (JSON.parse(text) as { task: { id: string; metadata: { agnt2: { taskToken: string } } } }).task.metadata.agnt2.taskToken;
    const { text } = await ask("POST", "/a2a/v1/message:send", JSON.stringify(message("echo")), { "test-payer": PAYER });
    const { id } = (JSON.parse(text) as { task: { id: string } }).task;
    const next = describedAgent({ baseUrl: stage.url, name: "Eve" });
    stage.handlers.replace(next, buildAgentCard(next));
    expect((JSON.parse((await ask("GET", "/.well-known/agent-card.json")).text) as { name: string }).name).to.equal("Eve");
    expect((JSON.parse((await ask("GET", "/.well-known/agnt2.json")).text) as { name: string }).name).to.equal("Eve");
    expect((await ask("GET", `/a2a/v1/tasks/${id}`, undefined, { "a2a-task-token": token(text) })).status).to.equal(200);
    expect((await ask("POST", "/a2a/skills/echo/v1/message:send", JSON.stringify(message("echo")))).status).to.equal(404);
  });

  it("service: words of its errors reach the operator, and nobody else", () => {
    expect(stage.errors.every((error) => error instanceof Error)).to.equal(true);
  });
});
