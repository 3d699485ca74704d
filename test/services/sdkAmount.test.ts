import { expect } from "chai";

import { describeUnits, formatBaseUnits, toBaseUnits, toChainUnits } from "../../sdk/amount.ts";
import type { Amount } from "../../sdk/amount.ts";
import { SdkError } from "../../sdk/SdkError.ts";

const ETH = { assetScale: 1_000_000_000n, decimals: 18, symbol: "ETH" };

function codeFor(amount: Amount): string {
  try {
    toChainUnits(amount, ETH);
    return "none";
  } catch (error) {
    return error instanceof SdkError ? error.code : String(error);
  }
}

describe("SDK amounts", () => {
  it("amount: takes whole units as text and base units as bigint", () => {
    expect(toBaseUnits("0.25", ETH)).to.equal(250_000_000_000_000_000n);
    expect(toChainUnits("1", ETH)).to.equal(1_000_000_000);
    expect(toChainUnits(3_000_000_000n, ETH)).to.equal(3);
  });

  it("amount: prints without trailing zeros", () => {
    expect(formatBaseUnits(250_000_000_000_000_000n, ETH)).to.equal("0.25");
    expect(formatBaseUnits(0n, ETH)).to.equal("0");
    expect(formatBaseUnits(-1n, ETH)).to.equal("-0.000000000000000001");
    expect(describeUnits(1_500_000_000, ETH)).to.equal("1.5 ETH");
  });

  it("amount: refuses what the chain cannot hold exactly", () => {
    for (const amount of ["", "-1", "1e3", "0x10", "1.", "0.0000000000000000001", 1n, -1_000_000_000n, "9007200"]) {
      expect(codeFor(amount), String(amount)).to.equal("SDK_AMOUNT");
    }
  });
});
