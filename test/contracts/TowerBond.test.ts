import { expect } from "chai";
import { getBytes } from "ethers";
import hre from "hardhat";

import { configStruct, updateStruct } from "../../chain/channels/channelStructs.ts";
import type { SignedUpdate } from "../../chain/channels/SignedState.ts";
import { receiptDigest, towerDomainSeparator } from "../../chain/tower/towerDigests.ts";
import { otherSide, rankOf, updateOf } from "../../chain/tower/TowerState.ts";
import type { TowerReceipt, TowerState } from "../../chain/tower/TowerState.ts";
import { fromHex, toHex } from "../../core/codec/hex.ts";
import { signDigest } from "../../runtime/crypto/secp.ts";
import type { TestMarks, TowerBond } from "../../typechain-types/index.ts";
import { testKey, TowerChannel } from "../builders/towerChannel.ts";

const BOND = 1_001n;
const DAY = 86_400;
const MANDATE = 30 * DAY;
const UNBONDING = 90 * DAY;
const FROM = 4_000_000_000;
const CLOSED = 3;

interface Mark {
  readonly status?: number;
  readonly isUnilateral?: boolean;
  readonly isExtended?: boolean;
  readonly deadline?: number;
  readonly version?: number;
  readonly sequence?: number;
  readonly highestPaid?: number;
}

