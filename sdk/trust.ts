import { loadDeployment } from "../chain/Deployment.ts";
import type { ChainConfig } from "./ChainConfig.ts";
import { configOfDeployment, parseChainConfig } from "./ChainConfig.ts";
import type { Json } from "./HttpService.ts";
import { sdkError } from "./SdkError.ts";

/**
 * What a client knows of the chain from somebody else than the servers it talks to. The sequencer's own words decide what is
 * signed for (chain and inbox), where deposits go (bridge), what an amount means (scale, decimals) and whose signature counts;
 * a server that lies about these takes the money. Only on a local chain is it believed.
 */
export interface ChainTrust {
  /** The content of the chain's deployment file, `deployments/<chainId>.json`. */
  readonly deployment?: unknown;
  /** The address that must have signed heads and roots. Default: the deployment's sequencer. */
  readonly sequencerAddress?: string;
  /** On a chain with operators: reads whose signatures count, from an L1 that is trusted (`readOperatorSigners`). */
  readonly operators?: (sequencerSet: string) => Promise<readonly string[]>;
  /** The settlement token, where the deployment names one that is not ETH; or what reads it from an L1 that is trusted. */
  readonly token?: Token | ((address: string) => Promise<Token>);
}

/** How amounts of a token are written. */
export interface Token {
  readonly decimals: number;
  readonly symbol: string;
}

/** A chain whose parts are trusted, with who signs for it. */
export type TrustedChain = ChainConfig & { readonly sequencer: string; /** Addresses of which one must sign heads and roots. */ readonly signers: readonly string[] };

/** L1s that hold no money: what runs on them is one's own. */
const LOCAL_CHAIN_IDS: readonly number[] = [31337, 1337];

/** Signs nothing. */
const NOBODY = `0x${"00".repeat(20)}`;

function requireSame(field: string, known: unknown, told: unknown): void {
  const [expected, actual] = [String(known).toLowerCase(), String(told).toLowerCase()];
  if (expected !== actual) throw sdkError("SDK_WRONG_CHAIN", `${field} is ${actual.slice(0, 80)}, in the deployment ${expected.slice(0, 80)}`, { field, expected, actual });
}

function compare(known: ChainConfig, told: ChainConfig): void {
  requireSame("chainId", known.domain.chainId, told.domain.chainId);
  for (const name of ["inbox", "settlement", "bridge"] as const) requireSame(name, known.contracts[name], told.contracts[name]);
  requireSame("sequencerSet", known.sequencerSet, told.sequencerSet);
  requireSame("asset", known.asset.address, told.asset.address);
  requireSame("assetScale", known.asset.assetScale, told.asset.assetScale);
  requireSame("feeTable", known.feeTable, told.feeTable);
}

/**
 * The chain behind a server: as the trusted deployment has it, with which the server's word must agree.
 * @param told the sequencer's `/v1/config`; undefined when it is away: then the deployment has to be given, and no signature counts unless
 * its signer is named there
 * @param readToken what a replica says of the token; asked on local chains only
 * @throws SdkError `SDK_WRONG_CHAIN`, `SDK_UNTRUSTED`, `SDK_RESPONSE`, `SDK_INPUT`; ChainError `DEPLOYMENT_INVALID`
 */
export async function resolveChain(trust: ChainTrust, told: Json | undefined, readToken: () => Promise<Token | undefined>): Promise<TrustedChain> {
  const said = told === undefined ? undefined : parseChainConfig(told);
  const known = trust.deployment === undefined ? undefined : configOfDeployment(loadDeployment(trust.deployment));
  if (known !== undefined && said !== undefined) compare(known, said);
  const chain = known ?? said;
  if (chain === undefined) throw sdkError("SDK_UNTRUSTED", "no server tells what the chain is, and no deployment was given");
  const isLocal = LOCAL_CHAIN_IDS.includes(chain.domain.chainId);
  if (known === undefined && !isLocal) throw sdkError("SDK_UNTRUSTED", `the chain's L1 has id ${chain.domain.chainId}, and no deployment was given`, { chainId: chain.domain.chainId });

  const operators = trust.sequencerAddress === undefined && chain.sequencerSet !== undefined ? await trust.operators?.(chain.sequencerSet) : undefined;
  const sequencer = trust.sequencerAddress ?? operators?.[0] ?? known?.sequencer ?? (said === undefined ? NOBODY : isLocal ? said.sequencer : undefined);
  if (sequencer === undefined) throw sdkError("SDK_UNTRUSTED", "the deployment does not say who signs, and no sequencer address was given");
  const signers = operators ?? [sequencer];
  if (!signers.every((address) => /^0x[0-9a-fA-F]{40}$/.test(address))) throw sdkError("SDK_INPUT", "the sequencer's address is no address");

  if (chain.asset.address === undefined) return { ...chain, sequencer, signers };
  const given = typeof trust.token === "function" ? await trust.token(chain.asset.address) : trust.token;
  const token = given ?? (isLocal ? (said?.token ?? (await readToken())) : undefined);
  if (token === undefined) throw sdkError("SDK_UNTRUSTED", `the decimals of the token ${chain.asset.address} are not known: name them`, { token: chain.asset.address });
  return { ...chain, asset: { ...chain.asset, ...token }, sequencer, signers };
}
