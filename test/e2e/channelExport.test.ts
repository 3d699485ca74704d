import { expect } from "chai";

import { channelIdOf, closeDigest } from "../../core/channel/index.ts";
import type { Close } from "../../core/channel/index.ts";
import { fromHex } from "../../core/codec/hex.ts";
import type { ChannelInCore } from "../../sdk/channels/CoreChannelDesk.ts";
import type { AgentChannel } from "../../sdk/node/channels/AgentChannel.ts";
import type { ConfirmedProof } from "../../sdk/stateProof.ts";
import { startCoreChannelStage } from "../builders/coreChannelStage.ts";
import type { CoreChannelParty, CoreChannelStage } from "../builders/coreChannelStage.ts";

const GWEI = 1_000_000_000n;
const WINDOW_SECONDS = 3;
const WAIT_MS = 30_000;
/** Units of a deposit of 0.5 ETH. */
const DEPOSIT = 5 * 10 ** 8;

/** A channel that has left Layer Core: what both have in hand, and where L1 finds it. */
interface Exported {
  readonly known: ChannelInCore;
  /** Of Alice and of Bob. */
  readonly evidence: readonly [ReturnType<AgentChannel["evidence"]>, ReturnType<AgentChannel["evidence"]>];
  readonly withdrawal: number;
  /** Confirmed before the export was. */
  readonly claimBefore: string;
}