describe("TowerBond", () => {
  let connection: Awaited<ReturnType<typeof hre.network.create>>;
  let bond: TowerBond;
  let marks: TestMarks;
  let channel: TowerChannel;
  let restore: () => Promise<void>;
  const signer = testKey("the tower's signer");

  before(async () => {
    connection = await hre.network.create();
    marks = (await connection.ethers.deployContract("TestMarks")) as unknown as TestMarks;
    bond = (await connection.ethers.deployContract("TowerBond", [await marks.getAddress(), BOND, MANDATE, UNBONDING])) as unknown as TowerBond;
    const { chainId } = await connection.ethers.provider.getNetwork();
    channel = new TowerChannel({ chainId: Number(chainId), adjudicator: fromHex(await marks.getAddress()), towerBond: fromHex(await bond.getAddress()) }, "bonded");
    await connection.networkHelpers.time.setNextBlockTimestamp(FROM - 1_000);
    await (await bond.bond(signer.wallet.address, { value: BOND })).wait();
    const snapshot = await connection.networkHelpers.takeSnapshot();
    restore = () => snapshot.restore();
  });
  afterEach(() => restore());
  after(() => connection.close());

  const owner = async (): Promise<string> => (await connection.ethers.getSigners())[0]!.address;

  /** How the channel ended, of the other side of `side`. */
  async function setMark(mark: Mark, side: 0 | 1 = 0): Promise<void> {
    const { status = CLOSED, isUnilateral = true, isExtended = false, deadline = FROM + 5_000, version = 0, sequence = 0, highestPaid = 0 } = mark;
    const zero = { sequenceA: 0, paidByA: 0, sequenceB: 0, paidByB: 0, highestPaidByA: 0, highestPaidByB: 0, locksHashA: `0x${"00".repeat(32)}`, locksHashB: `0x${"00".repeat(32)}` };
    const paid = otherSide(side) === 0 ? { sequenceA: sequence, paidByA: highestPaid, highestPaidByA: highestPaid } : { sequenceB: sequence, paidByB: highestPaid, highestPaidByB: highestPaid };
    await (await marks.setMark(channel.id, { status, isExtended, isUnilateral, deadline, version, withdrawalNonce: 0, netA: 0, netB: 0 }, { ...zero, ...paid })).wait();
  }

  function receiptFor(state: TowerState, change: Partial<TowerReceipt> = {}): TowerReceipt {
    return { channelId: channel.id, side: state.side, ...rankOf(state), from: FROM, until: FROM + 10 * DAY, ...change };
  }

  function slash(state: TowerState, options: { receipt?: Partial<TowerReceipt>; key?: Uint8Array; update?: SignedUpdate; tower?: string; config?: TowerChannel["config"] } = {}) {
    const receipt = receiptFor(state, options.receipt);
    const signature = signDigest(receiptDigest(towerDomainSeparator(channel.domain), receipt), options.key ?? signer.key);
    return owner().then((address) =>
      bond.slash(options.tower ?? address, { ...receipt, channelId: toHex(receipt.channelId) }, signature, configStruct(options.config ?? channel.config), updateStruct(options.update ?? updateOf(state))),
    );
  }

  async function errorOf(call: Promise<unknown>): Promise<string> {
    try {
      await call;
      return "none";
    } catch (error) {
      return /reverted with custom error '(\w+)\(/.exec(String(error))?.[1] ?? String(error);
    }
  }

  const vouched = (): TowerState => channel.state(0, { base: channel.base(2, 10, 20), voucher: { sequence: 9, paid: 90 } });

  it("digest: the contract and the tower sign the same receipt", async () => {
    const receipt = receiptFor(vouched());
    expect(await bond.receiptDigest({ ...receipt, channelId: toHex(receipt.channelId) })).to.equal(toHex(receiptDigest(towerDomainSeparator(channel.domain), receipt)));
  });

  it("slash: half of the bond for the harmed party, half burned, both pulled, and only once", async () => {
    await setMark({ version: 1, highestPaid: 1_000 });
    await (await slash(vouched())).wait();
    const harmed = channel.parties[0].wallet.connect(connection.ethers.provider);
    expect(await bond.credit(harmed.address)).to.equal(BOND / 2n);
    expect(await bond.burned()).to.equal(BOND - BOND / 2n);
    await connection.networkHelpers.setBalance(harmed.address, 10n ** 18n);
    const to = testKey("purse").wallet.address;
    await (await (bond.connect(harmed) as TowerBond).withdrawCredit(to)).wait();
    await (await bond.withdrawBurned()).wait();
    expect(await connection.ethers.provider.getBalance(to)).to.equal(BOND / 2n);
    expect(await connection.ethers.provider.getBalance(await bond.getAddress())).to.equal(0n);
    expect(await errorOf(slash(vouched()))).to.equal("TowerSlashed");
    expect(await errorOf(bond.bond(signer.wallet.address, { value: BOND }))).to.equal("TowerSlashed");
    expect(await errorOf((bond.connect(harmed) as TowerBond).withdrawCredit(to))).to.equal("NoCredit");
    expect(await errorOf(bond.withdrawBurned())).to.equal("NothingBurned");
  });

  const below: readonly (readonly [string, Mark, () => TowerState])[] = [
    ["a lower version", { version: 1, highestPaid: 500 }, vouched],
    ["the version, and less paid", { version: 2, highestPaid: 89 }, vouched],
    ["a base without its voucher", { version: 1 }, () => channel.state(0, { base: channel.base(2, 10, 20) })],
    ["an endorsed voucher with locks that was not handed in", { version: 2, highestPaid: 20 }, () => channel.state(0, { base: channel.base(2, 10, 20), voucher: { sequence: 9, paid: 90, locks: [{ hashlock: getBytes(channel.id), amount: 5, expiry: FROM }] }, endorsed: true })],
    ["an endorsed voucher, an older one of which was", { version: 2, sequence: 8, highestPaid: 89 }, () => channel.state(0, { base: channel.base(2, 10, 20), voucher: { sequence: 9, paid: 90 }, endorsed: true })],
    ["a close that was extended and began in the mandate", { version: 1, isExtended: true, deadline: FROM + 1_500 }, vouched],
    ["a voucher of a granted key", { version: 2, highestPaid: 89 }, () => channel.state(0, { base: channel.base(2, 10, 20), voucher: { sequence: 9, paid: 90, grant: channel.grant(1, "session", 90, FROM + 5_000) } })],
  ];
  for (const [what, mark, state] of below) {
    it(`slash: takes the bond for ${what}`, async () => {
      await setMark(mark);
      await (await slash(state())).wait();
      expect((await bond.bondOf(await owner())).isSlashed).to.equal(true);
    });
  }

  it("slash: takes a grant without a signature only if the adjudicator has it", async () => {
    const grant = { ...channel.grant(1, "session", 90, FROM + 5_000), signature: new Uint8Array(0) };
    const state = channel.state(0, { voucher: { sequence: 9, paid: 90, grant } });
    await setMark({});
    expect(await errorOf(slash(state))).to.equal("GrantUnknown");
    await (await marks.setGrant(channel.id, toHex(channel.config.partyB), toHex(grant.key), grant.cap, grant.expiry)).wait();
    await (await slash(state)).wait();
  });

  const honest: readonly (readonly [string, Mark, () => TowerState])[] = [
    ["what was promised is recorded", { version: 2, highestPaid: 90 }, vouched],
    ["a higher version is recorded, whatever it pays", { version: 3 }, vouched],
    ["the payer signed two bases of one version, and the other one was handed in first", { version: 2 }, () => channel.state(0, { base: channel.base(2, 10, 20) })],
    ["the client endorsed another voucher, so that a plain one could not be handed in", { version: 2, sequence: 1, highestPaid: 0 }, vouched],
    ["the client endorsed a newer one that pays less", { version: 2, sequence: 10, highestPaid: 5 }, () => channel.state(0, { base: channel.base(2, 10, 20), voucher: { sequence: 9, paid: 90 }, endorsed: true })],
    ["more was recorded before the client endorsed less", { version: 2, sequence: 3, highestPaid: 90 }, () => channel.state(0, { base: channel.base(2, 10, 20), voucher: { sequence: 9, paid: 90 }, endorsed: true })],
  ];
  for (const [what, mark, state] of honest) {
    it(`slash: leaves a tower alone when ${what}`, async () => {
      await setMark(mark);
      expect(await errorOf(slash(state()))).to.equal("NotBelow");
    });
  }

  const outside: readonly (readonly [string, Mark, string])[] = [
    ["that is still open", { status: 1 }, "NotClosed"],
    ["that is closing", { status: 2 }, "NotClosed"],
    ["that both closed", { isUnilateral: false }, "NotClosed"],
    ["whose close began before the promise", { deadline: FROM + 999 }, "OutsideMandate"],
    ["whose close began before the promise and was extended", { deadline: FROM + 1_499, isExtended: true }, "OutsideMandate"],
    ["whose close ended after the promise", { deadline: FROM + 10 * DAY + 1 }, "OutsideMandate"],
  ];
  for (const [what, mark, error] of outside) {
    it(`slash: refuses a channel ${what}`, async () => {
      await setMark(mark);
      expect(await errorOf(slash(vouched()))).to.equal(error);
    });
  }

  it("slash: refuses receipts that are not the tower's, too old, too long, or of another channel", async () => {
    await setMark({ version: 1 });
    expect(await errorOf(slash(vouched(), { key: testKey("a stranger").key }))).to.equal("BadReceipt");
    expect(await errorOf(slash(vouched(), { tower: testKey("a stranger").wallet.address }))).to.equal("NotBonded");
    expect(await errorOf(slash(vouched(), { receipt: { from: FROM - 2_000 } }))).to.equal("OutsideBond");
    expect(await errorOf(slash(vouched(), { receipt: { until: FROM + MANDATE + 1 } }))).to.equal("OutsideBond");
    expect(await errorOf(slash(vouched(), { config: { ...channel.config, salt: 2 } }))).to.equal("WrongChannel");
    expect(await errorOf(slash({ ...vouched(), side: 2 as 0 }, { update: updateOf(vouched()) }))).to.equal("BadSide");
  });

  it("slash: refuses evidence that is not the state of the receipt, or not signed as it must be", async () => {
    await setMark({ version: 1 });
    const state = vouched();
    const { base, vouchers } = updateOf(state);
    const [voucher] = vouchers!;
    const wrong: readonly (readonly [SignedUpdate, string])[] = [
      [{ vouchers: [voucher!] }, "WrongEvidence"],
      [{ base: base! }, "WrongEvidence"],
      [{ base: channel.base(3, 10, 20), vouchers: [voucher!] }, "WrongEvidence"],
      [{ base: base!, vouchers: [channel.voucher(0, { version: 2, sequence: 9, paid: 90 })] }, "WrongEvidence"],
      [{ base: base!, vouchers: [channel.voucher(1, { version: 1, sequence: 9, paid: 90 })] }, "WrongEvidence"],
      [{ base: base!, vouchers: [channel.voucher(1, { version: 2, sequence: 8, paid: 90 })] }, "WrongEvidence"],
      [{ base: base!, vouchers: [channel.voucher(1, { version: 2, sequence: 9, paid: 91 })] }, "WrongEvidence"],
      [{ base: base!, vouchers: [channel.voucher(1, { version: 2, sequence: 9, paid: 90, locks: [{ hashlock: getBytes(channel.id), amount: 1, expiry: FROM }] })] }, "WrongEvidence"],
      [{ base: { ...base!, paidByA: 11 }, vouchers: [voucher!] }, "BadSignature"],
      [{ base: { ...base!, signatures: [base!.signatures[1], base!.signatures[0]] }, vouchers: [voucher!] }, "BadSignature"],
      [{ base: base!, vouchers: [{ ...voucher!, by: channel.sign(0, channel.id) }] }, "BadSignature"],
      [{ base: base!, vouchers: [{ ...voucher!, by: { signature: new Uint8Array(65) } }] }, "BadSignature"],
      [{ base: base!, vouchers: [{ ...voucher!, endorsement: channel.sign(1, channel.id) }] }, "BadSignature"],
      [{ base: base!, vouchers: [channel.voucher(1, { version: 2, sequence: 9, paid: 90, grant: channel.grant(1, "session", 89, FROM + 5_000) })] }, "GrantCapExceeded"],
      [{ base: base!, vouchers: [channel.voucher(1, { version: 2, sequence: 9, paid: 90, grant: channel.grant(1, "session", 90, FROM + 4_999) })] }, "GrantExpired"],
      [{ base: base!, vouchers: [channel.voucher(1, { version: 2, sequence: 9, paid: 90, grant: channel.grant(0, "session", 90, FROM + 5_000) })] }, "BadSignature"],
    ];
    for (const [update, error] of wrong) expect(await errorOf(slash(state, { update }))).to.equal(error);
    expect(await errorOf(slash(channel.state(0, { base: channel.base(2, 10, 20) }), { receipt: { paid: 19 } }))).to.equal("WrongEvidence");
  });

  it("bond: only once, large enough, with a signer; topped up; a signer of another tower may be the same", async () => {
    expect(await errorOf(bond.bond(signer.wallet.address, { value: BOND }))).to.equal("AlreadyBonded");
    const [, second] = await connection.ethers.getSigners();
    const other = bond.connect(second!) as TowerBond;
    expect(await errorOf(other.bond(signer.wallet.address, { value: BOND - 1n }))).to.equal("BondTooSmall");
    expect(await errorOf(other.bond(`0x${"00".repeat(20)}`, { value: BOND }))).to.equal("ZeroSigner");
    expect(await errorOf(other.addBond({ value: 1n }))).to.equal("NotBonded");
    await (await bond.addBond({ value: 9n })).wait();
    expect((await bond.bondOf(await owner())).amountWei).to.equal(BOND + 9n);
  });

  it("unbond: the bond is locked for longer than any promise, and slashed meanwhile all the same", async () => {
    const purse = testKey("purse").wallet.address;
    expect(await errorOf(bond.withdraw(purse))).to.equal("BondLocked");
    await (await bond.unbond()).wait();
    expect(await errorOf(bond.unbond())).to.equal("AlreadyUnbonding");
    expect(await errorOf(bond.withdraw(purse))).to.equal("BondLocked");
    const snapshot = await connection.networkHelpers.takeSnapshot();
    await setMark({ version: 1 });
    await (await slash(vouched())).wait();
    expect(await errorOf(bond.withdraw(purse))).to.equal("TowerSlashed");
    await snapshot.restore();
    await connection.networkHelpers.time.increase(UNBONDING);
    await (await bond.withdraw(purse)).wait();
    expect(await connection.ethers.provider.getBalance(purse)).to.equal(BOND);
    expect(await errorOf(bond.withdraw(purse))).to.equal("NotBonded");
    // A new bond does not stand for the promises of the old one.
    await (await bond.bond(signer.wallet.address, { value: BOND })).wait();
    await setMark({ version: 1 });
    expect(await errorOf(slash(vouched()))).to.equal("OutsideBond");
  });

  it("deployment: refuses an unbonding time that is not longer than the longest promise", async () => {
    expect(await errorOf(connection.ethers.deployContract("TowerBond", [await marks.getAddress(), BOND, MANDATE, MANDATE]))).to.match(/UnbondingTooShort/);
  });

  it("payment: a payee that reverts keeps its credit, and nobody else is held up", async () => {
    await setMark({ version: 1 });
    await (await slash(vouched())).wait();
    const harmed = channel.parties[0].wallet.connect(connection.ethers.provider);
    await connection.networkHelpers.setBalance(harmed.address, 10n ** 18n);
    expect(await errorOf((bond.connect(harmed) as TowerBond).withdrawCredit(await marks.getAddress()))).to.equal("PaymentFailed");
    expect(await bond.credit(harmed.address)).to.equal(BOND / 2n);
    await (await bond.withdrawBurned()).wait();
  });
});
