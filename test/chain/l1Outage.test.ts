import { expect } from "chai";
import { Wallet } from "ethers";

import { ChainError } from "../../chain/ChainError.ts";
import { createL1Provider } from "../../chain/createL1Provider.ts";
import { createMemoryIntentJournal } from "../../chain/transactions/MemoryIntentJournal.ts";
import { createTransactionManager } from "../../chain/transactions/TransactionManager.ts";
import { deployCounter } from "../builders/counterContract.ts";
import { DEVELOPMENT_KEYS, startLocalChain } from "../builders/localChain.ts";
import type { LocalChain } from "../builders/localChain.ts";
import { startSwitchableProxy } from "../builders/switchableProxy.ts";
import type { SwitchableProxy } from "../builders/switchableProxy.ts";
import { until } from "../builders/until.ts";

async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    return error instanceof ChainError ? error.code : String(error);
  }
}

describe("L1 outage", () => {
  let chain: LocalChain;
  let first: SwitchableProxy;
  let second: SwitchableProxy;

  before(async () => {
    chain = await startLocalChain("anvil");
    first = await startSwitchableProxy(chain.url);
    second = await startSwitchableProxy(chain.url);
  });
  beforeEach(() => {
    first.isUp = true;
    second.isUp = true;
  });
  after(async () => {
    await first.stop();
    await second.stop();
    await chain.stop();
  });

  it("provider: asks the next endpoint when the first is down, and the first again later", async () => {
    const provider = await createL1Provider(`${first.url}, ${second.url}`, undefined, { returnMs: 50 });
    await provider.getBlockNumber();
    expect(second.served).to.equal(0);
    first.isUp = false;
    await provider.getBlockNumber();
    expect(second.served).to.be.greaterThan(0);
    first.isUp = true;
    await new Promise((resolve) => setTimeout(resolve, 60));
    await provider.getBlockNumber();
    expect(`http://${provider.activeHost}`).to.equal(first.url);
    provider.destroy();
  });

  it("provider: fails with a code when no endpoint answers", async () => {
    const provider = await createL1Provider([first.url, second.url]);
    first.isUp = false;
    second.isUp = false;
    expect(await codeOf(provider.getBlockNumber())).to.equal("L1_UNREACHABLE");
    provider.destroy();
  });

  it("provider: refuses an endpoint of another chain", async () => {
    const provider = await createL1Provider(first.url, 1);
    expect(await codeOf(provider.getBlockNumber())).to.equal("L1_WRONG_CHAIN");
    provider.destroy();
  });

  it("transaction manager: goes on by itself when the L1 is back", async () => {
    const counter = await deployCounter(chain, DEVELOPMENT_KEYS[0]);
    const provider = await createL1Provider(first.url, chain.chainId);
    const alarms: string[] = [];
    let recovered = 0;
    const manager = createTransactionManager({
      provider,
      signer: new Wallet(DEVELOPMENT_KEYS[1]),
      journal: createMemoryIntentJournal(),
      pollMs: 50,
      onAlarm: (alarm) => alarms.push(alarm.code),
      onRecovered: () => (recovered += 1),
    });
    await manager.start();
    first.isUp = false;
    await manager.submit({ id: "during-outage", to: counter.address, valueWei: 0n, data: "0x" });
    await until("the alarm", () => alarms.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(alarms).to.deep.equal(["L1_UNREACHABLE"]);
    first.isUp = true;
    expect((await manager.wait("during-outage")).status).to.equal("confirmed");
    expect(recovered).to.equal(1);
    expect(await counter.count()).to.equal(1);
    await manager.stop();
    provider.destroy();
  });
});
