import { expect } from "chai";
import { id, Wallet } from "ethers";

import { parseRegistrationFile } from "../../chain/agents/registrationFile.ts";
import { a2aRoutes, advertisedTexts, buildAgentCard, cardDigest, domainProofOf, isCardSignedBy, parseAgentDescription, registrationOf, SdkError, signAgentCard } from "../../sdk/index.ts";
import type { AgentDescriptionInput } from "../../sdk/index.ts";
import { canonicalJson } from "../../sdk/a2a/canonicalJson.ts";
import { AGENT_WALLET, describedAgent } from "../builders/describedAgent.ts";

/** The digest of the builder's card, its canonical text made by Python's json and hashed by ethers. */
const CARD_DIGEST = "0xffbe4355255151d04c5e86f59b51881617181f84f9a75e5fa7e8142e42d13401";
const CAPABILITIES = '[{"id":1,"name":"Translate"},{"id":2,"name":"Count"},{"id":4294967295,"name":"card:_75DVSVRUdBMXob1m1GIFhcYH4T5p15fp-gULkLRNAE"}]';
const PRICES = '[{"capability":1,"units":400},{"capability":2,"units":100}]';
const OWNER = { address: AGENT_WALLET.address, chainId: 31337 };

function problem(change: object): string {
  try {
    describedAgent(change);
  } catch (error) {
    if (error instanceof SdkError && error.code === "SDK_INPUT") return error.message;
    throw error;
  }
  return "taken";
}

