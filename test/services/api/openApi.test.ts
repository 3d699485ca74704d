import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Ajv2020 } from "ajv/dist/2020.js";
import type { ValidateFunction } from "ajv/dist/2020.js";
import { expect } from "chai";
import { Wallet } from "ethers";

import { fromHex } from "../../../core/codec/index.ts";
import { silentLogger } from "../../../runtime/logger/createLogger.ts";
import { loadConfig } from "../../../runtime/config/loadConfig.ts";
import { listApiErrors } from "../../../services/api/ApiError.ts";
import { apiSettings } from "../../../services/api/config.ts";
import { createApiService } from "../../../services/api/service.ts";
import type { ApiService } from "../../../services/api/service.ts";
import { DEVELOPMENT_KEYS, startLocalChain } from "../../builders/localChain.ts";
import type { LocalChain } from "../../builders/localChain.ts";
import { deployRollupOn } from "../../builders/rollupOnChain.ts";
import { sealedSchema } from "../../builders/sealedSchema.ts";
import { scriptFor } from "../../builders/rollupScript.ts";
import { concatBytes } from "../../builders/signedBundle.ts";

type Json = Record<string, unknown>;

interface Parameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly required: boolean;
  readonly schema: Json;
}
interface Operation {
  readonly operationId?: string;
  readonly parameters?: readonly Parameter[];
  readonly responses: Readonly<Record<string, { readonly description: string; readonly headers?: Json; readonly content?: Readonly<Record<string, { readonly schema?: Json }>> }>>;
}
interface Document {
  readonly openapi: string;
  readonly info: Json;
  readonly paths: Readonly<Record<string, { readonly get: Operation }>>;
  readonly components: { readonly schemas: Readonly<Record<string, Json>> };
}

const [, ALICE, BOB] = DEVELOPMENT_KEYS;
const FAR = 1_000;

/** Of the answer to a call: after two deposits and seven records. */
const ANSWER_RECEIPT = "9";

