import { Interface, zeroPadValue } from "ethers";
import type { JsonRpcApiProvider, LogDescription } from "ethers";

import { uptimeMeterAbi } from "../../../chain/generated/abi/UptimeMeter.ts";
import { validationRegistryAbi } from "../../../chain/generated/abi/ValidationRegistry.ts";
import { REORG_DEPTH_BLOCKS } from "../../../chain/HeadWatcher.ts";
import { readLogs } from "../../../chain/readLogs.ts";
import { parseUptimeRequestUri } from "../../../chain/uptime/uptimeRequestUri.ts";
import type { UptimeRequest } from "../../../chain/uptime/uptimeRequestUri.ts";

/** A bounty that began to be metered. */
export interface KnownEngagement {
  readonly key: string;
  readonly board: string;
  readonly id: bigint;
  readonly agentId: bigint;
  readonly panel: readonly string[];
  readonly periodSeconds: number;
  readonly endpointHash: string;
  readonly blockNumber: number;
}

export interface EngagementBookOptions {
  readonly provider: JsonRpcApiProvider;
  readonly meter: string;
  /** Where requests to publish are looked for; undefined: nowhere. */
  readonly validationRegistry?: string | undefined;
  readonly firstBlock: number;
  /** Which engagements to remember. */
  readonly isWanted: (engagement: KnownEngagement) => boolean;
}

interface Placed {
  readonly blockNumber: number;
}

const meterEvents = new Interface(uptimeMeterAbi);
const registryEvents = new Interface(validationRegistryAbi);
const topicOf = (events: Interface, name: string): string => events.getEvent(name)!.topicHash;

/** What the logs say of engagements. The last blocks are read again with each scan, so that a reorganisation is seen. */
export class EngagementBook {
  readonly #options: EngagementBookOptions;
  #engagements: KnownEngagement[] = [];
  #announced: (Placed & { readonly key: string; readonly url: string })[] = [];
  #requests: (Placed & UptimeRequest & { readonly agentId: bigint })[] = [];
  #scannedTo: number;

  constructor(options: EngagementBookOptions) {
    this.#options = options;
    this.#scannedTo = options.firstBlock - 1;
  }

  /** The oldest first. */
  get engagements(): readonly KnownEngagement[] {
    return this.#engagements;
  }

  /** Where the operator serves, by its last word. */
  urlAnnouncedFor(key: string): string | undefined {
    return this.#announced.findLast((each) => each.key === key)?.url;
  }

  /** What the engagement's own agent asked to publish. */
  requestsFor({ key, agentId }: KnownEngagement): readonly UptimeRequest[] {
    return this.#requests.filter((each) => each.key === key && each.agentId === agentId);
  }

  /** @throws ChainError, and what the endpoint throws */
  async scan(head: number): Promise<void> {
    const { provider, meter, validationRegistry, firstBlock, isWanted } = this.#options;
    const from = Math.max(firstBlock, Math.min(this.#scannedTo, head) - REORG_DEPTH_BLOCKS + 1);
    const range = { fromBlock: from, toBlock: head };
    const logs = await readLogs(provider, { ...range, address: meter, topics: [[topicOf(meterEvents, "Begun"), topicOf(meterEvents, "Announced")]] });
    const asked = validationRegistry === undefined ? [] : await readLogs(provider, { ...range, address: validationRegistry, topics: [topicOf(registryEvents, "ValidationRequest"), zeroPadValue(meter, 32)] });
    const isOlder = ({ blockNumber }: Placed): boolean => blockNumber < from;
    this.#engagements = this.#engagements.filter(isOlder);
    this.#announced = this.#announced.filter(isOlder);
    this.#requests = this.#requests.filter(isOlder);
    for (const log of logs) this.#note(meterEvents.parseLog(log)!, Number(log.blockNumber), isWanted);
    for (const log of asked) {
      const { args } = registryEvents.parseLog(log)!;
      const request = parseUptimeRequestUri(String(args["requestURI"]));
      if (request !== undefined) this.#requests.push({ ...request, agentId: args["agentId"] as bigint, blockNumber: Number(log.blockNumber) });
    }
    this.#scannedTo = head;
  }

  #note({ name, args }: LogDescription, blockNumber: number, isWanted: (engagement: KnownEngagement) => boolean): void {
    const key = String(args["key"]);
    if (name === "Announced") return void this.#announced.push({ key, url: String(args["url"]), blockNumber });
    const terms = args["terms"] as { readonly panel: Iterable<string>; readonly endpointHash: string; readonly periodSeconds: bigint };
    const engagement: KnownEngagement = { key, board: String(args["board"]), id: args["id"] as bigint, agentId: args["agentId"] as bigint, panel: [...terms.panel], periodSeconds: Number(terms.periodSeconds), endpointHash: terms.endpointHash, blockNumber };
    if (isWanted(engagement)) this.#engagements.push(engagement);
  }
}
