import { expect } from "chai";
import type { JsonRpcApiProvider } from "ethers";
import { Wallet } from "ethers";

import { blockSourceOf } from "../../../chain/HeadWatcher.ts";
import type { DisputeRules, DisputeState } from "../../../services/challenger/decide/DisputeState.ts";
import type { DisputeSources } from "../../../services/challenger/read/DisputeSources.ts";
import { MoveBook } from "../../../services/challenger/read/MoveBook.ts";
import { readDisputes, readRules } from "../../../services/challenger/read/readDisputes.ts";
import { readDueMoney } from "../../../services/challenger/read/readDueMoney.ts";
import { startDisputeNetwork } from "../../builders/disputeNetwork.ts";
import { until } from "../../builders/until.ts";
import type { DisputeNetwork } from "../../builders/disputeNetwork.ts";

const LIAR = `0x${"71".repeat(32)}`;
const SECOND_LIAR = `0x${"73".repeat(32)}`;
const HONEST = `0x${"72".repeat(32)}`;

describe("challenger reads", function () {
  this.timeout(120_000);
  let network: DisputeNetwork;
  let rules: DisputeRules;
  const { address } = new Wallet(HONEST);

  before(async () => {
    network = await startDisputeNetwork("anvil");
    for (const key of [LIAR, SECOND_LIAR, HONEST]) await network.fund(key);
    rules = await readRules(sourcesWith());
  });
  after(() => network.stop());

  function sourcesWith(provider: JsonRpcApiProvider = network.chain.provider, moves = new MoveBook(provider, network.rollup.deployment.contracts.game)): DisputeSources {
    const { rollup, replica, chain } = network;
    const { deployment, contracts } = rollup;
    return { provider: chain.provider, contracts, chainId: deployment.chainId, inboxAddress: deployment.contracts.inbox, firstBlock: deployment.blockNumber, address, playFor: new Set(), replica, moves, maxEpochs: 8 };
  }

  async function read(sources = sourcesWith()): Promise<DisputeState> {
    return await readDisputes(sources, rules, await blockSourceOf(network.chain.provider).latest());
  }

  it("chain of epochs: goes on over true claims up to the first that nobody made, and knows what it costs", async () => {
    for (let count = 0; count < 3; count += 1) await network.epoch(5);
    expect((await read()).epochs).to.have.length(1);
    const first = await network.claimTruth(0);
    await network.claimTruth(1, first);
    const { settlement } = network.rollup.contracts;
    const { epochs, confirmed } = await read();
    expect(confirmed).to.deep.include({ nextEpoch: 0, ownRoot: confirmed.root });
    expect(epochs.map(({ epoch, isMade }) => [epoch, isMade])).to.deep.equal([[0, true], [1, true], [2, false]]);
    for (const { parent, round } of epochs) expect(round.priceWei).to.equal(await settlement.bondFor(parent));
    expect(epochs[1]?.parent).to.equal(first);
    expect(epochs[0]?.round.entries[0]).to.include({ n: 0, isDead: false, isOurs: false, openedAt: 0 });
  });

  it("games: have the contract's own deadlines, whosever turn it is, until both liars are out", async () => {
    const { game, settlement } = network.rollup.contracts;
    const liars = [network.liar(LIAR, 0, 3), network.liar(SECOND_LIAR, 0, 9)];
    await liars[0]!.enter();
    await network.challenger(HONEST);
    await until("the challenger backs the truth", async () => (await read()).epochs[0]!.round.entries.some(({ isOurs }) => isOurs));
    await liars[1]!.enter();
    const phases = new Set<string>();
    await until("both are out", async () => {
      for (const liar of liars) await liar.play();
      const head = await blockSourceOf(network.chain.provider).latest();
      const { epochs } = await readDisputes(sourcesWith(), rules, head);
      for (const { i, j, isOurTurn, lateAt, board } of epochs[0]!.games) {
        const [laterOnMove, at] = await game.deadline(epochs[0]!.round.roundId, i, j, { blockTag: head.number });
        const isOursLater = epochs[0]!.round.entries[j]!.isOurs;
        expect({ isOurTurn, lateAt }, `${i}-${j}`).to.deep.equal({ isOurTurn: laterOnMove === isOursLater, lateAt: Number(at) });
        phases.add(`${board.phase} ${isOurTurn ? "ours" : "theirs"}`);
      }
      return (await settlement.queryFilter(settlement.filters.Eliminated())).length === 2;
    });
    expect([...phases]).to.include("answer ours");
    expect((await read()).epochs[0]!.games).to.deep.equal([]);
  });

  it("money: is what the entry, its games and its opening hold, once the claim is confirmed", async () => {
    const collected = new Set<string>();
    await network.skip(1_200);
    const { settlement } = network.rollup.contracts;
    await until("epoch 0 is confirmed and everything is fetched", async () => {
      const head = await blockSourceOf(network.chain.provider).latest();
      const due = await readDueMoney(sourcesWith(), collected, head);
      return (await settlement.latestConfirmed()).nextEpoch > 0n && due.bonds.length + due.games.length + due.openings.length === 0 && due.creditWei === 0n && collected.size === 1;
    });
    const roundId = await settlement.roundIdOf(await settlement.genesisClaim(), 1);
    expect([...collected]).to.deep.equal([`${roundId}:2`]);
  });

  it("move book: an endpoint that leaves events out costs another reading, and a move that is not there stays unknown", async () => {
    const { game, settlement } = network.rollup.contracts;
    const [opened] = await game.queryFilter(game.filters.Opened());
    const roundId = await settlement.roundIdOf(await settlement.genesisClaim(), 1);
    let asked = 0;
    const forgetful = new Proxy(network.chain.provider, {
      get: (target, name) => {
        if (name !== "send") return Reflect.get(target, name) as unknown;
        return async (method: string, params: unknown[]) => (method === "eth_getLogs" && (asked += 1) === 1 ? [] : await target.send(method, params));
      },
    });
    const moves = new MoveBook(forgetful as never, network.rollup.deployment.contracts.game);
    const wanted = { roundId, fromBlock: 0, toBlock: await network.chain.provider.getBlockNumber(), ours: new Set([2]) };
    const { move } = opened!.args;
    await moves.read(wanted, [move]);
    expect(moves.has(roundId, move)).to.equal(false);
    await moves.read(wanted, [move]);
    expect(moves.openingOf(roundId, move)).to.have.length(opened!.args.states.length);
    const before = asked;
    await moves.read(wanted, [move]);
    expect(asked, "what is known is not asked for").to.equal(before);
    await moves.read(wanted, [`0x${"ee".repeat(32)}`]);
    expect(moves.has(roundId, `0x${"ee".repeat(32)}`)).to.equal(false);
    expect(moves.has(roundId, move)).to.equal(true);
    moves.keepOnly(new Set());
    expect(moves.has(roundId, move)).to.equal(false);
  });
});
