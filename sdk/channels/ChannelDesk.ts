import { Contract, isError } from "ethers";
import type { ContractTransactionReceipt, Provider, Signer } from "ethers";

import { ROOT_ABIS } from "../../chain/connectContracts.ts";
import { ChainError } from "../../chain/ChainError.ts";
import { toChainError } from "../../chain/decodeRevert.ts";
import { nextBlockSeconds } from "../../chain/nextBlockSeconds.ts";
import { claimStruct, closeStruct, configStruct, lockStructs, updateStruct, withdrawalStruct } from "../../chain/channels/channelStructs.ts";
import { CHANNEL_ABIS, connectAdjudicator } from "../../chain/channels/connectAdjudicator.ts";
import { readChannel } from "../../chain/channels/readChannel.ts";
import type { OnChainChannel } from "../../chain/channels/readChannel.ts";
import { channelDomainSeparator, channelIdOf, locksHashOf } from "../../core/channel/index.ts";
import type { ChannelConfig, Close, Evidence, Lock, PartialWithdrawal, Side } from "../../core/channel/index.ts";
import { fromHex, toHex } from "../../core/codec/hex.ts";
import { keccak256 } from "../../core/hash/index.ts";
import type { Agnt2Client } from "../Agnt2Client.ts";
import { SdkError, sdkError } from "../SdkError.ts";
import { isEmptyUpdate, signedUpdateOf } from "./signedUpdateOf.ts";
import { withGasMargin } from "../withGasMargin.ts";

const ERC20_ABI = ["function allowance(address,address) view returns (uint256)", "function approve(address,uint256) returns (bool)"];
type ChannelAdjudicator = ReturnType<typeof connectAdjudicator>;

const MINED_MS = 180_000;
const ZERO_ADDRESS = `0x${"00".repeat(20)}`;

/** What a close has paid. */
export interface ChannelClosed {
  readonly isUnilateral: boolean;
  readonly shareA: number;
  readonly shareB: number;
  readonly transactionHash: string;
}

type Sent = { hash: string; wait(confirmations?: number, timeoutMs?: number): Promise<ContractTransactionReceipt | null> };

interface ConfigOnL1 {
  readonly home: bigint;
  readonly partyA: string;
  readonly partyB: string;
  readonly asset: string;
  readonly unit: bigint;
  readonly windowSeconds: bigint;
  readonly flags: bigint;
  readonly salt: bigint;
}

function plainConfig({ home, partyA, partyB, asset, unit, windowSeconds, flags, salt }: ConfigOnL1): ChannelConfig {
  return {
    home: Number(home) as ChannelConfig["home"], partyA: fromHex(partyA, 20), partyB: fromHex(partyB, 20), asset: fromHex(asset, 20),
    unit: Number(unit), windowSeconds: Number(windowSeconds), flags: Number(flags), salt: Number(salt),
  };
}

/** The L1 side of channels: opens, funds, disputes and ends them with transactions of one signer. */
export class ChannelDesk {
  /** The contract's address. */
  readonly address: string;
  readonly chainId: number;
  /** EIP-712 separator of everything that is signed for its channels, 32 bytes. */
  readonly separator: Uint8Array;
  readonly #signer: Signer;
  readonly #contract: ChannelAdjudicator;

