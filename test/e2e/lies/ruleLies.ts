import { encodeRecord } from "../../../core/codec/index.ts";
import { recoverSigner } from "../../../core/codec/signature.ts";
import { SLOT_BYTES } from "../../../core/generated/protocol.ts";
import type { L1Data } from "../../../core/transition/index.ts";
import { addToField, getField, setField } from "../../builders/editLeaf.ts";
import { AGENT, ACTORS, ENTRY } from "../../builders/marketEpoch.ts";
import type { MarketEpoch } from "../../builders/marketEpoch.ts";
import { lieAt, stepOf, withProof } from "./MarketLie.ts";
import type { MarketLie } from "./MarketLie.ts";

const toNumber = (address: Uint8Array): bigint => BigInt(`0x${Buffer.from(address).toString("hex")}`);
const WORD = `0x${"5a".repeat(32)}`;

/** L1 as it is, but for other slots from `slot` of the great batch on. */
function withSlots({ rollup, batch }: MarketEpoch, slot: number, slots: Uint8Array): L1Data {
  const true_ = rollup.batch(batch);
  const data = true_.data.slice();
  data.set(slots, slot * SLOT_BYTES);
  return { batch: (index) => (index === batch ? { ...true_, data } : rollup.batch(index)), entry: (index) => rollup.entry(index) };
}

const slotOf = (market: MarketEpoch, label: string): number => stepOf(market.slots, label);

function slotsAt(market: MarketEpoch, slot: number, count: number): Uint8Array {
  return market.rollup.batch(market.batch).data.slice(slot * SLOT_BYTES, (slot + count) * SLOT_BYTES);
}

