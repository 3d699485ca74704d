import { expect } from "chai";

import { decide } from "../../../services/challenger/decide/decide.ts";
import { DEFAULT_POLICY } from "../../../services/challenger/decide/DisputePolicy.ts";
import { doings, EpochStory, stateOf, STORY_RULES } from "../../builders/disputeStory.ts";

const epoch = (number = 0): EpochStory => new EpochStory(number);

describe("challenger decides", () => {
  describe("to enter", () => {
    it("nobody claimed: leaves it to the sequencer, unless it is to stand for every epoch", () => {
      expect(doings([epoch()], { now: 0 })).to.deep.equal([]);
      expect(doings([epoch()], { now: 0, policy: { backing: "always" } })).to.deep.equal(["claim 0"]);
    });

    it("true claim without a rival: is not backed, and is confirmed at W and a margin", () => {
      const story = epoch().enters("somebody", "truth", 0);
      expect(doings([story], { now: 999 })).to.deep.equal([]);
      expect(doings([story], { now: 1_000 })).to.deep.equal([]);
      expect(doings([story], { now: 1_001 })).to.deep.equal(["confirm 0"]);
      expect(doings([story], { now: 10, policy: { backing: "always" } })).to.deep.equal(["back 0"]);
    });

    it("false claim alone: the true one is made, at once and until the last second of W", () => {
      const story = epoch().enters("somebody", "lie", 0);
      expect(doings([story], { now: 1 })).to.deep.equal(["claim 0"]);
      expect(doings([story], { now: 999 })).to.deep.equal(["claim 0"]);
      expect(doings([story], { now: 1_000 })).to.deep.equal(["alarm round-lost"]);
    });

    it("true claim with a rival: is backed by ourselves, until the last second of W + D", () => {
      const story = epoch().enters("somebody", "truth", 0).enters("somebody", "lie", 900);
      expect(doings([story], { now: 901 })).to.deep.equal(["back 0"]);
      expect(doings([story], { now: 1_799 })).to.deep.equal(["back 0"]);
      expect(doings([story], { now: 1_800 })).to.deep.equal(["alarm round-lost"]);
    });

    it("saboteur: whoever else backs the truth, we do it ourselves, also when it lies dormant", () => {
      const story = epoch().enters("somebody", "truth", 0).enters("somebody", "lie", 1).isOut(0);
      expect(doings([story], { now: 1_700 })).to.deep.equal(["back 0"]);
      const dormantLie = epoch().enters("somebody", "truth", 0).enters("somebody", "lie", 1).isOut(1);
      expect(doings([dormantLie], { now: 1_200 }), "the lie may be backed again").to.include("back 0");
    });

    it("own entry out: enters again as long as the limit and W + D allow", () => {
      const story = epoch().enters("we", "truth", 0).enters("somebody", "lie", 1).isOut(0);
      expect(doings([story], { now: 1_000 })).to.deep.equal(["back 0"]);
      expect(doings([story], { now: 1_000, policy: { maxEntries: 1 } })).to.deep.equal(["alarm entry-limit"]);
      expect(doings([story], { now: 1_800 })).to.deep.equal(["alarm round-lost"]);
    });

    it("own clock run out: counts as out, because anybody may say so", () => {
      const story = epoch().enters("we", "truth", 0).enters("somebody", "lie", 1).opens(1, 2).game(0, 1, "us", 700);
      expect(doings([story], { now: 700 })).to.deep.equal(["alarm late", "back 0"]);
    });

    it("price above the limit: is not paid, with an alarm", () => {
      const story = epoch().enters("somebody", "lie", 0);
      expect(doings([story], { now: 1, policy: { maxBondWei: 3_200n } })).to.deep.equal(["alarm entry-limit"]);
    });

    it("entries of others: are not played, whatever they claim", () => {
      const story = epoch().enters("somebody", "truth", 0).enters("somebody", "lie", 1).enters("we", "truth", 2).opens(1, 2);
      expect(doings([story], { now: 3 })).to.deep.equal(["open 0: 2"]);
    });
  });

  describe("to play", () => {
    it("who entered first: opens nothing, and answers every opening", () => {
      const story = epoch().enters("we", "truth", 0).enters("somebody", "lie", 1).enters("somebody", "lie 2", 2);
      expect(doings([story], { now: 3 })).to.deep.equal([]);
      expect(doings([story.opens(1, 10).opens(2, 5)], { now: 11 })).to.deep.equal(["answer 0: 0-2", "answer 0: 0-1"]);
    });

    it("who entered late: opens once for all earlier rivals, with bonds for more of them than there are", () => {
      const story = epoch().crowd(20, (index) => `lie ${index}`, 0).enters("we", "truth", 900);
      const actions = decide(stateOf([story], { now: 901 }), DEFAULT_POLICY);
      expect(actions).to.have.length(1);
      expect(actions[0]).to.include({ type: "open", n: 20, deadline: 1_500, valueWei: 25n * STORY_RULES.moveBondWei });
      expect(doings([story.opens(20, 902)], { now: 903 })).to.deep.equal([]);
    });

    it("earlier rivals all out: the opening is not needed any more", () => {
      const story = epoch().enters("somebody", "lie", 0).enters("we", "truth", 10).enters("somebody", "lie", 20).isOut(0);
      expect(doings([story], { now: 30 })).to.deep.equal([]);
    });

    it("crowd: all games at once, those whose time is shortest first", () => {
      const story = epoch().enters("we", "truth", 0).crowd(100, (index) => `lie ${index}`, 10);
      for (let j = 1; j <= 100; j += 1) story.opens(j, 20).game(0, j, "us", 2_000 - j);
      const done = doings([story], { now: 1_850, balanceWei: 10_000n });
      expect(done).to.deep.equal(Array.from({ length: 100 }, (_, at) => `answer 0: 0-${100 - at}`));
    });

    it("leaf: is proven by whoever's turn it is, until the deadline; then only the timeout counts", () => {
      const ours = epoch().enters("we", "truth", 0).enters("somebody", "lie", 1).opens(1, 2).game(0, 1, "us", 900, "leaf");
      expect(doings([ours], { now: 899 })).to.deep.equal(["prove 0: 0-1"]);
      const theirs = epoch().enters("we", "truth", 0).enters("somebody", "lie", 1).opens(1, 2).game(0, 1, "them", 900, "leaf");
      expect(doings([theirs], { now: 899 })).to.deep.equal(["prove 0: 0-1"]);
      expect(doings([theirs], { now: 900 })).to.deep.equal([]);
      expect(doings([theirs], { now: 901 })).to.deep.equal(["timeout 0: 0-1"]);
    });

    it("staller: is timed out from the second after its limit on, however late", () => {
      const opening = epoch().enters("we", "truth", 0).enters("somebody", "lie", 100);
      expect(doings([opening], { now: 699 })).to.deep.equal([]);
      expect(doings([opening], { now: 701 })).to.deep.equal(["timeout 0: 0-1"]);
      expect(doings([opening], { now: 99_999_999 })).to.deep.equal(["timeout 0: 0-1"]);
      const answer = epoch().enters("somebody", "lie", 0).enters("we", "truth", 1).opens(1, 2);
      expect(doings([answer], { now: 603 })).to.deep.equal(["timeout 0: 0-1"]);
    });

    it("move without an event: is told, and the other games go on", () => {
      const story = epoch().enters("we", "truth", 0).enters("somebody", "lie", 1).enters("somebody", "lie 2", 2).gameWithoutEvent(0, 1, 900).game(0, 2, "us", 800);
      expect(doings([story], { now: 10 })).to.deep.equal(["alarm missing-move", "answer 0: 0-2"]);
    });

    it("two that are both wrong: are each other's business, ours is to beat both", () => {
      const story = epoch().enters("somebody", "lie", 0).enters("somebody", "lie 2", 1).enters("we", "truth", 2).opens(2, 3).game(0, 2, "us", 900).game(1, 2, "us", 800);
      expect(doings([story], { now: 10 })).to.deep.equal(["answer 0: 1-2", "answer 0: 0-2"]);
      expect(doings([story.isOut(0, 1)], { now: 1_801 })).to.deep.equal(["confirm 0"]);
    });
  });

  describe("to confirm", () => {
    it("second claim made: waits for W + D, in which it could be backed again", () => {
      const story = epoch().enters("we", "truth", 0).enters("somebody", "lie", 1).isOut(1);
      expect(doings([story], { now: 1_801 - 1 })).to.deep.equal([]);
      expect(doings([story], { now: 1_801 })).to.deep.equal(["confirm 0"]);
    });

    it("live rival, or truth that nobody backs: never", () => {
      const rival = epoch().enters("we", "truth", 0).enters("somebody", "lie", 1).opens(1, 2).game(0, 1, "them", 99_999);
      expect(doings([rival], { now: 5_000 })).to.deep.equal([]);
      const lone = epoch().enters("somebody", "truth", 0).enters("somebody", "lie", 1).isOut(0);
      expect(doings([lone], { now: 5_000 })).to.deep.equal(["alarm round-lost"]);
    });

    it("false root confirmed: is told, and nothing else is done", () => {
      const confirmed = { claimId: "0xc0", nextEpoch: 1, root: "0xbad", ownRoot: "0x600d" };
      expect(doings([epoch(1).enters("somebody", "lie", 0)], { now: 1, confirmed })).to.deep.equal(["alarm false-confirmed"]);
    });
  });

  describe("a chain of unconfirmed epochs", () => {
    it("disputes of parents and children: are played at the same time, and only the first is confirmed", () => {
      const first = epoch(4).enters("we", "truth", 0).enters("somebody", "lie", 1).opens(1, 2).game(0, 1, "us", 700);
      const second = epoch(5).enters("we", "truth", 20).enters("somebody", "lie", 30).opens(1, 40).game(0, 1, "us", 650);
      const third = epoch(6).enters("somebody", "lie", 50);
      expect(doings([first, second, third], { now: 100 })).to.deep.equal(["answer 5: 0-1", "answer 4: 0-1", "claim 6"]);
      const ripe = [epoch(4).enters("we", "truth", 0), epoch(5).enters("we", "truth", 1)];
      expect(doings(ripe, { now: 5_000 })).to.deep.equal(["confirm 4"]);
    });
  });

  describe("with little money", () => {
    it("balance: goes to what is most urgent, proofs and timeouts need none, and it is told", () => {
      const story = epoch().enters("we", "truth", 0);
      for (let j = 1; j <= 4; j += 1) story.enters("somebody", `lie ${j}`, 1).opens(j, 2);
      story.game(0, 1, "us", 900).game(0, 2, "us", 800).game(0, 3, "them", 950, "leaf").game(0, 4, "them", 400);
      expect(doings([story], { now: 500, balanceWei: 15n })).to.deep.equal(["alarm low-balance", "answer 0: 0-2", "prove 0: 0-3", "timeout 0: 0-4"]);
    });

    it("balance below the limit: is told while everything is still paid", () => {
      expect(doings([epoch().enters("somebody", "lie", 0)], { now: 1, balanceWei: 50_000n, policy: { minBalanceWei: 60_000n } })).to.deep.equal(["alarm low-balance", "claim 0"]);
    });
  });
});
