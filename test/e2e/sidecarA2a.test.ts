import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Role, TaskState } from "@a2a-js/sdk";
import type { SendMessageRequest, StreamResponse } from "@a2a-js/sdk";
import { ClientFactory, ClientFactoryOptions, DefaultAgentCardResolver, JsonRpcTransportFactory, RestTransportFactory } from "@a2a-js/sdk/client";
import type { Client } from "@a2a-js/sdk/client";
import { expect } from "chai";
import { VoidSigner, ZeroAddress } from "ethers";

import { LOCAL_POLICY } from "../../runtime/fetch/FetchPolicy.ts";
import { createLogger } from "../../runtime/logger/createLogger.ts";
import { AgentDesk } from "../../sdk/index.ts";
import type { FetchLike } from "../../sdk/index.ts";
import { callAgent, directoryOf, discoverAgent, registryOf } from "../../sdk/node/index.ts";
import type { DiscoveryOptions } from "../../sdk/node/index.ts";
import { readSidecarConfig } from "../../sidecar/config.ts";
import { createSidecar } from "../../sidecar/createSidecar.ts";
import type { Sidecar } from "../../sidecar/createSidecar.ts";
import { until } from "../builders/until.ts";
import { startLocalNetwork } from "../builders/localNetwork.ts";
import type { LocalNetworkForTests } from "../builders/localNetwork.ts";

function say(value: string, skill: string): SendMessageRequest {
  const parts = [{ content: { $case: "text" as const, value }, metadata: undefined, filename: "", mediaType: "text/plain" }];
  return {
    tenant: "", configuration: undefined, metadata: undefined,
    message: { messageId: randomUUID(), contextId: "", taskId: "", role: Role.ROLE_USER, parts, metadata: { skill }, extensions: [], referenceTaskIds: [] },
  };
}