describe("a channel's way from Layer Core to L1, told as stories", function () {
  this.timeout(90_000);
  let stage: CoreChannelStage;
  let alice: CoreChannelParty;
  let bob: CoreChannelParty;

  /** What refused: the code of the machine, or the name of the contract's error. */
  const refusal = async (work: Promise<unknown>): Promise<string> =>
    work.then(() => "none", (error: { code?: string; values?: { contractError?: string } }) => error.values?.contractError ?? String(error.code));
  async function until<T>(what: string, find: () => Promise<T | undefined> | T | undefined): Promise<T> {
    for (const endMs = Date.now() + WAIT_MS; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
      const found = await find();
      if (found !== undefined) return found;
      if (Date.now() > endMs) throw new Error(`${what}: not after ${WAIT_MS / 1_000} s`);
    }
  }
  const latestClaim = async ({ client }: CoreChannelParty): Promise<string | undefined> => ((await client.api.get("/v1/status"))["latestConfirmed"] as { claimId?: string } | null)?.claimId;

  /** Opened in Layer Core by Alice, who pays for `prices`, and moved with both consents. */
  async function exported(...prices: string[]): Promise<Exported> {
    const channel = await stage.open(WINDOW_SECONDS);
    for (const price of prices) await channel.call(fromHex("0x01"), price);
    const atBob = bob.agent.channel(channel.channelId);
    atBob.channel.on("event", ({ name }) => {
      if (name === "export-asked") atBob.channel.approveExport();
    });
    const consent = await channel.askExport();
    const evidence = [channel.evidence(), atBob.evidence()] as const;
    const known = await alice.home.known(channel.config);
    // A consent that is not the partner's moves nothing.
    expect(await refusal(alice.home.desk.exportToL1(known, await alice.signer.sign(new Uint8Array(32))).durable)).to.equal("E_SIGNATURE");
    const claimBefore = await until("a claim", () => latestClaim(alice));
    const { id: withdrawal } = await alice.home.desk.exportToL1(known, consent).durable;
    return { known, evidence, withdrawal, claimBefore };
  }
  /** The proof of its withdrawal in a state that L1 has confirmed. */
  const confirmed = ({ withdrawal }: Exported): Promise<ConfirmedProof> => until("the confirmation", () => alice.client.withdrawalProof(withdrawal).catch(() => undefined));
  const signClose = async ({ signer, desk }: CoreChannelParty, { config }: ChannelInCore, close: Close): Promise<Uint8Array> => signer.sign(closeDigest(desk.separator, channelIdOf(config), close));

  before(async () => {
    stage = await startCoreChannelStage(async (request) => request);
    ({ alice, bob } = stage);
  });
  after(() => stage?.stop());

  it("an exported channel, closed by one side on L1: goes by the newest voucher of Layer Core, and comes once", async () => {
    const story = await exported("0.01", "0.02");
    const { known, evidence, withdrawal, claimBefore } = story;
    const { config, leaf } = known;
    // 23, the same outcome on L2: there is nothing left to close, dispute, fund or export.
    const close = { paidByA: 0, paidByB: 0 };
    for (const [what, handle] of [
      ["close", alice.home.desk.closeCooperatively(known, close, await signClose(bob, known, close))],
      ["close after a deadline", bob.home.desk.finish(known)],
      ["dispute", alice.home.desk.challenge(evidence[0], known)],
      ["deposit", alice.home.desk.fund(known, 0, "0.1")],
    ] as const) expect(await refusal(handle.durable), what).to.equal("E_REFERENCE");

    const derived = await until("the batch with the export", () => alice.client.proof("withdrawals", withdrawal).catch(() => undefined));
    const early = (claimId: string): Promise<string> => refusal(alice.desk.importExport(config, leaf, { ...derived, claimId }));
    expect([await early(claimBefore), await early(`0x${"11".repeat(32)}`)]).to.deep.equal(["BadProof", "NotConfirmed"]);

    const proof = await confirmed(story);
    const otherWords = [leaf[0], leaf[1], leaf[2], `0x${"00".repeat(31)}01`] as const;
    expect(await refusal(alice.desk.importExport(config, otherWords, proof)), "another leaf's words").to.equal("NotExported");
    // Anyone may bring it: the money is the channel's, whoever pays for the transaction.
    await bob.desk.importExport(config, leaf, proof);
    expect(await alice.desk.read(config)).to.deep.include({ status: "OPEN", nets: [DEPOSIT, 0] });
    expect(await refusal(alice.desk.importExport(config, leaf, proof)), "twice").to.equal("WrongStatus");
    expect(await refusal(alice.l1.claimWithdrawal(withdrawal, WAIT_MS)), "as a withdrawal").to.equal("AlreadyWithdrawn");

    // Alice asks for the close as if she had never paid; Bob answers with what she signed in Layer Core.
    await alice.desk.challenge(config, 0, { ...evidence[0], base: undefined, voucher: undefined });
    expect(await bob.desk.respond(config, evidence[1])).to.be.a("string");
    const before = await stage.provider.getBalance(bob.wallet.address);
    const settled = await until("the deadline", () => alice.desk.finish(config).catch((error: unknown) => (String(error).includes("TooEarly") ? undefined : Promise.reject(error as Error))));
    expect(settled).to.include({ isUnilateral: true, shareA: DEPOSIT - 3 * 10 ** 7, shareB: 3 * 10 ** 7 });
    expect((await stage.provider.getBalance(bob.wallet.address)) - before).to.equal(3n * 10n ** 7n * GWEI);
    expect(await refusal(alice.desk.importExport(config, leaf, proof)), "after the close").to.equal("WrongStatus");
    expect(await stage.provider.getBalance(alice.desk.address)).to.equal(0n);
  });

  it("two exported channels: each is opened by its own export only, and one that both close on L1 pays at once", async () => {
    const [one, two] = [await exported("0.05"), await exported("0.07")];
    const [proofOfOne, proofOfTwo] = [await confirmed(one), await confirmed(two)];
    expect(await refusal(alice.desk.importExport(one.known.config, one.known.leaf, proofOfTwo)), "the other's proof").to.equal("NotExported");
    expect(await refusal(alice.desk.importExport(two.known.config, one.known.leaf, proofOfTwo)), "the other's leaf").to.equal("NotExported");
    for (const [{ known }, proof, paidByA] of [[one, proofOfOne, 5 * 10 ** 7], [two, proofOfTwo, 7 * 10 ** 7]] as const) {
      await alice.desk.importExport(known.config, known.leaf, proof);
      const close = { paidByA, paidByB: 0 };
      const before = await stage.provider.getBalance(bob.wallet.address);
      const settled = await alice.desk.closeCooperatively(known.config, close, [await signClose(alice, known, close), await signClose(bob, known, close)]);
      expect(settled).to.include({ isUnilateral: false, shareA: DEPOSIT - paidByA, shareB: paidByA });
      expect((await stage.provider.getBalance(bob.wallet.address)) - before).to.equal(BigInt(paidByA) * GWEI);
    }
    expect(await stage.provider.getBalance(alice.desk.address)).to.equal(0n);
  });
});
