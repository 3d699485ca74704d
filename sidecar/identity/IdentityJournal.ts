import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import { toError } from "../../runtime/errors/CodedError.ts";
import { writeFileAtomic } from "../../runtime/files/writeFileAtomic.ts";
import { IdentityError } from "./IdentityError.ts";

const FILE = "identity.json";
const OWNER_ONLY = 0o600;

const transaction = z.strictObject({ hash: z.string(), raw: z.string(), nonce: z.int().min(0), to: z.string() });
const shape = z.strictObject({
  version: z.literal(1),
  chainId: z.int(),
  /** Of the chain's Inbox: says which chain it is. */
  inbox: z.string(),
  address: z.string(),
  agentId: z.string().optional(),
  accountIndex: z.int().optional(),
  /** keccak-256 of the URI that the registry was seen to hold. */
  uriHash: z.string().optional(),
  /** The last transaction of each step that is under way: signed and written here before it is sent. */
  pending: z.record(z.string(), transaction),
});

export type PendingTransaction = z.infer<typeof transaction>;
type Content = z.infer<typeof shape>;

/** What this folder knows of the first start. Each change is on disk before what depends on it happens. */
export class IdentityJournal {
  readonly #path: string;
  #content: Content;

  private constructor(path: string, content: Content) {
    [this.#path, this.#content] = [path, content];
  }

  /** @throws IdentityError `identity/journal`, `identity/other` when the folder was begun with another key or chain */
  static async open(dir: string, owner: Pick<Content, "chainId" | "inbox" | "address">): Promise<IdentityJournal> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const path = join(dir, FILE);
    const mine: Content = { version: 1, ...owner, inbox: owner.inbox.toLowerCase(), address: owner.address.toLowerCase(), pending: {} };
    const text = await readFile(path, "utf8").catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    });
    if (text === undefined) {
      const journal = new IdentityJournal(path, mine);
      await journal.#write();
      return journal;
    }
    let known: Content;
    try {
      known = shape.parse(JSON.parse(text));
    } catch (error) {
      throw new IdentityError("identity/journal", { file: path }, { why: toError(error).message.slice(0, 300), cause: error });
    }
    const nameOf = ({ chainId, inbox, address }: Content): string => `${address} on ${chainId}:${inbox}`;
    if (nameOf(known) !== nameOf(mine)) throw new IdentityError("identity/other", { file: path, known: nameOf(known), found: nameOf(mine) });
    return new IdentityJournal(path, known);
  }

  get agentId(): bigint | undefined {
    return this.#content.agentId === undefined ? undefined : BigInt(this.#content.agentId);
  }

  get accountIndex(): number | undefined {
    return this.#content.accountIndex;
  }

  pending(step: string): PendingTransaction | undefined {
    return this.#content.pending[step];
  }

  get uriHash(): string | undefined {
    return this.#content.uriHash;
  }

  async setUriHash(uriHash: string): Promise<void> {
    await this.#change({ uriHash });
  }

  async setAgentId(agentId: bigint): Promise<void> {
    await this.#change({ agentId: agentId.toString() });
  }

  async setAccountIndex(accountIndex: number): Promise<void> {
    await this.#change({ accountIndex });
  }

  async setPending(step: string, pending: PendingTransaction): Promise<void> {
    await this.#change({ pending: { ...this.#content.pending, [step]: pending } });
  }

  async settle(step: string): Promise<void> {
    if (this.#content.pending[step] === undefined) return;
    await this.#change({ pending: Object.fromEntries(Object.entries(this.#content.pending).filter(([name]) => name !== step)) });
  }

  async #change(change: Partial<Content>): Promise<void> {
    this.#content = { ...this.#content, ...change };
    await this.#write();
  }

  async #write(): Promise<void> {
    await writeFileAtomic(this.#path, `${JSON.stringify(this.#content, null, 2)}\n`, OWNER_ONLY);
  }
}