  private constructor(address: string, chainId: number, signer: Signer) {
    [this.address, this.chainId, this.#signer] = [address, chainId, signer];
    this.separator = channelDomainSeparator({ chainId, adjudicator: fromHex(address, 20) });
    this.#contract = connectAdjudicator(address, signer);
  }

  /**
   * @param where a client of the chain, or the contract's address
   * @param signer an ethers signer with a provider of that L1
   * @throws SdkError `SDK_NO_SIGNER`; `SDK_WRONG_CHAIN` when the signer is on another L1, or the contract is not there; `SDK_INPUT` when nothing says where it is
   */
  static async connect(where: Agnt2Client | string, signer: Signer): Promise<ChannelDesk> {
    if (signer.provider === null) throw sdkError("SDK_NO_SIGNER", "the signer has no provider");
    const chainId = Number((await signer.provider.getNetwork()).chainId);
    let address: string | undefined;
    if (typeof where === "string") address = where;
    else {
      const { domain, contracts } = await where.config();
      if (domain.chainId !== chainId) throw sdkError("SDK_WRONG_CHAIN", `the signer's L1 has id ${chainId}, the chain's ${domain.chainId}`, { chainId });
      address = contracts.adjudicator;
    }
    if (address === undefined) throw sdkError("SDK_INPUT", "the chain's ChannelAdjudicator is not known: name the deployment");
    if ((await signer.provider.getCode(address)) === "0x") throw sdkError("SDK_WRONG_CHAIN", `there is no contract at ${address} on the L1 with id ${chainId}`, { chainId, address });
    return new ChannelDesk(address, chainId, withGasMargin(signer));
  }

  get provider(): Provider {
    return this.#signer.provider!;
  }

  /** Address that pays for the transactions, lower case. */
  async sender(): Promise<string> {
    return (await this.#signer.getAddress()).toLowerCase();
  }

  /** The newest block: its number, and its time in unix seconds. */
  async head(): Promise<{ readonly number: number; readonly timestamp: number }> {
    return (await this.#read(() => this.provider.getBlock("latest")))!;
  }

  /** Unix seconds of the block that would be mined now. @throws ChainError */
  async nextSeconds(): Promise<number> {
    return this.#read(() => nextBlockSeconds(this.provider));
  }

  /**
   * Opens a channel and deposits for a side; on a channel that is open it is a deposit. Approves the token first where that is needed.
   * @param units of the channel
   * @throws ChainError (`BadConfig`, `WrongStatus`, …)
   */
  async open(config: ChannelConfig, side: Side, units: number): Promise<string> {
    return this.#fund("open", config, side, units);
  }

  /** @throws ChainError (`WrongStatus`, …) */
  async deposit(config: ChannelConfig, side: Side, units: number): Promise<string> {
    return this.#fund("deposit", config, side, units);
  }

  async #fund(how: "open" | "deposit", config: ChannelConfig, side: Side, units: number): Promise<string> {
    const base = BigInt(units) * BigInt(config.unit);
    const asset = toHex(config.asset);
    const receipt = await this.#send(async () => {
      if (asset === ZERO_ADDRESS) return this.#contract[how](configStruct(config), side, units, { value: base });
      const nonce = await this.#approve(asset, base);
      return this.#contract[how](configStruct(config), side, units, nonce === undefined ? {} : { nonce });
    });
    return receipt.hash;
  }

  /** The signer's nonce after the approval, which providers that keep answers for a moment do not know yet; undefined if none was needed. */
  async #approve(token: string, base: bigint): Promise<number | undefined> {
    const contract = new Contract(token, ERC20_ABI, this.#signer);
    if (((await contract.getFunction("allowance")(await this.sender(), this.address)) as bigint) >= base) return undefined;
    const sent = (await contract.getFunction("approve")(this.address, base)) as { nonce: number } & Sent;
    await sent.wait(1, MINED_MS);
    return sent.nonce + 1;
  }

  /** @param blockTag a block number, for what was so many blocks ago. Default: the newest */
  async read(config: ChannelConfig, blockTag: number | "latest" = "latest"): Promise<OnChainChannel> {
    return this.#read(() => readChannel(this.#contract, channelIdOf(config), blockTag));
  }

