import { expect } from "chai";
import { getCreateAddress, ZeroAddress, ZeroHash } from "ethers";
import hre from "hardhat";

import { bidCommitment } from "../../../chain/bounties/bidCommitment.ts";
import type { BountyTerms } from "../../../chain/bounties/BountyTerms.ts";
import { termsStruct } from "../../../chain/bounties/BountyTerms.ts";
import { storageLayouts } from "../../../scripts/layout/storageLayouts.ts";
import type { BountyBoard, FreezingToken, HostileRecipient, HostileToken, ReentrantToken } from "../../../typechain-types/index.ts";
import { BountyStage, errorOf, GOAL, SALT, STAKE, WORK } from "../../builders/bountyStage.ts";

describe("BountyBoard: attacks", () => {
  const withToken = (name: string): { stage: () => BountyStage; terms: (change?: Partial<BountyTerms>) => BountyTerms } => {
    let stage: BountyStage;
    let restore: () => Promise<void>;
    before(async () => {
      stage = await BountyStage.start({ token: name });
      const snapshot = await stage.connection.networkHelpers.takeSnapshot();
      restore = () => snapshot.restore();
    });
    afterEach(() => restore());
    after(() => stage.connection.close());
    return { stage: () => stage, terms: (change = {}) => stage.terms({ token: stage.addressOf(stage.token), ...change }) };
  };

  describe("a token that takes balances away, or freezes accounts", () => {
    const scene = withToken("FreezingToken");
    const token = (): FreezingToken => scene.stage().token as unknown as FreezingToken;
    const tokenAddress = (): string => scene.stage().addressOf(scene.stage().token);
    const held = async (address: string): Promise<bigint> => await token().balanceOf(address);

    it("shrunk by half: no bounty is hired for at the cost of another, and all lose the same part", async () => {
      const stage = scene.stage();
      const [first, second] = [await stage.post(scene.terms({ maxRounds: 1 })), await stage.post(scene.terms({ maxRounds: 1 }))];
      await stage.fund(first, GOAL);
      await stage.bids(first, [GOAL]);
      await stage.send(token().setPercent(50));
      expect(await errorOf(stage.by(stage.poster).award(first, stage.bidders[0]!.address))).to.equal("BalanceShort");
      expect(await errorOf(stage.by(stage.funder).fund(first, 1n))).to.equal("BalanceShort");
      for (const id of [first, second]) {
        await stage.until(id, "LAPSED");
        await stage.send(stage.by(stage.stranger).close(id));
        await stage.send(stage.by(stage.stranger).refund(id, stage.poster.address));
      }
      await stage.send(stage.by(stage.stranger).refund(first, stage.funder.address));
      await stage.send(stage.by(stage.stranger).withdrawBid(first, stage.bidders[0]!.address));
      for (const [account, amount] of [[stage.poster, 2n * GOAL], [stage.funder, GOAL], [stage.bidders[0]!, STAKE]] as const) {
        expect(await stage.credit(account, tokenAddress())).to.equal(amount);
        const before = await held(account.address);
        await stage.send(stage.by(account).withdraw(tokenAddress(), account.address));
        expect(Number((await held(account.address)) - before)).to.be.closeTo(Number(amount / 2n), 2);
      }
      expect(await stage.board.owed(tokenAddress())).to.equal(0n);
    });

    it("shrunk between two parts: that is not the worker's failure; its stake is back and the bounty closed", async () => {
      const stage = scene.stage();
      const id = await stage.engaged({ ...stage.milestones(), token: tokenAddress() }, [GOAL]);
      await stage.complete(id);
      await stage.send(token().setPercent(90));
      const names = stage.events(await stage.advance(id)).map(({ name }) => name);
      expect(names).to.include.members(["PartEnded", "PartNotStarted", "Finished", "Closed"]);
      expect(await stage.credit(stage.bidders[0]!, tokenAddress())).to.equal(STAKE);
      expect((await stage.state(id)).left).to.equal((GOAL * 8n) / 10n);
    });

    it("frozen for the escrow: the bounty goes on without what does not come, and fetches it when it can", async () => {
      const stage = scene.stage();
      const id = await stage.engaged(scene.terms(), [GOAL, GOAL]);
      await stage.reject(id);
      await stage.send(token().setFrozen(stage.addressOf(stage.escrow), true));
      await stage.advance(id);
      expect(await stage.phase(id)).to.equal("AWARD");
      expect((await stage.state(id)).pool).to.equal(GOAL + (STAKE * 4n) / 10n);
      expect(await errorOf(stage.by(stage.poster).award(id, stage.bidders[1]!.address))).to.equal("BalanceShort");
      expect(await errorOf(stage.by(stage.stranger).collect(tokenAddress()))).to.not.equal("none");
      await stage.send(token().setFrozen(stage.addressOf(stage.escrow), false));
      await stage.send(stage.by(stage.stranger).collect(tokenAddress()));
      await stage.send(stage.by(stage.poster).award(id, stage.bidders[1]!.address));
      await stage.complete(id);
      await stage.advance(id);
      expect(await stage.phase(id)).to.equal("CLOSED");
      expect(await stage.isSolvent()).to.equal(true);
    });

    it("refunds of several jobs: each bounty gets its own, whichever is advanced first", async () => {
      const stage = scene.stage();
      const prices = [100n, 2_000n, 30_000n];
      const ids: bigint[] = [];
      for (const price of prices) ids.push(await stage.engaged(scene.terms({ maxRounds: 1 }), [price]));
      for (const id of ids) await stage.reject(id);
      await stage.advance(ids[1]!);
      expect(await stage.jobCredit(stage, tokenAddress())).to.equal(0n);
      await stage.advance(ids[2]!);
      await stage.advance(ids[0]!);
      for (const id of ids) expect((await stage.state(id)).left).to.equal(GOAL + (STAKE * 4n) / 10n);
      expect(await stage.isSolvent()).to.equal(true);
    });

    it("a payee that is frozen keeps its credit, and others are paid", async () => {
      const stage = scene.stage();
      const id = await stage.post(scene.terms(), 10n);
      await stage.fund(id, 20n);
      await stage.send(stage.by(stage.poster).close(id));
      for (const funder of [stage.poster, stage.funder]) await stage.send(stage.by(stage.stranger).refund(id, funder.address));
      await stage.send(token().setFrozen(stage.poster.address, true));
      expect(await errorOf(stage.by(stage.poster).withdraw(tokenAddress(), stage.poster.address))).to.equal("Frozen");
      await stage.send(stage.by(stage.funder).withdraw(tokenAddress(), stage.funder.address));
      await stage.send(stage.by(stage.poster).withdraw(tokenAddress(), stage.stranger.address));
      expect(await stage.board.owed(tokenAddress())).to.equal(0n);
    });
  });

  describe("a token that keeps a part", () => {
    const scene = withToken("FeeToken");

    it("is refused whenever money comes in", async () => {
      const stage = scene.stage();
      expect(await errorOf(stage.post(scene.terms()))).to.equal("WrongAmountReceived");
      const id = await stage.post(scene.terms(), 0n);
      expect(await errorOf(stage.fund(id, GOAL))).to.equal("WrongAmountReceived");
      expect(await stage.board.owed(stage.addressOf(stage.token))).to.equal(0n);
    });
  });

  describe("a token that lies", () => {
    const scene = withToken("HostileToken");
    const token = (): HostileToken => scene.stage().token as unknown as HostileToken;

    it("refuses to be paid out: its bounties stand, others go on", async () => {
      const stage = scene.stage();
      const id = await stage.engaged(scene.terms({ maxRounds: 1 }), [GOAL]);
      await stage.reject(id);
      for (const mode of [1, 2, 3, 5]) {
        await stage.send(token().setMode(mode));
        const snapshot = await stage.connection.networkHelpers.takeSnapshot();
        await stage.advance(id);
        expect(await stage.phase(id)).to.equal("CLOSED");
        await snapshot.restore();
      }
      await stage.advance(id);
      const other = await stage.post(stage.terms());
      await stage.bids(other, [GOAL]);
      await stage.send(stage.by(stage.poster).award(other, stage.bidders[0]!.address));
      await stage.complete(other);
      await stage.advance(other);
      await stage.send(stage.by(stage.bidders[0]!).withdraw(ZeroAddress, stage.bidders[0]!.address));
      expect(await errorOf(stage.by(stage.stranger).withdraw(stage.addressOf(stage.token), stage.stranger.address))).to.not.equal("none");
      await stage.send(token().setMode(0));
      await stage.send(stage.by(stage.stranger).collect(stage.addressOf(stage.token)));
      await stage.send(stage.by(stage.stranger).withdraw(stage.addressOf(stage.token), stage.stranger.address));
      expect(await stage.isSolvent()).to.equal(true);
    });

    it("takes what the board holds while it pays: refused", async () => {
      const stage = scene.stage();
      await stage.send(token().setMode(6));
      expect(await errorOf(stage.post(scene.terms()))).to.equal("WrongAmountReceived");
      await stage.send(token().setMode(1));
      expect(await errorOf(stage.post(scene.terms()))).to.equal("SafeERC20FailedOperation");
    });
  });

  describe("a token that calls back", () => {
    const scene = withToken("ReentrantToken");

    it("meets the guard in every function that moves it", async () => {
      const stage = scene.stage();
      const token = stage.token as unknown as ReentrantToken;
      const closed = await stage.post(scene.terms(), 5n);
      await stage.send(stage.by(stage.poster).close(closed));
      const id = await stage.post(scene.terms(), 0n);
      await stage.send(token.setCall(stage.address, stage.board.interface.encodeFunctionData("refund", [closed, stage.poster.address])));
      const guarded = async (): Promise<void> => {
        expect(stage.board.interface.parseError(await token.lastRevert())?.name).to.equal("ReentrancyGuardReentrantCall");
        await stage.send(token.setCall(stage.address, stage.board.interface.encodeFunctionData("refund", [closed, stage.poster.address])));
      };
      await stage.fund(id, GOAL);
      await guarded();
      await stage.commit(id, stage.bidders[0]!, GOAL);
      await guarded();
      await stage.until(id, "REVEAL");
      await stage.reveal(id, stage.bidders[0]!, GOAL);
      await stage.until(id, "AWARD");
      await stage.send(stage.by(stage.poster).award(id, stage.bidders[0]!.address));
      await guarded();
      await stage.complete(id);
      await stage.advance(id);
      await stage.send(stage.by(stage.bidders[0]!).withdraw(stage.addressOf(stage.token), stage.bidders[0]!.address));
      await guarded();
    });
  });

  describe("accounts and money", () => {
    const scene = withToken("TestToken");

    for (const mode of ["Reverts", "BurnsGas", "ReturnsBomb", "CallsBack"] as const) {
      it(`worker that ${mode} when it is paid: hurts nobody else, and the bounty ends`, async () => {
        const stage = scene.stage();
        const hostile = (await stage.connection.ethers.deployContract("HostileRecipient")) as unknown as HostileRecipient;
        const address = await hostile.getAddress();
        const execute = async (to: string, data: string, value = 0n): Promise<void> => {
          await stage.send(hostile.execute(to, value, data, { value }));
        };
        const board = stage.board.interface;
        await execute(stage.addressOf(stage.registry), stage.registry.interface.encodeFunctionData("setApprovalForAll", [stage.stranger.address, true]));
        const agentId = stage.agentOf(stage.bidders[0]!);
        await stage.send((stage.registry.connect(stage.bidders[0]!) as typeof stage.registry).approve(address, agentId));
        const id = await stage.post(stage.metered());
        const { chainId } = await stage.connection.ethers.provider.getNetwork();
        const commitment = bidCommitment({ chainId, board: stage.address, id, round: 1, bidder: address }, { agentId, price: 1_000n, salt: SALT });
        await execute(stage.address, board.encodeFunctionData("commitBid", [id, commitment]), STAKE);
        await stage.until(id, "REVEAL");
        await execute(stage.address, board.encodeFunctionData("revealBid", [id, agentId, 1_000n, SALT]));
        await stage.until(id, "FALLBACK");
        await stage.send(hostile.setCall(stage.address, board.encodeFunctionData("claimUnits", [id])));
        await stage.send(hostile.setMode(["Good", "Reverts", "BurnsGas", "ReturnsBomb", "CallsBack"].indexOf(mode)));
        await stage.send(stage.by(stage.stranger).awardBest(id));
        await stage.meterSays("Good", 1_000n);
        await stage.send(stage.by(stage.stranger).claimUnits(id));
        expect(await stage.phase(id)).to.equal("CLOSED");
        expect(await stage.credit({ address })).to.equal(GOAL + STAKE);
        const withdrawal = errorOf(execute(stage.address, board.encodeFunctionData("withdraw", [ZeroAddress, address])));
        if (mode === "CallsBack") {
          expect(await withdrawal).to.equal("none");
          expect(board.parseError(await hostile.lastRevert())?.name).to.equal("ReentrancyGuardReentrantCall");
        } else {
          expect(await withdrawal).to.not.equal("none");
          await execute(stage.address, board.encodeFunctionData("withdraw", [ZeroAddress, stage.stranger.address]));
        }
        expect(await stage.board.owed(ZeroAddress)).to.equal(0n);
      });
    }

    it("shares: whoever comes when the money is spent pays for nothing, and has no part of what was there before", async () => {
      const stage = scene.stage();
      const id = await stage.post(stage.terms({ goal: 1_000n, ceiling: 1_000n, stake: 1_000n }));
      await stage.bids(id, [1_000n, 900n]);
      await stage.send(stage.by(stage.poster).award(id, stage.bidders[0]!.address));
      await stage.reject(id);
      await stage.advance(id);
      // 1,000 and the 400 of the stake are the poster's; 1,400 more buy exactly as much.
      await stage.fund(id, 1_400n);
      expect(await stage.board.sharesOf(id, stage.funder.address)).to.equal(await stage.board.sharesOf(id, stage.poster.address));
      await stage.send(stage.by(stage.poster).close(id));
      for (const funder of [stage.poster, stage.funder]) {
        await stage.send(stage.by(stage.stranger).refund(id, funder.address));
        expect(await stage.credit(funder)).to.equal(1_400n);
      }
    });

    it("shares: of a pool that is all but empty they begin anew", async () => {
      const stage = scene.stage();
      const goal = 2n ** 40n;
      const id = await stage.engaged(stage.metered({ goal, ceiling: 1n }));
      await stage.meterSays("Good", goal - 10n);
      await stage.fund(id, 1_000n);
      expect((await stage.state(id)).era).to.equal(2);
      expect(await stage.board.sharesOf(id, stage.poster.address)).to.equal(0n);
      await stage.pass(10_000);
      await stage.send(stage.by(stage.stranger).finish(id));
      expect(await errorOf(stage.by(stage.stranger).refund(id, stage.poster.address))).to.equal("NothingToRefund");
      await stage.send(stage.by(stage.stranger).refund(id, stage.funder.address));
      expect(await stage.credit(stage.funder)).to.equal(1_010n);
    });

    it("amounts: nothing is funded with nothing, nor beyond 120 bits", async () => {
      const stage = scene.stage();
      const id = await stage.post(scene.terms({ goal: 2n ** 120n - 1n, ceiling: 2n ** 120n - 1n }), 10n);
      expect(await errorOf(stage.by(stage.funder).fund(id, 0n))).to.equal("ZeroAmount");
      expect(await errorOf(stage.by(stage.funder).fund(id, 2n ** 120n - 10n))).to.equal("AmountTooLarge");
      expect(await errorOf(stage.by(stage.funder).fund(id, 5n, { value: 5n }))).to.equal("WrongValue");
      const inEth = await stage.post(stage.terms(), 0n);
      expect(await errorOf(stage.by(stage.funder).fund(inEth, 5n, { value: 4n }))).to.equal("WrongValue");
      expect(await errorOf(stage.by(stage.poster).post(termsStruct(stage.terms()), { uri: "", hash: ZeroHash }, { uri: "", hash: ZeroHash }, 0n, { value: 1n }))).to.equal("WrongValue");
    });

    it("unfunded: a bounty without money refunds nobody, whatever others hold", async () => {
      const stage = scene.stage();
      await stage.post(stage.terms());
      const empty = await stage.post(stage.terms(), 0n);
      await stage.send(stage.by(stage.poster).close(empty));
      expect(await errorOf(stage.by(stage.stranger).refund(empty, stage.poster.address))).to.equal("NothingToRefund");
      expect(await errorOf(stage.by(stage.stranger).withdraw(ZeroAddress, stage.stranger.address))).to.equal("NoCredit");
    });

    it("poster as bidder: pays itself, and gains nothing of others' stakes", async () => {
      const stage = scene.stage();
      await stage.send((stage.registry.connect(stage.poster) as typeof stage.registry).register(""));
      const agentId = BigInt(stage.bidders.length);
      const id = await stage.post(stage.terms({ maxRounds: 1 }));
      await stage.commit(id, stage.poster, 10n, { agentId });
      await stage.until(id, "REVEAL");
      await stage.reveal(id, stage.poster, 10n, { agentId });
      await stage.until(id, "AWARD");
      await stage.send(stage.by(stage.poster).award(id, stage.poster.address));
      await stage.pass(WORK);
      await stage.send(stage.escrowBy(stage.stranger).claimRefund((await stage.state(id)).jobId));
      await stage.advance(id, stage.poster);
      await stage.send(stage.by(stage.poster).refund(id, stage.poster.address));
      // It loses the half that is burned, even if it reports itself.
      expect(await stage.credit(stage.poster)).to.equal(GOAL + STAKE / 10n + (STAKE * 4n) / 10n);
    });

    it("intake: the second half of the code does nothing on its own", async () => {
      const stage = scene.stage();
      const intake = stage.board.attach(getCreateAddress({ from: stage.address, nonce: 1 })) as BountyBoard;
      const none = { uri: "", hash: ZeroHash };
      const calls = [
        () => intake.post(termsStruct(stage.terms()), none, none, 1n, { value: 1n }),
        () => intake.commitBid(1n, ZeroHash),
        () => intake.revealBid(1n, 0n, 1n, ZeroHash),
        () => intake.rank(1n, stage.poster.address),
        () => intake.withdrawBid(1n, stage.poster.address),
      ];
      for (const call of calls) expect(await errorOf(call())).to.equal("NotForBoard");
      expect(await stage.connection.ethers.provider.getBalance(await intake.getAddress())).to.equal(0n);
    });

    it("code: two halves that fit into what a contract may have, on one layout", async () => {
      const layouts = await storageLayouts(["contracts/bounties/BountyBoard.sol:BountyBoard", "contracts/bounties/BountyIntake.sol:BountyIntake"]);
      expect(layouts["BountyIntake"]).to.deep.equal(layouts["BountyBoard"]);
      for (const name of ["BountyBoard", "BountyIntake"]) {
        const { bytecode, deployedBytecode } = await hre.artifacts.readArtifact(name);
        expect((deployedBytecode.length - 2) / 2, name).to.be.lessThan(24_576);
        expect((bytecode.length - 2) / 2, name).to.be.lessThan(49_152 - 160);
      }
    });
  });
});
