import { shellError } from "./ChannelShellError.ts";
import type { ChannelConfig, EngineOptions, Side } from "../../../core/channel/index.ts";
import type { ChannelRecord } from "./store/ChannelStore.ts";

/** Kinds of a channel's records in the store. */
export const RECORD = { SETTINGS: 1, ENGINE: 2 } as const;

/** What the store keeps of a channel beside the engine's records, so that a restart needs nothing else. */
export interface ChannelSettings {
  readonly config: ChannelConfig;
  readonly self: Side;
  readonly mode: NonNullable<EngineOptions["mode"]>;
  /** Where the peer listens; undefined if it calls us. */
  readonly address?: string | undefined;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const unhex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));

export function encodeSettings({ config, self, mode, address }: ChannelSettings): Uint8Array {
  const { partyA, partyB, asset, ...rest } = config;
  return Buffer.from(JSON.stringify({ self, mode, address, config: { ...rest, partyA: hex(partyA), partyB: hex(partyB), asset: hex(asset) } }));
}

/**
 * The newest settings among a channel's records; undefined when it is new.
 * @throws ChannelShellError `channel/store-damaged`
 */
export function findSettings(records: readonly ChannelRecord[]): ChannelSettings | undefined {
  const found = records.findLast(({ kind }) => kind === RECORD.SETTINGS);
  if (found === undefined) return undefined;
  try {
    const { config, ...settings } = JSON.parse(Buffer.from(found.body).toString()) as ChannelSettings & { config: Record<"partyA" | "partyB" | "asset", string> };
    return { ...settings, config: { ...(config as unknown as ChannelConfig), partyA: unhex(config.partyA as unknown as string), partyB: unhex(config.partyB as unknown as string), asset: unhex(config.asset as unknown as string) } };
  } catch (error) {
    throw shellError("channel/store-damaged", { file: "", offset: 0 }, "the settings of a channel cannot be read", error);
  }
}
