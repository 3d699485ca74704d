import { expect } from "chai";
import { id, keccak256, toUtf8Bytes } from "ethers";

import { advertisementOf, capabilitiesText, chainRef, pricesText } from "../../chain/agents/agnt2Service.ts";
import type { Agnt2Service } from "../../chain/agents/agnt2Service.ts";
import { cleanText } from "../../chain/agents/cleanText.ts";
import { isRegistrationFileError, namesAgent, parseRegistrationFile, REGISTRATION_TYPE, registryId } from "../../chain/agents/registrationFile.ts";
import { registrationDataUri, writeRegistrationFile } from "../../chain/agents/writeRegistrationFile.ts";
import { toHex } from "../../core/codec/hex.ts";

type Json = Record<string, unknown>;

const REGISTRY = registryId(31337, "0x00000000000000000000000000000000000000Aa");
const CHAIN = chainRef(31337, "0x00000000000000000000000000000000000000Bb");
const SERVICE: Agnt2Service = {
  endpoint: "https://api.example",
  sequencer: "https://sequencer.example",
  chain: CHAIN,
  account: 7,
  capabilities: [{ id: 3, name: "translate" }, { id: 40, name: "summarise" }],
  prices: [{ capability: 3, units: 1_000 }],
};
const entry = (change: Json = {}): Json => ({ name: "agnt2", version: "1", ...SERVICE, ...change });
const card = (change: Json = {}): Json => ({ type: REGISTRATION_TYPE, name: "Ada", services: [entry()], ...change });

/** The field that a file is refused for. */
function fieldOf(json: unknown): unknown {
  try {
    parseRegistrationFile(json);
  } catch (error) {
    if (isRegistrationFileError(error)) return error.values["field"];
    throw error;
  }
  return "it was taken";
}

