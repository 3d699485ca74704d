import type { Signer } from "ethers";

import { connectIdentityRegistry, connectReputationRegistry, REGISTRY_ABIS } from "../../chain/agents/connectRegistries.ts";
import { registryId } from "../../chain/agents/registrationFile.ts";
import { registrationDataUri, writeRegistrationFile } from "../../chain/agents/writeRegistrationFile.ts";
import type { RegistrationInput } from "../../chain/agents/writeRegistrationFile.ts";
import { connectAccountContracts, ROOT_ABIS } from "../../chain/connectContracts.ts";
import { contractOf } from "../economy/readEconomy.ts";
import type { Economy } from "../economy/readEconomy.ts";
import { L1Sender } from "../L1Sender.ts";
import { sdkError } from "../SdkError.ts";

/** Longest life of a wallet's consent, by the registry's rule. */
const CONSENT_SECONDS = 240;
const WALLET_TYPES = {
  AgentWalletSet: [
    { name: "agentId", type: "uint256" }, { name: "newWallet", type: "address" }, { name: "owner", type: "address" }, { name: "deadline", type: "uint256" },
  ],
};
const MAX_DECIMALS = 18;

/** An agent as the IdentityRegistry has it. */
export interface RegisteredAgent {
  readonly agentId: bigint;
  readonly owner: string;
  /** Where it is paid; the owner unless another was set. */
  readonly wallet: string;
  /** Of its registration file; empty if it has none. */
  readonly uri: string;
}

/** A rating of an agent; see ERC-8004. */
export interface Rating {
  /** A decimal number, for example "87" or "99.5". */
  readonly value: string;
  readonly tag1?: string;
  readonly tag2?: string;
  readonly endpoint?: string;
  /** More about it, with the keccak256 of what is there. */
  readonly feedbackUri?: string;
  readonly feedbackHash?: string;
}

/** A decimal number as the registry takes it. @throws SdkError `SDK_AMOUNT` */
export function ratingValue(text: string): { readonly value: bigint; readonly decimals: number } {
  const match = /^(-?)(\d{1,30})(?:\.(\d+))?$/.exec(text);
  const fraction = match?.[3] ?? "";
  if (match === null || fraction.length > MAX_DECIMALS) throw sdkError("SDK_AMOUNT", `"${text.slice(0, 40)}" is no decimal number with at most ${MAX_DECIMALS} places`);
  const value = BigInt(match[2]! + fraction);
  return { value: match[1] === "-" ? -value : value, decimals: fraction.length };
}

/** Names of agents, what is said of them, and the account of a chain that belongs to them (docs/BOUNTIES.md, sections 1 and 3). */
export class AgentDesk {
  readonly economy: Economy;
  readonly #sender: L1Sender;

  /** @param signer an ethers signer with a provider of that L1 */
  constructor(economy: Economy, signer: Signer) {
    this.economy = economy;
    this.#sender = new L1Sender(signer, [...REGISTRY_ABIS, ...ROOT_ABIS]);
  }

  get #identity() {
    return connectIdentityRegistry(contractOf(this.economy, "identityRegistry"), this.#sender.signer);
  }

  get #reputation() {
    return connectReputationRegistry(contractOf(this.economy, "reputationRegistry"), this.#sender.signer);
  }

  /** The URI of a registration file that names the agent back, with the file inside. @throws ChainError `REGISTRATION_FILE` */
  uriOf(file: RegistrationInput, agentId: bigint): string {
    const agentRegistry = registryId(this.economy.chainId, contractOf(this.economy, "identityRegistry"));
    return registrationDataUri(writeRegistrationFile({ ...file, registrations: [...(file.registrations ?? []), { agentId, agentRegistry }] }));
  }

  /**
   * Registers an agent of the signer. With a file, a second transaction puts it in, since it names the agent's id.
   * @param what the URI of a file (https, ipfs, data), or the file itself; without, an agent with a number only
   * @throws ChainError
   */
  async register(what?: string | RegistrationInput): Promise<{ readonly agentId: bigint; readonly uri: string; readonly transactionHash: string }> {
    const registry = this.#identity;
    const receipt = await this.#sender.send(() => (typeof what === "string" ? registry["register(string)"](what) : registry["register()"]()));
    const agentId = this.#sender.event(receipt, registry.interface, "Registered")["agentId"] as bigint;
    if (what === undefined || typeof what === "string") return { agentId, uri: what ?? "", transactionHash: receipt.hash };
    const uri = this.uriOf(what, agentId);
    await this.setUri(agentId, uri);
    return { agentId, uri, transactionHash: receipt.hash };
  }