describe("agent description", () => {
  it("hashes: are those of the frozen texts", () => {
    expect(cardDigest(buildAgentCard(describedAgent()))).to.equal(CARD_DIGEST);
    expect(advertisedTexts(describedAgent())).to.deep.equal({ capabilities: CAPABILITIES, prices: PRICES, capabilitiesHash: id(CAPABILITIES), pricesHash: id(PRICES) });
    expect([id(CAPABILITIES), id(PRICES)]).to.deep.equal(["0x42b0be491becc10762642e7ee6ac12da4d4eab81189484e6f5c29cdcb5d6fec4", "0x45640603f6cfc3597c1bc5ea965a58c79565e960ff87d661a2899fd95e42fb81"]);
  });

  it("hash: is another as soon as anything of the card is", () => {
    const base = describedAgent();
    const skills = base.skills.map((skill) => ({ ...skill }));
    const changes: Partial<AgentDescriptionInput>[] = [
      { name: "Eve" }, { description: "Other" }, { version: "1.2.1" }, { baseUrl: "https://eve.example" }, { provider: undefined }, { address: `0x${"0e".repeat(20)}` }, { isSealed: true },
      { registration: { ...base.registration!, agentId: 8n } }, { ways: [{ ...base.ways[0]!, payTo: `0x${"0e".repeat(20)}` }, base.ways[1]!] },
      { skills: [{ ...skills[0]!, prices: [{ ...skills[0]!.prices[0]!, amount: "10001" }] }, skills[1]!] }, { skills: [{ ...skills[0]!, path: "/other" }, skills[1]!] },
    ];
    const hashes = changes.map((change) => advertisedTexts(describedAgent(change)).capabilitiesHash);
    expect(new Set([...hashes, advertisedTexts(base).capabilitiesHash]).size).to.equal(changes.length + 1);
  });

  it("registration file: is read back with the account, the hashes that the chain has, and the agent's id", () => {
    const file = parseRegistrationFile(JSON.parse(registrationOf(describedAgent())));
    expect(file.registrations).to.deep.equal([{ agentId: 7n, agentRegistry: `eip155:31337:0x${"00".repeat(19)}aa` }]);
    expect(file.agnt2[0]).to.include({ account: 12, chain: `eip155:31337:0x${"00".repeat(19)}bb`, endpoint: "https://api.example" });
    expect(file.services[0]).to.deep.equal({ name: "A2A", endpoint: "https://ada.example/.well-known/agent-card.json", version: "1.0" });
    expect(domainProofOf(describedAgent())).to.equal('{"registrations":[{"agentId":7,"agentRegistry":"eip155:31337:0x00000000000000000000000000000000000000aa"}]}');
    expect(domainProofOf(describedAgent({ registration: undefined }))).to.equal('{"registrations":[]}');
  });

  it("signature: is the agent's, for this card and chain", async () => {
    const card = await signAgentCard(AGENT_WALLET, OWNER, buildAgentCard(describedAgent()));
    const served = JSON.parse(JSON.stringify(card)) as Record<string, unknown>;
    expect(isCardSignedBy(OWNER, served)).to.equal(true);
    expect(isCardSignedBy({ ...OWNER, chainId: 1 }, served)).to.equal(false);
    expect(isCardSignedBy({ ...OWNER, address: Wallet.createRandom().address }, served)).to.equal(false);
    expect(isCardSignedBy(OWNER, { ...served, name: "Eve" })).to.equal(false);
    const [entry] = card.signatures;
    for (const signatures of [[], "x", [null], [{ ...entry, protected: "!" }], [{ ...entry, signature: "AA" }], [{ ...entry, protected: "e30" }], Array(20).fill({ protected: "e30", signature: "A".repeat(87) })]) {
      expect(isCardSignedBy(OWNER, { ...served, signatures })).to.equal(false);
    }
  });

  it("routes: the general endpoint costs what the dearest skill does, and leaves out ways in which some skill is not sold", () => {
    const routes = a2aRoutes(describedAgent());
    const at = (match: string) => routes.find((route) => route.match === match);
    const call = { scheme: "agnt2-call", asset: `0x${"00".repeat(20)}` };
    expect(at("POST /a2a")).to.deep.equal({ match: "POST /a2a", prices: [{ ...call, amount: "400000000000000" }], units: 400, isStream: true });
    expect(at("POST /a2a/skills/count")).to.deep.include({ prices: [{ ...call, amount: "100000000000000" }], units: 100 });
    expect(at("POST /a2a/skills/translate/v1/*")?.prices).to.have.length(2);
    expect(at("GET /a2a/v1/tasks/:id")?.prices).to.deep.equal([]);
    const [first, second] = describedAgent().skills;
    const apart = a2aRoutes(describedAgent({ skills: [{ ...first!, prices: [first!.prices[0]!] }, second!] }));
    expect(apart.map(({ match }) => match)).to.include("POST /a2a/skills/count").and.not.include.members(["POST /a2a"]);
    expect(routes.findIndex(({ match }) => match === "POST /a2a/v1/tasks/:id")).to.be.lessThan(routes.findIndex(({ match }) => match === "POST /a2a/v1/*"));
  });

  it("input: that is hostile, double or does not fit is refused with its place", () => {
    const [skill] = describedAgent().skills;
    const skills = (change: object) => ({ skills: [{ ...skill, ...change }] });
    for (const change of [
      { name: "Ada\u202e" }, { name: "" }, { name: " Ada" }, { baseUrl: "javascript:alert(1)" }, { baseUrl: "https://u:p@ada.example" }, { baseUrl: "https://ada.example/x" }, { address: "0x12" }, { version: "1 2" }, { surprise: 1 }, { chainId: 0 },
      skills({ path: "//evil.example" }), skills({ path: "/a/../b" }), skills({ path: "/a/:id%2e" }), skills({ path: "/a\nb" }), skills({ id: "A" }), skills({ capability: 2 ** 32 - 1 }), skills({ inputModes: ["x"] }), skills({ prices: [{ scheme: "exact", asset: `0x${"12".repeat(20)}`, amount: "1" }] }),
      skills({ prices: [{ ...skill!.prices[0], amount: "-1" }] }), { skills: [] }, { skills: [skill, skill] }, { skills: [skill, { ...skill, id: "other" }] }, { ways: [describedAgent().ways[0], describedAgent().ways[0]] },
    ]) {
      expect(problem(change), JSON.stringify(change)).to.match(/^an argument cannot be used: the agent's description: /);
    }
    expect(() => parseAgentDescription({} as AgentDescriptionInput)).to.throw(SdkError);
  });

  it("canonical JSON: is that of RFC 8785's example", () => {
    const sample = JSON.parse('{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}') as unknown;
    expect(canonicalJson(sample)).to.equal('{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}');
  });
});
