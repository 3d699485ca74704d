import { expect } from "chai";
import { createHardhatRuntimeEnvironment } from "hardhat/hre";

import { BEGINNING, useSteadyClock } from "../../scripts/gas/steadyClock.ts";

const [FROM, TO] = ["0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266", "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"];
/** Answers with the time of its block. */
const TIME_CODE = "0x4260005260206000f3";
const INVALID_CODE = "0xfe";

interface Chain {
  request(method: string, ...params: unknown[]): Promise<unknown>;
  send(): Promise<unknown>;
  now(): Promise<number>;
}

describe("steady clock", () => {
  let createChain: () => Promise<Chain>;

  before(async () => {
    // An environment of its own: what is set here is for no other test.
    const hre = await createHardhatRuntimeEnvironment({});
    useSteadyClock(hre);
    createChain = async () => {
      const { provider } = await hre.network.create();
      const request: Chain["request"] = (method, ...params) => provider.request({ method, params });
      return {
        request,
        send: () => request("eth_sendTransaction", { from: FROM, to: TO }),
        now: async () => Number(((await request("eth_getBlockByNumber", "latest", false)) as { timestamp: string }).timestamp),
      };
    };
  });

  it("every network: has the same times whatever passes between two blocks", async () => {
    for (const pauseMs of [0, 2_100]) {
      const chain = await createChain();
      await chain.send();
      expect(await chain.now()).to.equal(BEGINNING);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      await chain.send();
      expect(await chain.now()).to.equal(BEGINNING + 1);
      await chain.request("evm_mine");
      expect(await chain.now()).to.equal(BEGINNING + 2);
      await chain.request("hardhat_mine", "0x3");
      expect(await chain.now()).to.equal(BEGINNING + 5);
    }
  });

  it("pending call: sees the time of the next block", async () => {
    const chain = await createChain();
    await chain.send();
    expect(Number(await chain.request("eth_call", { data: TIME_CODE }, "pending"))).to.equal(BEGINNING + 1);
  });

  it("time that was set: stands until there is a block", async () => {
    const chain = await createChain();
    await chain.request("evm_setAutomine", false);
    await chain.request("evm_setNextBlockTimestamp", BEGINNING + 1_000);
    await chain.send();
    await chain.request("evm_mine");
    expect(await chain.now()).to.equal(BEGINNING + 1_000);
    await chain.request("evm_mine");
    expect(await chain.now()).to.equal(BEGINNING + 1_001);
  });

  it("failed transaction: the next block is one second after its block", async () => {
    const chain = await createChain();
    const failure = await chain.request("eth_sendTransaction", { from: FROM, data: INVALID_CODE, gas: "0x20000" }).catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(Error);
    expect(await chain.now()).to.equal(BEGINNING);
    await chain.send();
    expect(await chain.now()).to.equal(BEGINNING + 1);
  });

  it("revert: goes on from the block that is the last again", async () => {
    const chain = await createChain();
    await chain.send();
    const snapshot = await chain.request("evm_snapshot");
    await chain.request("evm_setNextBlockTimestamp", BEGINNING + 500);
    await chain.send();
    await chain.request("evm_revert", snapshot);
    await chain.send();
    expect(await chain.now()).to.equal(BEGINNING + 1);
  });

  it("evm_increaseTime: is refused, since it counts from the machine's clock", async () => {
    const chain = await createChain();
    const failure = await chain.request("evm_increaseTime", 5).catch((error: unknown) => error);
    expect(String(failure)).to.match(/evm_setNextBlockTimestamp/);
  });
});
