import { readFileSync } from "node:fs";
import { join } from "node:path";

import { encodePaymentRequiredHeader, encodePaymentSignatureHeader } from "@x402/core/http";
import type { PaymentRequirements } from "@x402/core/types";
import { expect } from "chai";

import {
  callHash, callRequirement, channelRequirement, decodeTicket, encodeAttestation, encodeTicket, fromHex, networkOf, readCallPayload, readCallRequirement, readChannelPayload, readChannelRequirement, requestHash, signAttestation, toHex,
  writePayload,
} from "../../sdk/index.ts";
import { createLocalSigner } from "../../sdk/node/index.ts";

const ETH = `0x${"00".repeat(20)}`;
const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return String((error as { code?: string }).code);
  }
  return "none";
};

// The example of docs/X402.md.
const REQUEST = requestHash({ method: "GET", target: "/weather?city=Oslo" });
const TICKET = decodeTicket("AAECAwQFBgcICQoLDA0ODw")!;
const CALL = {
  chainId: 31337, rollup: "0x5FbDB2315678afecb367f032d93F642f64180aa3", provider: 2, payTo: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8", asset: ETH, amount: 400_000_000_000_000n, unit: 1_000_000_000n,
  maxTimeoutSeconds: 30, deadlineSeconds: 60, requestHash: toHex(REQUEST),
};
const CHANNEL = {
  chainId: 31337, adjudicator: "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512", payTo: CALL.payTo, asset: ETH, amount: CALL.amount, unit: CALL.unit, peer: "tls://agent.example:7600", maxTimeoutSeconds: 30, matchSeconds: 10,
  requestHash: toHex(REQUEST),
};
const CHANNEL_ID = `0x${"c1".repeat(32)}`;

describe("x402 wire", () => {
  it("requirements: come back as they were asked, with checksummed addresses", () => {
    const call = callRequirement({ ...CALL, payTo: CALL.payTo.toLowerCase() });
    expect(call).to.deep.include({ scheme: "agnt2-call", network: "eip155:31337", payTo: CALL.payTo });
    expect(readCallRequirement(call)).to.deep.equal(CALL);
    expect(readChannelRequirement(channelRequirement(CHANNEL))).to.deep.equal(CHANNEL);
    const { peer, requestHash: _none, ...without } = CHANNEL;
    expect(readChannelRequirement(channelRequirement({ ...without, peer: undefined }))).to.deep.equal({ ...without, peer: undefined });
    expect(peer).to.be.a("string");
    expect(networkOf(1)).to.equal("eip155:1");
  });

  it("requirements: are refused when a field is missing, of another kind, or no multiple of the unit", () => {
    const call = callRequirement(CALL);
    const channel = channelRequirement(CHANNEL);
    const wrongs: readonly [Partial<PaymentRequirements>, Record<string, unknown>][] = [
      [{ network: "solana:1" }, {}], [{ network: "eip155:0" }, {}], [{ asset: "ETH" }, {}], [{ amount: "1.5" }, {}], [{ amount: "" }, {}], [{ payTo: "0x" }, {}], [{ maxTimeoutSeconds: 0 }, {}], [{ maxTimeoutSeconds: 1.5 }, {}],
      [{}, { unit: "0" }], [{}, { unit: 1 }], [{}, { requestHash: "0x" }],
    ];
    for (const [change, extra] of [...wrongs, [{}, { provider: 0 }], [{}, { provider: "2" }], [{}, { rollup: "0x1" }], [{}, { deadlineSeconds: 0 }]] as typeof wrongs) {
      expect(codeOf(() => readCallRequirement({ ...call, ...change, extra: { ...call.extra, ...extra } })), JSON.stringify([change, extra])).to.equal("SDK_PAYMENT");
    }
    for (const [change, extra] of [...wrongs, [{}, { adjudicator: undefined }], [{}, { peer: 5 }], [{}, { matchSeconds: -1 }]] as typeof wrongs) {
      expect(codeOf(() => readChannelRequirement({ ...channel, ...change, extra: { ...channel.extra, ...extra } })), JSON.stringify([change, extra])).to.equal("SDK_PAYMENT");
    }
    expect(codeOf(() => readCallRequirement(channel))).to.equal("SDK_PAYMENT");
    expect(codeOf(() => readCallRequirement({ ...call, amount: "1" }))).to.equal("SDK_AMOUNT");
    expect(codeOf(() => callRequirement({ ...CALL, amount: 1n }))).to.equal("SDK_AMOUNT");
    expect(codeOf(() => channelRequirement({ ...CHANNEL, amount: -CHANNEL.unit }))).to.equal("SDK_AMOUNT");
  });

  it("requirements: of a newer seller, with fields that are not known here, are read", () => {
    const call = callRequirement(CALL);
    expect(readCallRequirement({ ...call, extra: { ...call.extra, assetTransferMethod: "default", more: { things: 1 } } })).to.deep.equal(CALL);
  });

  it("payloads: come back from what goes over the wire", () => {
    const call = { slot: 12, id: 345, ticket: TICKET };
    expect(readCallPayload(JSON.parse(JSON.stringify(writePayload(call))))).to.deep.equal(call);
    const channel = { channelId: CHANNEL_ID, sequence: 7, ticket: TICKET };
    expect(readChannelPayload(JSON.parse(JSON.stringify(writePayload(channel))))).to.deep.equal(channel);
    for (const wrong of [undefined, null, "", 5, [], { slot: 1 }]) expect(codeOf(() => readCallPayload(wrong))).to.equal("SDK_PAYMENT");
  });

  it("docs/X402.md: has the headers of its example as they really are", async () => {
    const doc = readFileSync(join(import.meta.dirname, "..", "..", "docs", "X402.md"), "utf8");
    const call = callRequirement(CALL);
    const channel = channelRequirement(CHANNEL);
    const resource = { url: "http://agent.example/weather?city=Oslo" };
    const shown = {
      requestHash: toHex(REQUEST),
      callHash: toHex(callHash(REQUEST, TICKET)),
      required: encodePaymentRequiredHeader({ x402Version: 2, error: "payment/required", resource, accepts: [channel, call] }),
      byCall: encodePaymentSignatureHeader({ x402Version: 2, accepted: call, payload: writePayload({ slot: 12, id: 345, ticket: TICKET }) }),
      byChannel: encodePaymentSignatureHeader({ x402Version: 2, accepted: channel, payload: writePayload({ channelId: CHANNEL_ID, sequence: 7, ticket: TICKET }) }),
      short: `Agnt2-Call: ${encodeTicket(TICKET)}`,
      attestation: encodeAttestation(await signAttestation(31337, { requestHash: REQUEST, answerHash: fromHex(`0x${"ab".repeat(32)}`), payment: "call:345", time: 1_800_000_000 }, createLocalSigner(new Uint8Array(32).fill(9)))),
    };
    for (const [name, value] of Object.entries(shown)) expect(doc.includes(value), `${name}: ${value}`).to.equal(true);
    for (const each of [call, channel]) expect(doc.includes(JSON.stringify(each, null, 2)), JSON.stringify(each, null, 2)).to.equal(true);
  });
});