describe("registration file", () => {
  it("file: is read with what is left out, and without what is not known", () => {
    expect(parseRegistrationFile({ type: REGISTRATION_TYPE, name: " Ada ", surprise: 1 })).to.deep.equal({
      name: "Ada", description: "", image: undefined, services: [], x402Support: false, active: true, registrations: [], supportedTrust: [], agnt2: [],
    });
  });

  it("file: is written as it is read, and names its agent", () => {
    const json = writeRegistrationFile({
      name: "Ada",
      description: "works\nfor all",
      image: "https://example.org/a.png",
      services: [{ name: "A2A", endpoint: "https://example.org/a2a", version: "1.0" }],
      x402Support: true,
      active: false,
      registrations: [{ agentId: 0n, agentRegistry: REGISTRY }, { agentId: 2n ** 200n, agentRegistry: "eip155:1:0x00" }],
      supportedTrust: ["reputation"],
      agnt2: [{ ...SERVICE, capabilities: SERVICE.capabilities.toReversed() }],
    });
    const file = parseRegistrationFile(JSON.parse(json));
    expect(file.agnt2).to.deep.equal([SERVICE]);
    expect(file.services.map(({ name }) => name)).to.deep.equal(["A2A", "agnt2"]);
    expect([namesAgent(file, 0n, REGISTRY), namesAgent(file, 1n, REGISTRY), namesAgent(file, 0n, registryId(1, `0x${"00".repeat(20)}`)), namesAgent(file, 2n ** 200n, "eip155:1:0x00")]).to.deep.equal([true, false, false, true]);
    const uri = registrationDataUri(json);
    expect(JSON.parse(Buffer.from(uri.slice(uri.indexOf(",") + 1), "base64").toString())).to.deep.equal(JSON.parse(json));
  });

  it("advertisement: hashes lists in one order and one spelling", () => {
    expect(capabilitiesText(SERVICE.capabilities.toReversed())).to.equal('[{"id":3,"name":"translate"},{"id":40,"name":"summarise"}]');
    expect(pricesText(SERVICE.prices)).to.equal('[{"capability":3,"units":1000}]');
    const { capabilitiesHash, pricesHash } = advertisementOf(SERVICE);
    expect(toHex(capabilitiesHash)).to.equal(keccak256(toUtf8Bytes('[{"id":3,"name":"translate"},{"id":40,"name":"summarise"}]')));
    expect(toHex(pricesHash)).to.equal(id('[{"capability":3,"units":1000}]'));
    expect(toHex(advertisementOf({ capabilities: [], prices: [] }).pricesHash)).to.equal(id("[]"));
  });

  it("text: loses control characters, reversals, invisible characters and halves of pairs, and keeps the rest", () => {
    expect(cleanText("a\u0000b\u001b[31mc\u202eexe.gpj\u200b\u2066\ufeff\ud800d\u{e0041}")).to.equal("ab[31mcexe.gpjd");
    expect(cleanText("Ünïcode 漢字 🙂\n\t<script>")).to.equal("Ünïcode 漢字 🙂\n\t<script>");
    expect(parseRegistrationFile(card({ name: "\u202eAda\u0007" })).name).to.equal("Ada");
  });

  for (const [why, json, field] of [
    ["no object", [], "the file"],
    ["null", null, "the file"],
    ["text", "x", "the file"],
    ["another type", card({ type: "x" }), "type"],
    ["no name", card({ name: undefined }), "name"],
    ["a name of control characters", card({ name: "\u0001\u200b" }), "name"],
    ["a name that is a number", card({ name: 1 }), "name"],
    ["a long name", card({ name: "x".repeat(129) }), "name"],
    ["a long description", card({ description: "x".repeat(4_097) }), "description"],
    ["services that are no list", card({ services: { length: 1 } }), "services"],
    ["too many services", card({ services: Array(33).fill({ name: "a", endpoint: "b" }) }), "services"],
    ["a service without endpoint", card({ services: [{ name: "a" }] }), "services.0.endpoint"],
    ["a flag that is text", card({ active: "yes" }), "active"],
    ["a registry that is none", card({ registrations: [{ agentId: 1, agentRegistry: "x" }] }), "registrations.0.agentRegistry"],
    ["an agent id that is none", card({ registrations: [{ agentId: -1, agentRegistry: REGISTRY }] }), "registrations.0.agentId"],
    ["an agent id that is not whole", card({ registrations: [{ agentId: 1.5, agentRegistry: REGISTRY }] }), "registrations.0.agentId"],
    ["trust that is no text", card({ supportedTrust: [{}] }), "supportedTrust.0.item"],
    ["a chain that is none", card({ services: [entry({ chain: "eip155:1" })] }), "services.0.chain"],
    ["account 0", card({ services: [entry({ account: 0 })] }), "services.0.account"],
    ["an account that is text", card({ services: [entry({ account: "7" })] }), "services.0.account"],
    ["a capability twice", card({ services: [entry({ capabilities: [{ id: 3, name: "a" }, { id: 3, name: "b" }] })] }), "services.0.capabilities"],
    ["a capability beyond 32 bits", card({ services: [entry({ capabilities: [{ id: 2 ** 32, name: "a" }] })] }), "services.0.capabilities.0.id"],
    ["a capability whose name would be cleaned", card({ services: [entry({ capabilities: [{ id: 3, name: "a\u0000" }] })] }), "services.0.capabilities.0.name"],
    ["a price of nothing that is there", card({ services: [entry({ prices: [{ capability: 4, units: 1 }] })] }), "services.0.prices"],
    ["a price beyond all units", card({ services: [entry({ prices: [{ capability: 3, units: 2 ** 53 }] })] }), "services.0.prices.0.units"],
    ["a negative price", card({ services: [entry({ prices: [{ capability: 3, units: -1 }] })] }), "services.0.prices.0.units"],
    ["too many capabilities", card({ services: [entry({ capabilities: Array.from({ length: 65 }, (_, id) => ({ id, name: "a" })) })] }), "services.0.capabilities"],
  ] as const) {
    it(`file: is refused with ${why}`, () => expect(fieldOf(json)).to.equal(field));
  }

  it("file: keys of prototypes are fields like others", () => {
    const json = JSON.parse(`{"type":"${REGISTRATION_TYPE}","name":"Ada","__proto__":{"active":"x"},"constructor":1}`) as unknown;
    expect(parseRegistrationFile(json).active).to.equal(true);
  });
});