describe("sidecar: agents that find, ask and pay each other", function () {
  this.timeout(60_000);
  let network: LocalNetworkForTests;
  let service: Server;
  let seller: Sidecar;
  let buyer: Sidecar;
  let discovery: DiscoveryOptions;
  let log = "";
  const dirs: string[] = [];
  const heard: { url: string | undefined; type: string | undefined; payer: unknown; body: string }[] = [];

  function sidecarOf(name: string, ...flags: string[]): Sidecar {
    const dir = mkdtempSync(join(tmpdir(), "agnt2-sidecar-"));
    dirs.push(dir);
    const { sequencerUrl, apiUrl, l1Url, faucetUrl, deploymentFile } = network;
    const common = ["--data-dir", dir, "--sequencer", sequencerUrl, "--api", apiUrl, "--l1", l1Url, "--deployment", deploymentFile, "--faucet", faucetUrl, "--port", "0", "--admin-port", "0", "--channel-listen", "tls://127.0.0.1:0"];
    return createSidecar({ config: readSidecarConfig({ env: {}, flags: [...common, ...flags] }), logger: createLogger({ service: name, level: "info", output: { write: (text) => (log += text) } }) });
  }

  const pay: FetchLike = (url, init) => buyer.buyer.fetch(url, init);

  before(async () => {
    network = await startLocalNetwork("ETH", true);
    service = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.once("end", () => {
        const body = Buffer.concat(chunks).toString();
        heard.push({ url: request.url, type: request.headers["content-type"], payer: request.headers["agnt2-payer"], body });
        if (body === "fail") return void response.writeHead(500).end("secret trouble");
        if (body !== "count") return void response.setHeader("content-type", "text/plain").end(`heard: ${body}`);
        response.writeHead(200, { "content-type": "text/event-stream" });
        for (const number of [1, 2, 3]) response.write(`data: ${number}\n\n`);
        response.end();
      });
    }).listen(0, "127.0.0.1");
    await once(service, "listening");
    seller = sidecarOf("seller", "--upstream", `http://127.0.0.1:${(service.address() as AddressInfo).port}`, "--price", "0.0001", "--name", "Echo", "--ways", "call");
    buyer = sidecarOf("buyer", "--local-targets", "--buy-allow", "127.0.0.1", "--buy-per-day", "0.1");
    await Promise.all([seller.start(), buyer.start()]);
    await Promise.all([seller.whenReady(), buyer.whenReady()]);
    const desk = new AgentDesk(buyer.chain.economy, new VoidSigner(ZeroAddress, buyer.chain.provider));
    discovery = { registry: registryOf(desk), directory: await directoryOf(buyer.chain.client), policy: LOCAL_POLICY };
  });
  after(async () => {
    for (const sidecar of [buyer, seller]) await sidecar?.stop({ kind: "requested", by: "the test" });
    service?.close();
    await network?.stop();
    for (const dir of dirs) rmSync(dir, { recursive: true, force: true });
  });
  afterEach(function () {
    if (this.currentTest?.state === "failed") process.stderr.write(log.slice(-6_000));
  });

  it("one call: from the agent's id over registry, card and directory to a sealed answer that is paid", async () => {
    const { response, agent, isSealed } = await callAgent(seller.facts.agentId!, { body: "a secret" }, { ...discovery, buyer: buyer.buyer });
    expect(buyer.buyer.payer).to.equal(buyer.facts.address);
    expect([response.status, await response.text(), isSealed]).to.deep.equal([200, "heard: a secret", true]);
    expect([agent.address, agent.agentId, agent.proven, agent.isSigned]).to.deep.equal([seller.facts.address, seller.facts.agentId, { registry: true, directory: true }, true]);
    expect(heard.at(-1)).to.deep.equal({ url: "/", type: "text/plain; charset=utf-8", payer: buyer.facts.address, body: "a secret" });
    expect(buyer.buyer.receipts.list()[0]).to.deep.include({ way: "call", state: "paid", amount: 10n ** 14n, payee: seller.facts.address });
  });

  it("one call: a body that was sealed for another payer is not worked on, and costs nothing", async () => {
    const before = heard.length;
    const { response } = await callAgent(seller.facts.agentId!, { body: "a secret" }, { ...discovery, buyer: { fetch: pay, payer: seller.facts.address } });
    expect([response.status, ((await response.json()) as { error: { code: string } }).error.code, heard.length]).to.deep.equal([400, "sealed/closed", before]);
    await until("its money is back", async () => {
      await buyer.buyer.settle();
      return buyer.buyer.receipts.list()[0]!.state === "dead";
    });
  });

  for (const binding of ["JSONRPC", "HTTP+JSON"]) {
    it(`A2A: the protocol's own client finds the agent, streams a paid task and reads it again (${binding})`, async () => {
      const { baseUrl, skills } = await discoverAgent(seller.facts.agentId!, discovery);
      const fetchImpl = pay as unknown as typeof fetch;
      const factory = new ClientFactory(ClientFactoryOptions.createFrom(ClientFactoryOptions.default, {
        transports: [new JsonRpcTransportFactory({ fetchImpl }), new RestTransportFactory({ fetchImpl })], preferredTransports: [binding], cardResolver: new DefaultAgentCardResolver({ fetchImpl }),
      }));
      const client: Client = await factory.createFromUrl(baseUrl);
      const events: StreamResponse[] = [];
      for await (const event of client.sendMessageStream(say("count", skills[0]!.id))) events.push(event);
      const texts = events.flatMap(({ payload }) => (payload?.$case === "artifactUpdate" ? (payload.value.artifact?.parts ?? []).map(({ content }) => content?.value) : []));
      expect(texts.join("")).to.equal("123");
      const first = events[0]?.payload;
      const task = first?.$case === "task" ? first.value : undefined;
      expect(task?.id).to.match(/^agnt2:31337:\d+:\d+$/);
      const { invocation, taskToken } = task!.metadata!["agnt2"] as { invocation: { slot: number; id: number }; taskToken: string };
      expect(task!.id).to.equal(`agnt2:31337:${invocation.slot}:${invocation.id}`);
      const receipt = buyer.buyer.receipts.list()[0]!;
      expect(receipt).to.deep.include({ way: "call", state: "paid", payee: seller.facts.address });
      // Free by REST with the token; nobody else sees it.
      const read = (headers: Record<string, string>): Promise<Response> => fetch(`${baseUrl}/a2a/v1/tasks/${encodeURIComponent(task!.id)}`, { headers: { "a2a-version": "1.0", ...headers } });
      const again = (await (await read({ "a2a-task-token": taskToken })).json()) as { status: { state: string }; metadata: { agnt2: Record<string, string> } };
      expect(again.status.state).to.equal("TASK_STATE_COMPLETED");
      expect(again.metadata["agnt2"]).to.include({ payer: buyer.facts.address, way: "call" });
      // The same two hashes as the RESPOND, which the buyer has checked.
      const attested = JSON.parse(Buffer.from(receipt.attestation, "base64url").toString()) as Record<string, unknown>;
      const { requestHash, answerHash } = again.metadata["agnt2"];
      expect({ requestHash, answerHash }).to.deep.equal({ requestHash: attested["requestHash"], answerHash: attested["answerHash"] });
      expect([(await read({})).status, (await read({ "agnt2-payer": buyer.facts.address, "agnt2-way": "call" })).status]).to.deep.equal([404, 404]);
    });
  }

  it("A2A: a task that fails is not paid for", async () => {
    const { baseUrl, skills } = await discoverAgent(seller.facts.agentId!, discovery);
    const spent = (): bigint => buyer.buyer.receipts.list({ limit: 100 }).filter(({ state }) => state === "paid").reduce((sum, { amount }) => sum + amount, 0n);
    const before = spent();
    const { message } = say("fail", skills[0]!.id);
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "SendMessage", params: { message: { messageId: message!.messageId, role: "ROLE_USER", parts: [{ text: "fail", mediaType: "text/plain" }] } } });
    const answer = await pay(`${baseUrl}/a2a`, { method: "POST", headers: { "content-type": "application/json", "a2a-version": "1.0" }, body });
    const text = await answer.text();
    expect([answer.status, text.includes("secret"), text.includes(TaskState[TaskState.TASK_STATE_FAILED])]).to.deep.equal([502, false, true]);
    expect(spent()).to.equal(before);
  });
});
