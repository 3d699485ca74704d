import { expect } from "chai";
import { MaxUint256, ZeroAddress } from "ethers";
import hre from "hardhat";

import type { FeeToken, FreezingToken, GreedyToken, HostileRecipient, HostileToken, ReentrantToken, SilentToken, TestToken, TestVault } from "../../../typechain-types/index.ts";
import { errorOf } from "../../builders/jobScene.ts";

const BURN = "0x000000000000000000000000000000000000dEaD";

describe("TokenVault", () => {
  let connection: Awaited<ReturnType<typeof hre.network.create>>;
  let vault: TestVault;
  let address: string;
  let restore: () => Promise<void>;
  let [owner, ann, bob, treasury] = ["", "", "", ""];

  before(async () => {
    connection = await hre.network.create();
    [owner, ann, bob, treasury] = (await connection.ethers.getSigners()).map((signer) => signer.address) as [string, string, string, string];
    vault = await deploy<TestVault>("TestVault", [owner, 250n, treasury]);
    address = await vault.getAddress();
    const snapshot = await connection.networkHelpers.takeSnapshot();
    restore = () => snapshot.restore();
  });
  afterEach(() => restore());
  after(() => connection.close());

  async function deploy<T>(name: string, args: readonly unknown[] = []): Promise<T> {
    return (await connection.ethers.deployContract(name, [...args])) as unknown as T;
  }
  const by = async (account: string): Promise<TestVault> => vault.connect(await connection.ethers.getSigner(account)) as TestVault;
  /** A token of which the owner has plenty. */
  async function tokenOf<T>(name: string): Promise<readonly [T & TestToken, string]> {
    const token = await deploy<T & TestToken>(name);
    await token.mint(owner, 10n ** 12n);
    await token.approve(address, MaxUint256);
    return [token, await token.getAddress()];
  }

  describe("what comes in", () => {
    it("ETH: exactly as much as is said", async () => {
      await vault.take(ZeroAddress, 5n, { value: 5n });
      for (const value of [0n, 4n, 6n]) expect(await errorOf(vault.take(ZeroAddress, 5n, { value }))).to.equal("WrongValue");
      expect(await vault.owed(ZeroAddress)).to.equal(5n);
    });

    it("tokens: are measured, and come without ETH", async () => {
      const [, token] = await tokenOf("TestToken");
      expect(await errorOf(vault.take(token, 5n, { value: 1n }))).to.equal("WrongValue");
      await vault.take(token, 5n);
      await vault.take(token, 0n);
      expect(await vault.owed(token)).to.equal(5n);
    });

    it("a token that charges for transfers: is refused", async () => {
      const [, token] = await tokenOf<FeeToken>("FeeToken");
      expect(await errorOf(vault.take(token, 1_000n))).to.equal("WrongAmountReceived");
    });

    it("tokens that return false, take the balance away meanwhile, or deliver more: are refused", async () => {
      const [token, at] = await tokenOf<HostileToken>("HostileToken");
      await token.setMode(1n);
      expect(await errorOf(vault.take(at, 5n))).to.equal("SafeERC20FailedOperation");
      await token.setMode(6n);
      expect(await errorOf(vault.take(at, 5n))).to.equal("WrongAmountReceived");
      await token.setMode(7n);
      expect(await errorOf(vault.take(at, 5n))).to.equal("WrongAmountReceived");
    });

    it("a token that returns nothing: is a token", async () => {
      const [, token] = await tokenOf<SilentToken>("SilentToken");
      await vault.give(token, ann, 5n);
      await (await by(ann)).withdraw(token, bob);
      expect(await vault.owed(token)).to.equal(0n);
    });

    it("what is no token: is refused", async () => {
      for (const token of [ann, address]) expect(await errorOf(vault.take(token, 5n))).to.not.equal("none");
    });

    it("more than half of 128 bits: is refused", async () => {
      const [token, at] = await tokenOf("TestToken");
      await token.mint(owner, 2n ** 128n);
      expect(await errorOf(vault.take(at, 2n ** 127n))).to.equal("AmountTooLarge");
      await vault.take(at, 2n ** 127n - 1n);
    });

    it("a token that calls back while it comes in: meets the guard", async () => {
      const [token, at] = await tokenOf<ReentrantToken>("ReentrantToken");
      await vault.give(at, await token.getAddress(), 7n);
      for (const data of [
        vault.interface.encodeFunctionData("withdraw", [at, ann]),
        vault.interface.encodeFunctionData("withdrawBurned", [at]),
        vault.interface.encodeFunctionData("take", [at, 0n]),
      ]) {
        await token.setCall(address, data);
        await vault.take(at, 5n);
        expect(await token.lastRevert()).to.equal(connection.ethers.id("ReentrancyGuardReentrantCall()").slice(0, 10));
      }
    });
  });

  describe("what goes out", () => {
    it("a credit: is pulled whole by its account, to wherever it says, once", async () => {
      await vault.give(ZeroAddress, ann, 9n, { value: 9n });
      expect(await errorOf((await by(bob)).withdraw(ZeroAddress, bob))).to.equal("NoCredit");
      const to = `0x${"77".repeat(20)}`;
      await (await by(ann)).withdraw(ZeroAddress, to);
      expect(await connection.ethers.provider.getBalance(to)).to.equal(9n);
      expect(await errorOf((await by(ann)).withdraw(ZeroAddress, to))).to.equal("NoCredit");
      expect(await vault.owed(ZeroAddress)).to.equal(0n);
    });

    it("a credit in one token: is none in another", async () => {
      const [, token] = await tokenOf("TestToken");
      await vault.give(ZeroAddress, bob, 9n, { value: 9n });
      await vault.give(token, ann, 9n);
      expect(await errorOf((await by(ann)).withdraw(ZeroAddress, ann))).to.equal("NoCredit");
    });

    it("nobody and the vault itself: are no payees", async () => {
      await vault.give(ZeroAddress, ann, 9n, { value: 9n });
      for (const to of [ZeroAddress, address]) expect(await errorOf((await by(ann)).withdraw(ZeroAddress, to))).to.equal("BadPayee");
    });

    for (const [mode, what] of [[1, "reverts"], [2, "burns all gas"], [3, "answers with a bomb"]] as const) {
      it(`a payee that ${what}: keeps its credit, and holds up nobody`, async () => {
        const payee = await deploy<HostileRecipient>("HostileRecipient");
        const at = await payee.getAddress();
        await vault.give(ZeroAddress, at, 5n, { value: 5n });
        await vault.give(ZeroAddress, ann, 5n, { value: 5n });
        await payee.setMode(mode);
        const data = vault.interface.encodeFunctionData("withdraw", [ZeroAddress, at]);
        expect(await errorOf(payee.execute(address, 0n, data, { gasLimit: 1_000_000 }))).to.equal("PaymentFailed");
        await (await by(ann)).withdraw(ZeroAddress, ann);
        expect(await vault.credit(ZeroAddress, at)).to.equal(5n);
        await payee.setMode(0);
        await payee.execute(address, 0n, data);
      });
    }

    it("a payee that calls back: meets the guard", async () => {
      const payee = await deploy<HostileRecipient>("HostileRecipient");
      const at = await payee.getAddress();
      await vault.give(ZeroAddress, at, 5n, { value: 5n });
      await vault.give(ZeroAddress, ann, 5n, { value: 5n });
      const data = vault.interface.encodeFunctionData("withdraw", [ZeroAddress, at]);
      await payee.setCall(address, data);
      await payee.setMode(4);
      await payee.execute(address, 0n, data);
      expect([await payee.successes(), await connection.ethers.provider.getBalance(address)]).to.deep.equal([0n, 5n]);
    });

    it("an account that the token froze: keeps its credit, pays elsewhere, and holds up nobody", async () => {
      const [token, at] = await tokenOf<FreezingToken>("FreezingToken");
      await vault.give(at, ann, 5n);
      await vault.give(at, bob, 6n);
      await token.setFrozen(ann, true);
      expect(await errorOf((await by(ann)).withdraw(at, ann))).to.equal("Frozen");
      await (await by(bob)).withdraw(at, bob);
      await (await by(ann)).withdraw(at, treasury);
      expect(await token.balanceOf(treasury)).to.equal(5n);
    });

    it("tokens that return false or 2: do not pay, and the credit stays", async () => {
      const [token, at] = await tokenOf<HostileToken>("HostileToken");
      await vault.give(at, ann, 5n);
      for (const mode of [1n, 2n, 5n]) {
        await token.setMode(mode);
        expect(await errorOf((await by(ann)).withdraw(at, ann))).to.not.equal("none");
      }
      expect(await vault.credit(at, ann)).to.equal(5n);
      await token.setMode(4n);
      await (await by(ann)).withdraw(at, ann);
    });

    it("what is burned: anyone sends; a token that refuses the burn address keeps it out of everybody's hands", async () => {
      await vault.burn(ZeroAddress, 5n, { value: 5n });
      const before = await connection.ethers.provider.getBalance(BURN);
      await (await by(bob)).withdrawBurned(ZeroAddress);
      expect((await connection.ethers.provider.getBalance(BURN)) - before).to.equal(5n);
      expect(await errorOf(vault.withdrawBurned(ZeroAddress))).to.equal("NoCredit");
      const [, token] = await tokenOf<SilentToken>("SilentToken");
      await vault.burn(token, 5n);
      await vault.give(token, ann, 6n);
      expect(await errorOf(vault.withdrawBurned(token))).to.not.equal("none");
      await (await by(ann)).withdraw(token, ann);
      expect(await vault.owed(token)).to.equal(5n);
    });
  });

  describe("a token that takes balances away", () => {
    it("all lose the same part, whoever comes first, and nothing comes in or is paid on meanwhile", async () => {
      const [token, at] = await tokenOf<FreezingToken>("FreezingToken");
      await vault.give(at, ann, 100n);
      await vault.give(at, bob, 300n);
      await vault.take(at, 600n);
      await token.setPercent(50n);
      expect(await errorOf(vault.take(at, 1n))).to.equal("BalanceShort");
      expect(await errorOf(vault.release(at, 1n))).to.equal("BalanceShort");
      expect(await (await by(ann)).withdraw.staticCall(at, ann)).to.equal(50n);
      await (await by(ann)).withdraw(at, ann);
      expect(await (await by(bob)).withdraw.staticCall(at, bob)).to.equal(150n);
      await (await by(bob)).withdraw(at, bob);
      expect([await vault.owed(at), await token.balanceOf(address)]).to.deep.equal([600n, 300n]);
    });

    it("a balance that comes back: pays in full, and what is beyond stays", async () => {
      const [token, at] = await tokenOf<FreezingToken>("FreezingToken");
      await vault.give(at, ann, 100n);
      await token.setPercent(50n);
      await token.setPercent(200n);
      expect(await (await by(ann)).withdraw.staticCall(at, ann)).to.equal(100n);
      await (await by(ann)).withdraw(at, ann);
      expect(await token.balanceOf(address)).to.equal(100n);
    });

    it("a balance of nothing: leaves credits as they are", async () => {
      const [token, at] = await tokenOf<FreezingToken>("FreezingToken");
      await vault.give(at, ann, 100n);
      await token.setPercent(0n);
      expect(await errorOf((await by(ann)).withdraw(at, ann))).to.equal("BalanceShort");
      expect(await vault.credit(at, ann)).to.equal(100n);
    });

    it("a token that takes more from the sender than it sends: hurts once, then no more of it comes in", async () => {
      const [token, at] = await tokenOf<GreedyToken>("GreedyToken");
      await vault.give(at, ann, 1_000n);
      await vault.give(at, bob, 1_000n);
      await token.setGreedy(true);
      await (await by(ann)).withdraw(at, ann);
      expect(await token.balanceOf(address)).to.equal(990n);
      expect(await errorOf(vault.take(at, 1n))).to.equal("BalanceShort");
    });

    it("another token: is not touched", async () => {
      const [token, at] = await tokenOf<FreezingToken>("FreezingToken");
      const [, other] = await tokenOf("TestToken");
      await vault.give(at, ann, 100n);
      await vault.give(other, ann, 100n);
      await token.setPercent(1n);
      expect(await (await by(ann)).withdraw.staticCall(other, ann)).to.equal(100n);
    });
  });

  describe("fee", () => {
    it("setFee: by the owner, at most 5 %, with a recipient, and for what is funded later", async () => {
      expect(await errorOf((await by(ann)).setFee(0n, ann))).to.equal("OwnableUnauthorizedAccount");
      expect(await errorOf(vault.setFee(501n, treasury))).to.equal("FeeTooHigh");
      expect(await errorOf(vault.setFee(1n, ZeroAddress))).to.equal("FeeWithoutRecipient");
      await vault.setFee(500n, bob);
      expect(await vault.feeVersion()).to.equal(1n);
      expect([...(await vault.feeAt(0n))]).to.deep.equal([250n, treasury]);
      expect([...(await vault.feeAt(1n))]).to.deep.equal([500n, bob]);
      expect(await errorOf(vault.feeAt(2n))).to.equal("UnknownFee");
      await vault.setFee(0n, ZeroAddress);
    });

    it("a payment: is credited less the fee of its version, rounded for the payee", async () => {
      await vault.setFee(500n, bob);
      await vault.pay(ZeroAddress, ann, 1_039n, 0n, { value: 1_039n });
      expect([await vault.credit(ZeroAddress, ann), await vault.credit(ZeroAddress, treasury)]).to.deep.equal([1_014n, 25n]);
      await vault.pay(ZeroAddress, ann, 19n, 1n, { value: 19n });
      expect([await vault.credit(ZeroAddress, ann), await vault.credit(ZeroAddress, bob)]).to.deep.equal([1_033n, 0n]);
    });

    it("the owner: changes in two steps", async () => {
      await vault.transferOwnership(ann);
      expect(await vault.owner()).to.equal(owner);
      await (await by(ann)).acceptOwnership();
      expect(await errorOf(vault.setFee(0n, ZeroAddress))).to.equal("OwnableUnauthorizedAccount");
    });

    it("deployment: refuses a fee that is too high", async () => {
      expect(await errorOf(deploy("TestVault", [owner, 501n, treasury]))).to.equal("FeeTooHigh");
      expect(await errorOf(deploy("TestVault", [owner, 1n, ZeroAddress]))).to.equal("FeeWithoutRecipient");
    });
  });

  it("release and admit: what the vault pays on, or gets otherwise, is accounted for", async () => {
    await vault.take(ZeroAddress, 9n, { value: 9n });
    await vault.release(ZeroAddress, 4n);
    expect(await vault.owed(ZeroAddress)).to.equal(5n);
    await vault.admit(ZeroAddress, 4n);
    expect(await vault.owed(ZeroAddress)).to.equal(9n);
  });
});