  /** Channels at home on L1 that name a party, from a block on, as they were opened. */
  async openedWith(party: string, fromBlock: number): Promise<ChannelConfig[]> {
    const { filters } = this.#contract;
    const found = await this.#read(() =>
      Promise.all([this.#contract.queryFilter(filters.Opened(undefined, party), fromBlock), this.#contract.queryFilter(filters.Opened(undefined, undefined, party), fromBlock)]),
    );
    return found.flat().map(({ args }) => plainConfig(args["config"]));
  }

  /** The config of a channel by its id, as it was opened or imported; undefined if it never was. */
  async configOf(channelId: Uint8Array, fromBlock = 0): Promise<ChannelConfig | undefined> {
    const { filters } = this.#contract;
    const [opened, imported] = await this.#read(() =>
      Promise.all([this.#contract.queryFilter(filters.Opened(toHex(channelId)), fromBlock), this.#contract.queryFilter(filters.Imported(toHex(channelId)), fromBlock)]),
    );
    return [...opened, ...imported].map(({ args }) => plainConfig(args["config"]))[0];
  }

  /** Records a better state. @throws ChainError (`NotBetter`, `BadSignature`, …) */
  async checkpoint(config: ChannelConfig, evidence: Evidence, endorsement?: Uint8Array): Promise<string> {
    return (await this.#send(() => this.#contract.checkpoint(configStruct(config), updateStruct(signedUpdateOf(evidence, config, endorsement))))).hash;
  }

  /**
   * Asks for the close, with the best that this side has, or with nothing when that stands already.
   * @returns the deadline of answers in L1 seconds
   * @throws ChainError (`NotParty`, `WrongStatus`, …)
   */
  async challenge(config: ChannelConfig, side: Side, evidence: Evidence): Promise<{ readonly deadline: number; readonly transactionHash: string }> {
    const update = signedUpdateOf(evidence, config);
    const isBetter = !isEmptyUpdate(update) && (await this.#isBetter(() => this.#contract.checkpoint.staticCall(configStruct(config), updateStruct(update))));
    const receipt = await this.#send(() => this.#contract.challenge(configStruct(config), updateStruct(isBetter ? update : {}), side, []));
    return { deadline: Number(this.#event(receipt, "Challenged")["deadline"]), transactionHash: receipt.hash };
  }

  /**
   * Answers a close with what this side has. @returns the transaction; undefined when what stands is as good
   * @throws ChainError (`TooLate`, `WrongStatus`, …)
   */
  async respond(config: ChannelConfig, evidence: Evidence, endorsement?: Uint8Array): Promise<string | undefined> {
    const signed = signedUpdateOf(evidence, config, endorsement);
    if (isEmptyUpdate(signed)) return undefined;
    const update = updateStruct(signed);
    if (!(await this.#isBetter(() => this.#contract.respond.staticCall(configStruct(config), update)))) return undefined;
    return (await this.#send(() => this.#contract.respond(configStruct(config), update))).hash;
  }

  /** Tries a call: a revert because it adds nothing is an answer, every other one an error. */
  async #isBetter(call: () => Promise<unknown>): Promise<boolean> {
    try {
      await this.#read(call);
      return true;
    } catch (error) {
      if (error instanceof ChainError && error.values["contractError"] === "NotBetter") return false;
      throw error;
    }
  }

  /** Pays out after the deadline; anyone may. @throws ChainError (`TooEarly` with the time, `WrongStatus`) */
  async finish(config: ChannelConfig, fromBlock = 0): Promise<ChannelClosed> {
    const [locksA, locksB] = await this.#recordedLocks(config, fromBlock);
    return this.#closed(await this.#send(() => this.#contract.close(configStruct(config), lockStructs(locksA), lockStructs(locksB))));
  }

  /** The lock lists behind the hashes that are recorded, from the events that told them. */
  async #recordedLocks(config: ChannelConfig, fromBlock: number): Promise<[Lock[], Lock[]]> {
    const id = toHex(channelIdOf(config));
    const { locksHashA, locksHashB } = await this.#read(() => this.#contract.recordedOf(id));
    const hashes = [locksHashA, locksHashB].map((hash) => hash.toLowerCase());
    const none = toHex(locksHashOf([]));
    const lists: [Lock[], Lock[]] = [[], []];
    if (hashes.every((hash) => hash === none)) return lists;
    for (const { args } of await this.#read(() => this.#contract.queryFilter(this.#contract.filters.VoucherRecorded(id), fromBlock))) {
      const locks = args["locks"].map(({ hashlock, amount, expiry }) => ({ hashlock: fromHex(hashlock, 32), amount: Number(amount), expiry: Number(expiry) }));
      const side = Number(args["payer"]) as Side;
      if (toHex(locksHashOf(locks)) === hashes[side]) lists[side] = locks;
    }
    return lists;
  }

  /** @param signatures of A and B, each of the party itself. @throws ChainError (`BadSignature`, `WrongStatus`) */
  async closeCooperatively(config: ChannelConfig, close: Close, [a, b]: readonly [Uint8Array, Uint8Array]): Promise<ChannelClosed> {
    const signed = closeStruct({ ...close, signatures: [{ signature: a }, { signature: b }] });
    return this.#closed(await this.#send(() => this.#contract.closeCooperatively(configStruct(config), signed)));
  }

  /** What has become of a channel that is closed; undefined while it is not. */
  async closedAs(config: ChannelConfig, fromBlock = 0): Promise<ChannelClosed | undefined> {
    const logs = await this.#read(() => this.#contract.queryFilter(this.#contract.filters.Closed(toHex(channelIdOf(config))), fromBlock));
    const [log] = logs;
    if (log === undefined) return undefined;
    const { isUnilateral, shareA, shareB } = log.args;
    return { isUnilateral, shareA: Number(shareA), shareB: Number(shareB), transactionHash: log.transactionHash };
  }

  #closed(receipt: ContractTransactionReceipt): ChannelClosed {
    const { isUnilateral, shareA, shareB } = this.#event(receipt, "Closed");
    return { isUnilateral: Boolean(isUnilateral), shareA: Number(shareA), shareB: Number(shareB), transactionHash: receipt.hash };
  }

  /** @throws ChainError (`WrongNonce`, `WithdrawalExpired`, `NotHeld`) */
  async withdraw(config: ChannelConfig, withdrawal: PartialWithdrawal, signatures: readonly [Uint8Array, Uint8Array]): Promise<string> {
    return (await this.#send(() => this.#contract.withdraw(configStruct(config), withdrawalStruct({ ...withdrawal, signatures })))).hash;
  }

  /** Has B of one-way channels paid by A's newest vouchers, many at once. @throws ChainError */
  async claim(claims: readonly { readonly config: ChannelConfig; readonly evidence: Evidence }[]): Promise<string> {
    const held = claims.flatMap(({ config, evidence }) => (signedUpdateOf(evidence, config).vouchers ?? []).map((voucher) => claimStruct({ config, voucher })));
    if (held.length === 0) throw sdkError("SDK_INPUT", "there is no voucher to claim by");
    return (await this.#send(() => this.#contract.claimMany(held))).hash;
  }

  /** Registers a preimage for all channels; doing it twice does no harm. */
  async registerPreimage(preimage: Uint8Array): Promise<string> {
    return (await this.#send(() => this.#contract.registerPreimage(toHex(preimage)))).hash;
  }

  /** The preimage of a hashlock and the L1 time of its registration. */
  async findPreimage(hashlock: Uint8Array, fromBlock = 0): Promise<{ readonly preimage: Uint8Array; readonly registeredAt: number } | undefined> {
    const time = await this.#read(() => this.#contract.preimageTime(toHex(hashlock)));
    if (time === 0n) return undefined;
    const logs = await this.#read(() => this.#contract.queryFilter(this.#contract.filters.PreimageRegistered(toHex(hashlock)), fromBlock));
    const preimage = logs.map(({ args }) => fromHex(args["preimage"], 32)).find((each) => toHex(keccak256(each)) === toHex(hashlock));
    return preimage === undefined ? undefined : { preimage, registeredAt: Number(time) };
  }

  /** Base units that a payee refused, or could not be pushed, and that wait for it. */
  async owed(asset: string | undefined, owner: string): Promise<bigint> {
    return this.#read(() => this.#contract.credits(asset ?? ZERO_ADDRESS, owner));
  }

  /** Pulls what waits for the signer. @throws ChainError (`NothingToCollect`) */
  async collect(asset: string | undefined, to?: string): Promise<string> {
    return (await this.#send(async () => this.#contract.collect(asset ?? ZERO_ADDRESS, to ?? (await this.sender())))).hash;
  }

  /**
   * Takes over a channel that was exported from Layer Core; anyone may.
   * @param leaf the CHANNEL leaf as it was when it was exported, four words
   * @throws ChainError (`NotExported`, `WrongStatus`, `AlreadyWithdrawn`, …)
   */
  async importExport(config: ChannelConfig, leaf: readonly [string, string, string, string], proof: { readonly index: number; readonly leaf: readonly string[]; readonly siblings: readonly string[]; readonly claimId: string }): Promise<string> {
    const words = proof.leaf as [string, string, string, string];
    return (
      await this.#send(() => this.#contract.importExport(toHex(config.partyA), toHex(config.partyB), [...leaf], { index: proof.index, leaf: words, siblings: [...proof.siblings], claimId: proof.claimId }))
    ).hash;
  }

  #event(receipt: ContractTransactionReceipt, name: string): Record<string, unknown> {
    for (const log of receipt.logs) {
      const parsed = this.#contract.interface.parseLog(log);
      if (parsed?.name === name) return parsed.args.toObject() as Record<string, unknown>;
    }
    throw sdkError("SDK_RESPONSE", `the transaction ${receipt.hash} has no ${name} event`);
  }

  async #read<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw error instanceof SdkError ? error : toChainError(error, [...CHANNEL_ABIS, ...ROOT_ABIS]);
    }
  }

  async #send(send: () => Promise<Sent>): Promise<ContractTransactionReceipt> {
    return this.#read(async () => {
      const sent = await send();
      const receipt = await sent.wait(1, MINED_MS).catch((error: unknown) => (isError(error, "TIMEOUT") ? null : Promise.reject(error as Error)));
      if (receipt === null) throw sdkError("SDK_TIMEOUT", `the transaction ${sent.hash} is not mined after ${MINED_MS / 1000} s; it may still be`, { transactionHash: sent.hash });
      return receipt;
    });
  }
}