describe("OpenAPI document", function () {
  this.timeout(60_000);
  let chain: LocalChain;
  let service: ApiService;
  let dir: string;
  let document: Document;
  let claimId: string;
  const ajv = new Ajv2020({ strict: false, allErrors: true });

  const fetchJson = async (path: string): Promise<{ status: number; headers: Headers; body: unknown }> => {
    const response = await fetch(`${service.url}${path}`);
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  function validatorOf(path: string, status: number): ValidateFunction {
    const schema = document.paths[path]?.get.responses[String(status)]?.content?.["application/json"]?.schema;
    expect(schema, `${path} ${status} is not in the document`).to.be.an("object");
    const isReference = schema?.["$ref"] === "#/components/schemas/Error";
    return ajv.compile(sealedSchema(isReference ? document.components.schemas["Error"] : schema) as Json);
  }
  function expectValid(path: string, status: number, body: unknown): void {
    const validate = validatorOf(path, status);
    expect(validate(body), `${path}: ${ajv.errorsText(validate.errors)}\n${JSON.stringify(body).slice(0, 1_000)}`).to.equal(true);
  }
  const until = async (path: string, isThere: (body: Json) => boolean): Promise<Json> => {
    for (const end = Date.now() + 20_000; ; await new Promise((resolve) => setTimeout(resolve, 30))) {
      const body = (await fetchJson(path)).body as Json;
      if (isThere(body)) return body;
      if (Date.now() > end) throw new Error(`${path} never got there: ${JSON.stringify(body)}`);
    }
  };

  before(async () => {
    chain = await startLocalChain("anvil");
    const rollup = await deployRollupOn(chain);
    const script = scriptFor(chain, rollup);
    dir = mkdtempSync(join(tmpdir(), "agnt2-openapi-"));
    writeFileSync(join(dir, "deployment.json"), JSON.stringify(rollup.deployment, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value)));
    const flags = ["--port=0", `--l1-url=${chain.url}`, `--deployment=${join(dir, "deployment.json")}`, `--data-dir=${join(dir, "data")}`, "--poll-ms=30", "--log-level=silent"];
    service = createApiService(loadConfig(apiSettings, { env: {}, flags }), silentLogger);
    await service.start();
    const time = (await chain.provider.getBlock("latest"))?.timestamp ?? 0;
    for (const key of [ALICE, BOB]) await script.deposit(key, 5_000);
    await script.submit(
      concatBytes(script.bundle(
        ALICE, 1, 0,
        { op: "INVOKE", fields: { provider: 2, price: 100, deadline: time + FAR, flags: 4, inputHash: new Uint8Array(32).fill(7) } },
        { op: "WORKFLOW_OPEN", fields: { expected: 2, escrow: 50, deadline: time + FAR } },
        { op: "WITHDRAW", fields: { recipient: fromHex(new Wallet(BOB).address), amount: 300 } },
        { op: "SET_SESSION_KEY", fields: { key: fromHex(new Wallet(BOB).address), cap: 10, expiry: time + FAR } },
        { op: "TRANSFER", fields: { to: 1, amount: 1 } },
        { op: "CHANNEL_OPEN", fields: { partner: 2, amount: 70, window: 600 } },
        { op: "INVOKE", fields: { provider: 2, price: 30, deadline: time + FAR } },
      ), script.bundle(BOB, 2, 0, { op: "RESPOND", fields: { status: 0, slot: 1, id: 2, outputHash: new Uint8Array(32).fill(8) } })),
    );
    await until("/v1/status", ({ batchCount }) => Number(batchCount) === 1);
    claimId = await script.claim(String(((await fetchJson("/v1/batches/0")).body as Json)["stateRoot"]));
    await until("/v1/withdrawals/0", ({ status }) => status === "claimed");
    await script.confirm(claimId);
    await until("/v1/withdrawals/0/proof", ({ claimId: found }) => found === claimId);
    // Exits and proofs of service need the confirmed state, which is made when it is first asked for.
    await until("/v1/exits", ({ items }) => items !== undefined);
    document = (await fetchJson("/openapi.json")).body as Document;
  });
  after(async () => {
    await service.stop({ kind: "requested", by: "the test" });
    await chain.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const valueOf = (name: string): string => ({ agent: "1", slot: "0", index: "0", number: "0", object: "agents", claimId })[name] ?? "0";
  const filled = (path: string): string => path.replaceAll(/\{(\w+)\}/g, (_match, name: string) => (path.endsWith("/service") ? ANSWER_RECEIPT : valueOf(name)));

  it("document: is OpenAPI 3.1 whose every schema compiles and whose every parameter in a path is declared", () => {
    expect(document.openapi).to.equal("3.1.0");
    expect(document.info).to.include.all.keys("title", "version");
    const operationIds = Object.values(document.paths).flatMap(({ get }) => (get.operationId === undefined ? [] : [get.operationId]));
    expect(new Set(operationIds).size).to.equal(operationIds.length);
    for (const [path, { get }] of Object.entries(document.paths)) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = (get.parameters ?? []).filter((parameter) => parameter.in === "path");
      expect(declared.map(({ name }) => name), path).to.have.members(inPath);
      expect(declared.every(({ required }) => required), path).to.equal(true);
      for (const { schema } of get.parameters ?? []) ajv.compile(schema);
      for (const [status, response] of Object.entries(get.responses)) {
        expect(response.description, `${path} ${status}`).to.be.a("string");
        for (const { schema } of Object.values(response.content ?? {})) {
          const reference = schema?.["$ref"];
          if (typeof reference === "string") expect(document.components.schemas, reference).to.have.property(reference.replace("#/components/schemas/", ""));
          else if (schema !== undefined) ajv.compile(schema);
        }
      }
    }
  });

  it("document: has a schema for every answer of every JSON route, and real answers pass it, with no field beside", async () => {
    let checked = 0;
    for (const path of Object.keys(document.paths)) {
      if (document.paths[path]?.get.responses["200"]?.content?.["application/json"]?.schema === undefined) continue;
      const { status, body } = await fetchJson(filled(path));
      expect(status, `${path}: ${JSON.stringify(body)}`).to.equal(200);
      expectValid(path, 200, body);
      checked += 1;
    }
    expect(checked).to.be.greaterThan(20);
  });

  it("document: describes lists with items in them, page by page", async () => {
    for (const path of ["/v1/agents", "/v1/calls", "/v1/workflows", "/v1/sessions", "/v1/channels", "/v1/receipts", "/v1/withdrawals", "/v1/batches", "/v1/entries", "/v1/epochs", "/v1/claims"]) {
      const { body } = await fetchJson(`${path}?limit=1`);
      expect((body as { items: unknown[] }).items, path).to.have.length(1);
      expectValid(path, 200, body);
    }
    for (const object of ["agents", "directory", "calls", "workflows", "sessions", "channels", "system"]) expectValid("/v1/proofs/{object}/{index}", 200, (await fetchJson(`/v1/proofs/${object}/0`)).body);
  });

  it("document: would not pass a wrong answer", async () => {
    const { body } = await fetchJson("/v1/agents/1");
    const validate = validatorOf("/v1/agents/{agent}", 200);
    expect(validate({ ...(body as Json), surprise: 1 })).to.equal(false);
    expect(validate({ ...(body as Json), index: "1" })).to.equal(false);
    const { balance: _balance, ...rest } = body as Json;
    expect(validate(rest)).to.equal(false);
  });

  for (const [path, query, status, code] of [
    ["/v1/agents/{agent}", "/v1/agents/77", 404, "api/notFound"],
    ["/v1/agents/{agent}", "/v1/agents/0x12", 400, "api/badRequest"],
    ["/v1/receipts", "/v1/receipts?limit=501", 400, "api/badRequest"],
    ["/v1/withdrawals/{index}/proof", "/v1/withdrawals/9/proof", 404, "api/notFound"],
    ["/v1/claims/{claimId}", `/v1/claims/0x${"00".repeat(32)}`, 404, "api/notFound"],
    ["/v1/status", "/v1/status?x=1", 400, "api/badRequest"],
  ] as const) {
    it(`document: describes the refusal ${code} of ${query.slice(0, 40)}`, async () => {
      const answer = await fetchJson(query);
      expect(answer.status).to.equal(status);
      expectValid(path, status, answer.body);
      expect(document.paths[path]?.get.responses[String(status)]?.description).to.include(code);
    });
  }

  it("document: names each code of the API in some answer, and Retry-After where it is sent", () => {
    const text = JSON.stringify(document.paths);
    for (const { code } of listApiErrors()) if (code !== "api/unknownRoute") expect(text, code).to.include(code);
    expect(document.paths["/v1/agents"]?.get.responses["429"]?.headers).to.have.property("Retry-After");
    const feed = document.paths["/v1/feed"]?.get.parameters?.map(({ name }) => name);
    expect(feed).to.have.members(["types", "resumeBlock", "resumeHash"]);
  });
});
