import { copyFileSync, existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { LEDGER_FILE } from "../../../sidecar/ledger/createLedger.ts";
import type { FakeMoney } from "./FakeWay.ts";
import type { Shop } from "./Shop.ts";

/** What a process leaves behind that is killed: its files as they are, without another word to them. */
export interface Remains {
  readonly dir: string;
  readonly money: { readonly exact: FakeMoney; readonly call: FakeMoney; readonly channel: FakeMoney };
}

export function remainsOf({ dir, money: { exact, call, channel } }: Shop): Remains {
  const copy = mkdtempSync(join(tmpdir(), "agnt2-killed-"));
  for (const name of [LEDGER_FILE, `${LEDGER_FILE}-wal`]) if (existsSync(join(dir, name))) copyFileSync(join(dir, name), join(copy, name));
  return { dir: copy, money: { exact: exact.copy(), call: call.copy(), channel: channel.copy() } };
}
