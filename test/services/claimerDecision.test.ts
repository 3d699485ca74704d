import { expect } from "chai";

import { decideClaims } from "../../services/claimer/decideClaims.ts";
import type { ClaimerFacts, ClaimFacts, EpochFacts } from "../../services/claimer/decideClaims.ts";

const OPEN: ClaimFacts = { closesAt: 1_000, isConfirmed: false, isBacked: true };

function epoch(number: number, claim?: ClaimFacts): EpochFacts {
  return { epoch: number, parentClaim: `claim ${number - 1}`, claimId: `claim ${number}`, stateRoot: `root ${number}`, claim };
}

function facts(changes: Partial<ClaimerFacts>): ClaimerFacts {
  return { now: 500, openSince: undefined, epochAgeSeconds: 100, openEpoch: 0, epochs: [], decidedBonds: [], ...changes };
}

function kinds(changes: Partial<ClaimerFacts>): string[] {
  return decideClaims(facts(changes)).map((action) => action.kind);
}

describe("claimer decision", () => {
  it("claimer: does nothing when the chain has no batches", () => {
    expect(decideClaims(facts({}))).to.deep.equal([]);
  });

  it("claimer: closes an epoch when its first batch is old enough, not before", () => {
    expect(kinds({ openSince: 401 })).to.deep.equal([]);
    expect(kinds({ openSince: 400 })).to.deep.equal(["closeEpoch"]);
  });

  it("claimer: claims only the first closed epoch that nobody has claimed, since the next one builds on it", () => {
    const actions = decideClaims(facts({ epochs: [epoch(0, OPEN), epoch(1), epoch(2)] }));
    expect(actions).to.deep.equal([{ kind: "claim", epoch: epoch(1) }]);
  });

  it("claimer: confirms when the window is over and the parent is confirmed", () => {
    expect(kinds({ now: 999, epochs: [epoch(0, OPEN)] })).to.deep.equal([]);
    expect(decideClaims(facts({ now: 1_000, epochs: [epoch(0, OPEN), epoch(1, OPEN)] }))).to.deep.equal([{ kind: "confirm", claimId: "claim 0" }]);
  });

  it("claimer: backs its own claim again when it has lost its backers", () => {
    expect(decideClaims(facts({ epochs: [epoch(0, { ...OPEN, isBacked: false })] }))).to.deep.equal([{ kind: "back", claimId: "claim 0" }]);
  });

  it("claimer: does not run ahead of confirmation without bound", () => {
    const epochs = Array.from({ length: 8 }, (_, number) => epoch(number, OPEN));
    expect(kinds({ epochs: [...epochs, epoch(8)] })).to.deep.equal([]);
  });

  it("claimer: fetches free bonds before it needs money for the next claim", () => {
    expect(kinds({ decidedBonds: ["claim 0"], epochs: [epoch(1)] })).to.deep.equal(["withdrawBond", "claim"]);
  });
});
