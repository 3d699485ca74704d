import { expect } from "chai";

import { Agnt2Client } from "../../sdk/Agnt2Client.ts";
import type { ClientOptions } from "../../sdk/Agnt2Client.ts";
import { createKeySigner } from "../../sdk/BundleSigner.ts";
import type { Json } from "../../sdk/HttpService.ts";
import { L1Account } from "../../sdk/L1Account.ts";

const INBOX = `0x${"a1".repeat(20)}`;
const BRIDGE = `0x${"b2".repeat(20)}`;
const SETTLEMENT = `0x${"c3".repeat(20)}`;
const TOKEN = `0x${"d4".repeat(20)}`;
const SEQUENCER = `0x${"e5".repeat(20)}`;
const ELSEWHERE = `0x${"ff".repeat(20)}`;
const FEES = Array<number>(24).fill(100);

const told = (changes: Json = {}): Json => ({
  chainId: 1, inbox: INBOX, bridge: BRIDGE, settlement: SETTLEMENT, asset: null, assetScale: "1000000000", feeTable: FEES, sequencer: SEQUENCER, ...changes,
});
const deployment = (config: Json = {}, contracts: Json = {}): unknown => ({
  chainId: 1,
  genesisHash: `0x${"00".repeat(32)}`,
  contracts: { inbox: INBOX, bridge: BRIDGE, settlement: SETTLEMENT, game: ELSEWHERE, exodus: ELSEWHERE, adjudicator: ELSEWHERE, prover: ELSEWHERE, ...contracts },
  config: { assetScale: "1000000000", feeTable: FEES, sequencer: SEQUENCER, ...config },
  blockNumber: 1,
});