/** Each rule that stands between a sequencer and other people's money, broken. */
export const ruleLies: readonly MarketLie[] = [
  {
    about: "proof",
    what: "defends a wrong value with proofs that do not hold",
    tell: (market) => lieAt(market, stepOf(market.steps.exec, "first"), ({ state, step }) => { step(); addToField(state, "AGENT", AGENT.mallory, "balance", 7n); }),
    forgeries: (recorded, lie, market) => [
      withProof(recorded, (proof) => ({ ...proof, leaves: proof.leaves.map((leaf, i) => (i === 2 ? { ...leaf, words: [leaf.words[0], leaf.words[1], WORD, leaf.words[3]] as const } : leaf)) })),
      withProof(recorded, (proof) => ({ ...proof, leaves: proof.leaves.map((leaf, i) => (i === 2 ? { ...leaf, siblings: [WORD, ...leaf.siblings.slice(1)] } : leaf)) })),
      withProof(recorded, (proof) => ({ ...proof, leaves: proof.leaves.slice(0, -1) })),
      withProof(recorded, (proof) => ({ ...proof, leaves: [...proof.leaves, proof.leaves[0]!] })),
      withProof(recorded, (proof) => ({ ...proof, slot: { ...proof.slot, chunk: `${proof.slot.chunk.slice(0, -2)}01` } })),
      withProof(recorded, (proof) => ({ ...proof, batch: { ...proof.batch, l2Time: proof.batch.l2Time + 1 } })),
      // True proofs, but of other steps: before it, after it in the liar's own trace, and of another record.
      market.truth.stepProofAt(lie.step - 1),
      lie.stepProofAt(lie.step + 1),
      market.truth.stepProofAt(stepOf(market.steps.exec, "TRANSFER")),
    ],
  },
  {
    about: "forged signature",
    what: "accepts a bundle that the account's owner did not sign",
    effect: [AGENT.mallory, 100_000],
    tell: (market) => {
      const forged = slotsAt(market, slotOf(market, "forged"), 1);
      const isForged = (signatureR: Uint8Array): boolean => signatureR.every((byte, i) => byte === forged[32 + i]);
      const parameters = {
        ...market.options.parameters,
        recover: (digest: Uint8Array, r: Uint8Array, vs: Uint8Array) => (isForged(r) ? ACTORS.ada.address : recoverSigner(digest, r, vs)),
      };
      return lieAt(market, stepOf(market.steps.verify, "forged"), ({ step }) => step(), { parameters });
    },
  },
  {
    about: "replayed nonce",
    what: "executes a bundle again that was executed before",
    effect: [AGENT.mallory, 5_000],
    tell: (market) =>
      lieAt(market, stepOf(market.steps.verify, "replayed"), ({ state, step }) => {
        addToField(state, "AGENT", AGENT.ada, "nonce", -1n);
        step();
      }),
  },
  {
    about: "dropped record",
    what: "leaves out a record of a bundle",
    effect: [AGENT.ada, -20_000],
    tell: (market) => lieAt(market, stepOf(market.steps.exec, "second"), ({ state }) => addToField(state, "REGISTER", 0, "index", 1n)),
  },
  {
    about: "reordered record",
    what: "executes two records in each other's place",
    tell: (market) => {
      const slot = slotOf(market, "second");
      const swapped = new Uint8Array([...slotsAt(market, slot + 1, 1), ...slotsAt(market, slot, 1)]);
      return lieAt(market, stepOf(market.steps.exec, "second"), ({ step }) => step(), { l1: withSlots(market, slot, swapped) });
    },
  },
  {
    about: "batch data",
    what: "executes a bundle of its own in the place of the one that was posted",
    effect: [AGENT.mallory, -1_003],
    tell: (market) => {
      const own = market.rollup.bundle({
        agent: AGENT.mallory, signer: ACTORS.mallory, nonce: 0,
        records: [encodeRecord("WITHDRAW", { recipient: ACTORS.mallory.address, amount: 1_000 }), encodeRecord("TRANSFER", { to: AGENT.dee, amount: 1 })],
      });
      return lieAt(market, stepOf(market.steps.header, "dee's day"), ({ step }) => step(), { l1: withSlots(market, slotOf(market, "dee's day"), own) });
    },
  },
  {
    about: "batch data",
    what: "changes the amount in a record after its signature was checked",
    effect: [AGENT.mallory, 50_000],
    tell: (market) => {
      const slot = slotOf(market, "TRANSFER");
      const l1 = withSlots(market, slot, encodeRecord("TRANSFER", { to: AGENT.mallory, amount: 50_000 }));
      return lieAt(market, stepOf(market.steps.exec, "TRANSFER"), ({ step }) => step(), { l1 });
    },
  },
  {
    about: "inbox skipped",
    what: "skips a deposit that was paid on L1",
    effect: [AGENT.bob, -900],
    tell: (market) => lieAt(market, stepOf(market.steps.entry, ENTRY.deposit), ({ state }) => addToField(state, "MACHINE", 0, "inboxCursor", 1n)),
  },
  {
    about: "inbox skipped",
    what: "skips a forced entry",
    tell: (market) => lieAt(market, stepOf(market.steps.entry, ENTRY.forced), ({ state }) => addToField(state, "MACHINE", 0, "inboxCursor", 1n)),
  },
  {
    about: "receipt forged",
    what: "writes a receipt for a larger payment",
    tell: (market) =>
      lieAt(market, stepOf(market.steps.exec, "RESPOND"), ({ state, step }) => {
        step();
        addToField(state, "RECEIPT", Number(getField(state, "MACHINE", 0, "receiptCount")) - 1, "amount", 1_000n);
      }),
  },
  {
    about: "withdrawal forged",
    what: "writes itself a withdrawal that nobody ordered",
    tell: (market) =>
      lieAt(market, stepOf(market.steps.exec, "third"), ({ state, step }) => {
        step();
        const index = Number(getField(state, "MACHINE", 0, "withdrawalCount"));
        setField(state, "WITHDRAWAL", index, "recipient", toNumber(ACTORS.mallory.address));
        setField(state, "WITHDRAWAL", index, "amount", 900_000n);
        setField(state, "WITHDRAWAL", index, "agent", BigInt(AGENT.mallory));
        addToField(state, "MACHINE", 0, "withdrawalCount", 1n);
      }),
  },
  {
    about: "withdrawal forged",
    what: "adds to the amount of a withdrawal",
    tell: (market) =>
      lieAt(market, stepOf(market.steps.exec, "WITHDRAW"), ({ state, step }) => {
        step();
        addToField(state, "WITHDRAWAL", Number(getField(state, "MACHINE", 0, "withdrawalCount")) - 1, "amount", 100_000n);
      }),
  },
  {
    about: "stale channel",
    what: "pays a channel out as if nothing had been recorded",
    effect: [AGENT.dee, -700],
    tell: (market) =>
      lieAt(market, stepOf(market.steps.exec, "CHANNEL_CLOSE final"), ({ state, step }) => {
        setField(state, "CHANNEL", 1, "paidByA", 0n);
        step();
      }),
  },
  {
    about: "forged channel signature",
    what: "takes a signature of one side for the other's",
    tell: (market) => {
      const parameters = {
        ...market.options.parameters,
        recover: (digest: Uint8Array, r: Uint8Array, vs: Uint8Array) => {
          const signer = recoverSigner(digest, r, vs);
          return signer !== null && toNumber(signer) === toNumber(ACTORS.dee.address) ? ACTORS.cy.address : signer;
        },
      };
      return lieAt(market, stepOf(market.steps.exec, "CHANNEL_CLOSE"), ({ step }) => step(), { parameters });
    },
  },
];
