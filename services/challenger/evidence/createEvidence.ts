import { join } from "node:path";

import type { JsonRpcApiProvider } from "ethers";

import { connectSequencerSet } from "../../../chain/connectContracts.ts";
import type { Deployment } from "../../../chain/Deployment.ts";
import { readLogs } from "../../../chain/readLogs.ts";
import { encodeReportHeads } from "../../../chain/reportHeadsCall.ts";
import { domainSeparator } from "../../../core/codec/bundle.ts";
import { fromHex } from "../../../core/codec/hex.ts";
import { toError } from "../../../runtime/errors/CodedError.ts";
import type { Logger } from "../../../runtime/logger/Logger.ts";
import type { EvidenceReport, EvidenceSource } from "./EvidenceSource.ts";
import { HeadBook } from "./HeadBook.ts";
import type { TravellingHead } from "./HeadBook.ts";

const ASK_MS = 5_000;
/** Twice what a report takes at most. */
const REPORT_GAS = 400_000n;

export interface EvidenceOptions {
  readonly provider: JsonRpcApiProvider;
  readonly deployment: Deployment;
  readonly dataDir: string;
  /** Sequencers whose last head is asked for in each look. */
  readonly sequencers: readonly string[];
  readonly logger: Logger;
}

/** What watches for operators that sign two heads for one place, and takes heads that others saw. */
export interface Evidence extends EvidenceSource {
  /** @throws CoreError for what is no head */
  add(head: TravellingHead): ReturnType<HeadBook["add"]>;
  readonly headCount: number;
  close(): Promise<void>;
}

/** Undefined for a chain without operators: nobody's bond answers for its heads. */
export function createEvidence(options: EvidenceOptions): Evidence | undefined {
  const { provider, deployment, dataDir, sequencers, logger } = options;
  const connected = connectSequencerSet(deployment, provider);
  if (connected === undefined) return undefined;
  const set = connected;
  /** Account by signing key, everybody who ever joined: a bond answers until it is paid out. */
  const operators = new Map<string, string>();
  let readTo = deployment.blockNumber - 1;
  const book = new HeadBook({
    path: join(dataDir, "evidence.json"),
    domainSeparator: domainSeparator({ chainId: deployment.chainId, inbox: fromHex(deployment.contracts.inbox) }),
    isOperator: (signer) => operators.has(signer),
    onFound: ({ signer, a }) => logger.error({ signer, slot: a.slot, position: a.position }, "An operator has signed two heads for one place: it is reported."),
  });

  async function readJoined(block: number): Promise<void> {
    if (block <= readTo) return;
    const topics = [set.interface.getEvent("Joined").topicHash];
    for (const log of await readLogs(provider, { fromBlock: readTo + 1, toBlock: block, address: await set.getAddress(), topics })) {
      const { operator, signer } = set.interface.decodeEventLog("Joined", log.data, log.topics).toObject() as { operator: string; signer: string };
      operators.set(signer.toLowerCase(), operator);
    }
    readTo = block;
  }

  async function askSequencer(url: string): Promise<void> {
    try {
      const response = await fetch(`${url.replace(/\/$/, "")}/v1/head`, { signal: AbortSignal.timeout(ASK_MS) });
      if (response.ok) book.add((await response.json()) as TravellingHead);
    } catch (error) {
      // One that is away or talks nonsense is no evidence of anything.
      logger.debug({ err: toError(error) }, "A sequencer's head could not be read.");
    }
  }

  return {
    add: (head) => book.add(head),
    get headCount() {
      return book.count;
    },
    async read({ number }) {
      await readJoined(number);
      await Promise.all(sequencers.map(askSequencer));
      const reports: EvidenceReport[] = [];
      for (const found of book.found) {
        const operator = operators.get(found.signer);
        if (operator === undefined) continue;
        const { signer, isSlashed } = await set.operators(operator, { blockTag: number });
        if (isSlashed || signer.toLowerCase() !== found.signer) continue;
        reports.push({ id: operator.toLowerCase(), to: await set.getAddress(), data: encodeReportHeads(operator, found), gasLimit: REPORT_GAS });
      }
      return reports;
    },
    close: () => book.written(),
  };
}