  /** @throws ChainError */
  async setUri(agentId: bigint, uri: string): Promise<string> {
    return (await this.#sender.send(() => this.#identity.setAgentURI(agentId, uri))).hash;
  }

  /** @throws ChainError (`ERC721NonexistentToken`) */
  async show(agentId: bigint): Promise<RegisteredAgent> {
    const registry = this.#identity;
    const [owner, wallet, uri] = await this.#sender.read(() => Promise.all([registry.ownerOf(agentId), registry.getAgentWallet(agentId), registry.tokenURI(agentId)]));
    return { agentId, owner: owner.toLowerCase(), wallet: wallet.toLowerCase(), uri };
  }

  /** Agents that an address has registered, and still owns, the oldest first. */
  async registeredBy(owner: string): Promise<bigint[]> {
    const registry = this.#identity;
    const logs = await this.#sender.read(() => registry.queryFilter(registry.filters.Registered(undefined, undefined, owner), this.economy.fromBlock));
    const ids = logs.map(({ args }) => args.agentId);
    const owners = await this.#sender.read(() => Promise.all(ids.map((id) => registry.ownerOf(id))));
    return ids.filter((_id, place) => owners[place]!.toLowerCase() === owner.toLowerCase());
  }

  /** Whether the address may act for the agent. */
  async mayAct(address: string, agentId: bigint): Promise<boolean> {
    return this.#sender.read(() => this.#identity.isAuthorizedOrOwner(address, agentId));
  }

  /**
   * Queues LINK_AGENT: the signer's account on the chain belongs to the agent from then on.
   * @throws ChainError when the signer may not act for the agent
   */
  async link(agentId: bigint): Promise<{ readonly entry: number; readonly transactionHash: string }> {
    const address = contractOf(this.economy, "inbox");
    const { inbox } = connectAccountContracts({ inbox: address, settlement: address, bridge: address }, this.#sender.signer);
    const receipt = await this.#sender.send(() => inbox.linkAgent(agentId));
    return { entry: Number(this.#sender.event(receipt, inbox.interface, "EntryQueued")["index"]), transactionHash: receipt.hash };
  }

  /**
   * Pays the agent at another address, which has to agree by its signature.
   * @param wallet its signer; it sends nothing
   * @throws ChainError
   */
  async setWallet(agentId: bigint, wallet: Pick<Signer, "getAddress" | "signTypedData">): Promise<string> {
    const registry = this.#identity;
    const [newWallet, owner, now] = await Promise.all([wallet.getAddress(), this.#sender.read(() => registry.ownerOf(agentId)), this.#sender.now()]);
    const deadline = now + CONSENT_SECONDS;
    const domain = { name: "ERC8004IdentityRegistry", version: "1", chainId: this.economy.chainId, verifyingContract: contractOf(this.economy, "identityRegistry") };
    const signature = await wallet.signTypedData(domain, WALLET_TYPES, { agentId, newWallet, owner, deadline });
    return (await this.#sender.send(() => registry.setAgentWallet(agentId, newWallet, deadline, signature))).hash;
  }

  /**
   * Says what an agent is worth. It counts for admission only when paid calls are proven between the two (`ServiceDesk.attach`).
   * @throws SdkError `SDK_AMOUNT`; ChainError
   */
  async rate(agentId: bigint, rating: Rating): Promise<{ readonly feedbackIndex: number; readonly transactionHash: string }> {
    const { value, decimals } = ratingValue(rating.value);
    const { tag1 = "", tag2 = "", endpoint = "", feedbackUri = "", feedbackHash = `0x${"0".repeat(64)}` } = rating;
    const registry = this.#reputation;
    const receipt = await this.#sender.send(() => registry.giveFeedback(agentId, value, decimals, tag1, tag2, endpoint, feedbackUri, feedbackHash));
    return { feedbackIndex: Number(this.#sender.event(receipt, registry.interface, "NewFeedback")["feedbackIndex"]), transactionHash: receipt.hash };
  }

  /** Takes a rating of the signer back. @throws ChainError */
  async revoke(agentId: bigint, feedbackIndex: number): Promise<string> {
    return (await this.#sender.send(() => this.#reputation.revokeFeedback(agentId, feedbackIndex))).hash;
  }
}
