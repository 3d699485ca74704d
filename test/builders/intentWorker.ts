import { Wallet } from "ethers";

import { createL1Provider } from "../../chain/createL1Provider.ts";
import { createTransactionManager } from "../../chain/transactions/TransactionManager.ts";
import { createFileIntentJournal } from "../../derivation/files/FileIntentJournal.ts";

/**
 * A process that asks for the calls `call-0` … `call-n` and says "done" when all have an outcome; tests kill it at any moment.
 * Arguments: L1 url, key, journal file, target address, number of calls.
 */
const [url = "", key = "", path = "", to = "", calls = "0"] = process.argv.slice(2);

const provider = await createL1Provider(url);
const journal = createFileIntentJournal({ path });
const manager = createTransactionManager({ provider, signer: new Wallet(key), journal, pollMs: 20, rules: { maxInFlight: 4 } });
await manager.start();
const ids = Array.from({ length: Number(calls) }, (_unused, index) => `call-${index}`);
for (const id of ids) await manager.submit({ id, to, valueWei: 0n, data: "0x", gasLimit: 100_000n });
await Promise.all(ids.map((id) => manager.wait(id)));
process.stdout.write("done\n");
await manager.stop();
await journal.close();
provider.destroy();