/** A client of a server that answers every GET of a path with the same. */
function clientOf(answers: Readonly<Record<string, Json>>, options: Partial<ClientOptions> = {}): Agnt2Client {
  const answer = async (url: unknown): Promise<Response> => {
    const { pathname } = new URL(String(url));
    const body = answers[pathname];
    return new Response(JSON.stringify(body ?? { error: { code: "NOT_FOUND", message: "" } }), { status: body === undefined ? 404 : 200 });
  };
  return new Agnt2Client({ sequencerUrl: "http://sequencer", fetch: answer as typeof fetch, ...options });
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "none";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

describe("SDK trust", () => {
  it("client: takes a chain's parts from the deployment, not from the server", async () => {
    const config = await clientOf({ "/v1/config": told({ sequencer: ELSEWHERE }) }, { deployment: deployment() }).config();
    expect(config.sequencer).to.equal(SEQUENCER);
    expect(config.domain.chainId).to.equal(1);
  });

  for (const [what, changes] of [
    ["the L1", { chainId: 31337 }],
    ["the inbox, which signatures are for", { inbox: ELSEWHERE }],
    ["the bridge, where deposits go", { bridge: ELSEWHERE }],
    ["the scale of amounts", { assetScale: "1" }],
    ["the asset", { asset: TOKEN }],
    ["the fees", { feeTable: FEES.map(() => 0) }],
  ] as const) {
    it(`client: fails with SDK_WRONG_CHAIN when a server lies about ${what}`, async () => {
      const client = clientOf({ "/v1/config": told(changes) }, { deployment: deployment() });
      expect(await codeOf(client.agent({ signer: createKeySigner(`0x${"11".repeat(32)}`) }))).to.equal("SDK_WRONG_CHAIN");
    });
  }

  it("client: believes no server on its own on a chain that holds money", async () => {
    expect(await codeOf(clientOf({ "/v1/config": told() }).config())).to.equal("SDK_UNTRUSTED");
    expect(await codeOf(clientOf({ "/v1/config": told() }, { sequencerAddress: SEQUENCER }).config())).to.equal("SDK_UNTRUSTED");
    const anyone = deployment({ sequencer: `0x${"00".repeat(20)}` });
    expect(await codeOf(clientOf({ "/v1/config": told() }, { deployment: anyone }).config())).to.equal("SDK_UNTRUSTED");
    expect((await clientOf({ "/v1/config": told() }, { deployment: anyone, sequencerAddress: ELSEWHERE }).config()).sequencer).to.equal(ELSEWHERE);
    expect(await codeOf(clientOf({ "/v1/config": told() }, { deployment: { chainId: 1 } }).config())).to.equal("DEPLOYMENT_INVALID");
  });

  it("client: takes the signatures of a chain's operators, as a trusted L1 names them", async () => {
    const set = `0x${"77".repeat(20)}`;
    const [first, second] = [`0x${"81".repeat(20)}`, `0x${"82".repeat(20)}`];
    const said = told({ contracts: { sequencerSet: set } });
    const operators = async (asked: string): Promise<string[]> => (asked.toLowerCase() === set ? [first, second] : []);
    const withSet = deployment({}, { sequencerSet: set });
    expect((await clientOf({ "/v1/config": said }, { deployment: withSet, operators }).config()).signers).to.deep.equal([first, second]);
    expect((await clientOf({ "/v1/config": said }, { deployment: withSet, operators, sequencerAddress: ELSEWHERE }).config()).signers).to.deep.equal([ELSEWHERE]);
    // Neither who deployed it nor the server says who is an operator.
    expect(await codeOf(clientOf({ "/v1/config": said }, { deployment: withSet }).config())).to.equal("SDK_UNTRUSTED");
    expect(await codeOf(clientOf({ "/v1/config": told() }, { deployment: withSet, operators }).config())).to.equal("SDK_WRONG_CHAIN");
  });

  it("client: believes the server on a local chain, unless told otherwise", async () => {
    expect((await clientOf({ "/v1/config": told({ chainId: 31337 }) }).config()).sequencer).to.equal(SEQUENCER);
    expect((await clientOf({ "/v1/config": told({ chainId: 31337 }) }, { sequencerAddress: ELSEWHERE }).config()).sequencer).to.equal(ELSEWHERE);
    expect(await codeOf(clientOf({ "/v1/config": told({ chainId: 31337, sequencer: null }) }).config())).to.equal("SDK_UNTRUSTED");
  });

  it("client: does not guess the decimals of a token", async () => {
    const token = deployment({}, { asset: TOKEN });
    const server = { "/v1/config": told({ asset: TOKEN, assetScale: "1000000000", assetDecimals: 6, assetSymbol: "USD" }) };
    expect(await codeOf(clientOf(server, { deployment: token }).config())).to.equal("SDK_UNTRUSTED");
    expect((await clientOf(server, { deployment: token, token: { decimals: 6, symbol: "USD" } }).config()).asset.decimals).to.equal(6);
    const local = told({ chainId: 31337, asset: TOKEN });
    expect(await codeOf(clientOf({ "/v1/config": local }).config())).to.equal("SDK_UNTRUSTED");
  });

  it("client: fails with SDK_RESPONSE when a server tells of another account than was asked for", async () => {
    const account = { index: 7, owner: ELSEWHERE, nonce: 0, balance: 1, earned: 0, made: 0, served: 0, failed: 0, disputed: 0 };
    const client = clientOf({ "/v1/config": told({ chainId: 31337 }), [`/v1/agents/${SEQUENCER}`]: account, "/v1/agents/3": account, "/v1/agents/7": account });
    expect(await codeOf(client.account(SEQUENCER))).to.equal("SDK_RESPONSE");
    expect(await codeOf(client.account(3))).to.equal("SDK_RESPONSE");
    expect((await client.account(7))?.owner).to.equal(ELSEWHERE);
  });

  it("client: finds out when the sequencer gives somebody's money another agent's index, with a replica that knows better", async () => {
    const accountOf = (index: number, owner: string): Json => ({ index, owner, nonce: 0, balance: 1, earned: 0, made: 0, served: 0, failed: 0, disputed: 0 });
    const fetchFrom = (api: Readonly<Record<string, Json>>): Partial<ClientOptions> => ({
      apiUrl: "http://replica",
      fetch: (async (url: unknown) => {
        const { host, pathname } = new URL(String(url));
        const body = host === "replica" ? api[pathname] : pathname === "/v1/config" ? told({ chainId: 31337 }) : accountOf(7, SEQUENCER);
        return new Response(JSON.stringify(body ?? { error: { code: "NOT_FOUND" } }), { status: body === undefined ? 404 : 200 });
      }) as typeof fetch,
    });
    expect(await codeOf(Promise.resolve(clientOf({}, fetchFrom({ "/v1/agents/7": accountOf(7, ELSEWHERE) })).agentIndex(SEQUENCER)))).to.equal("SDK_BAD_PROOF");
    expect(await clientOf({}, fetchFrom({ "/v1/agents/7": accountOf(7, SEQUENCER) })).agentIndex(SEQUENCER)).to.equal(7);
    // Not on L1 yet.
    expect(await clientOf({}, fetchFrom({})).agentIndex(SEQUENCER)).to.equal(7);
  });

  describe("proofs of a replica that lies", () => {
    const word = `0x${"00".repeat(32)}`;
    const proofOf = (changes: Json = {}): Json => ({ kind: 9, index: 3, leaf: Array(4).fill(word), siblings: Array(54).fill(word), stateRoot: word, batchCount: 2, ...changes });
    const withProof = (answer: Json): Agnt2Client => clientOf({ "/v1/withdrawals/3/proof": answer, "/v1/receipts/3/proof": proofOf({ kind: 8, siblings: Array(78).fill(word) }) }, { apiUrl: "http://replica" });

    for (const [what, code, answer] of [
      ["leads to another root", "SDK_BAD_PROOF", { claimId: word, proof: proofOf() }],
      ["is of another withdrawal", "SDK_BAD_PROOF", { claimId: word, proof: proofOf({ index: 4 }) }],
      ["is of another kind of leaf", "SDK_BAD_PROOF", { claimId: word, proof: proofOf({ kind: 8 }) }],
      ["is too short", "SDK_BAD_PROOF", { claimId: word, proof: proofOf({ siblings: [word] }) }],
      ["holds no words", "SDK_RESPONSE", { claimId: word, proof: proofOf({ leaf: ["0x12", 5, null, {}] }) }],
      ["names no claim", "SDK_RESPONSE", { claimId: "0x12", proof: proofOf() }],
      ["is missing", "SDK_RESPONSE", { claimId: word, proof: null }],
    ] as const) {
      it(`withdrawal proof: fails with ${code} when it ${what}`, async () => {
        expect(await codeOf(withProof(answer as Json).withdrawalProof(3))).to.equal(code);
      });
    }

    it("receipt proof: fails with SDK_BAD_PROOF when it does not lead to the root that the sequencer has signed", async () => {
      expect(await codeOf(withProof({}).receiptIn(3, { batchCount: 2, stateRoot: `0x${"ab".repeat(32)}` }, 500))).to.equal("SDK_BAD_PROOF");
    });
  });

  it("client: waits as long as a busy server asks for", async () => {
    let asked = 0;
    const busy = async (): Promise<Response> => {
      asked += 1;
      return asked === 1
        ? new Response(JSON.stringify({ error: { code: "api/tooMany", message: "" } }), { status: 429, headers: { "retry-after": "1" } })
        : new Response(JSON.stringify({ batchIndex: 4 }));
    };
    const startMs = Date.now();
    expect(await clientOf({}, { apiUrl: "http://replica", fetch: busy as typeof fetch }).posted(3)).to.deep.equal({ batch: 4 });
    expect(Date.now() - startMs).to.be.greaterThan(900);
  });

  it("L1 account: fails with SDK_WRONG_CHAIN when the signer is of another L1 than the chain", async () => {
    const client = clientOf({ "/v1/config": told({ chainId: 31337 }) });
    const signer = { provider: { getNetwork: async () => ({ chainId: 1n }) } } as unknown as Parameters<typeof L1Account.connect>[1];
    expect(await codeOf(L1Account.connect(client, signer))).to.equal("SDK_WRONG_CHAIN");
  });

  it("client: ends the wait for L1 with SDK_TIMEOUT, also when the replica is away", async () => {
    const client = clientOf({ "/v1/config": told({ chainId: 31337 }) }, { apiUrl: "http://replica" });
    expect(await codeOf(client.posted(5, 300))).to.equal("SDK_TIMEOUT");
    const dead = new Agnt2Client({ sequencerUrl: "http://127.0.0.1:9", apiUrl: "http://127.0.0.1:9" });
    expect(await codeOf(dead.confirmed(5, 300))).to.equal("SDK_TIMEOUT");
  });
});
