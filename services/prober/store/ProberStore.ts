import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";

import { writeFileAtomic } from "../../../runtime/files/writeFileAtomic.ts";
import type { Measure, Secret } from "../decide/ProberState.ts";
import { ProberError } from "../ProberError.ts";

const FORMAT = "agnt2-prober";

interface Notes {
  readonly measures: Map<number, Measure>;
  readonly secrets: Map<number, Secret>;
}

interface FileContent {
  readonly format: string;
  readonly chainId: number;
  readonly meter: string;
  readonly hasJoined: boolean;
  readonly engagements: Readonly<Record<string, { readonly measures: readonly (readonly [number, Measure])[]; readonly secrets: readonly (readonly [number, Secret])[] }>>;
}

/** What was measured and what was committed to, in one small file that is replaced as a whole. Only its owner may read it: it holds salts. */
export class ProberStore {
  readonly #path: string;
  readonly #meter: { readonly chainId: number; readonly meter: string };
  readonly #notes = new Map<string, Notes>();
  #hasJoined = false;
  #isDirty = false;
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, meter: { readonly chainId: number; readonly meter: string }) {
    [this.#path, this.#meter] = [path, meter];
  }

  /** @throws ProberError `prober/storage` for a file of another meter, or no such file at all */
  static async open(path: string, meter: { readonly chainId: number; readonly meter: string }): Promise<ProberStore> {
    const store = new ProberStore(path, meter);
    await mkdir(dirname(path), { recursive: true });
    let text: string;
    try {
      text = await readFile(path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      return store;
    }
    store.#fill(text);
    return store;
  }

  get hasJoined(): boolean {
    return this.#hasJoined;
  }

  measuresOf(key: string): ReadonlyMap<number, Measure> {
    return this.#of(key).measures;
  }

  secretsOf(key: string): ReadonlyMap<number, Secret> {
    return this.#of(key).secrets;
  }

  /** In memory; on disk with the next `save`. */
  addSample(key: string, period: number, isOk: boolean): void {
    const { measures } = this.#of(key);
    const { ok, total } = measures.get(period) ?? { ok: 0, total: 0 };
    measures.set(period, { ok: ok + (isOk ? 1 : 0), total: total + 1 });
    this.#isDirty = true;
  }

  /** Resolves when the secret survives a crash. One that is there already stays. */
  async keepSecret(key: string, period: number, secret: Secret): Promise<Secret> {
    const { secrets } = this.#of(key);
    const kept = secrets.get(period) ?? secret;
    secrets.set(period, kept);
    this.#isDirty = true;
    await this.save();
    return kept;
  }

  async noteJoined(): Promise<void> {
    [this.#hasJoined, this.#isDirty] = [true, true];
    await this.save();
  }

  /** Drops what cannot be of use any more. @param isOver says so of a period */
  forget(key: string, isOver: (period: number) => boolean): void {
    const { measures, secrets } = this.#of(key);
    for (const map of [measures, secrets]) {
      for (const period of map.keys()) {
        if (!isOver(period)) continue;
        map.delete(period);
        this.#isDirty = true;
      }
    }
  }

  /** Writes what has changed; resolves when that is on disk. */
  save(): Promise<void> {
    const run = this.#writing.then(async () => {
      if (!this.#isDirty) return;
      this.#isDirty = false;
      try {
        await writeFileAtomic(this.#path, `${JSON.stringify(this.#content())}\n`, 0o600);
      } catch (error) {
        this.#isDirty = true;
        throw error;
      }
    });
    this.#writing = run.catch(() => undefined); // whoever asked is told; the next write begins anew
    return run;
  }

  #of(key: string): Notes {
    const found = this.#notes.get(key) ?? { measures: new Map<number, Measure>(), secrets: new Map<number, Secret>() };
    this.#notes.set(key, found);
    return found;
  }

  #content(): FileContent {
    const engagements = Object.fromEntries([...this.#notes].filter(([, { measures, secrets }]) => measures.size + secrets.size > 0).map(([key, { measures, secrets }]) => [key, { measures: [...measures], secrets: [...secrets] }]));
    return { format: FORMAT, ...this.#meter, hasJoined: this.#hasJoined, engagements };
  }

  #fill(text: string): void {
    const refuse = (problem: string, cause?: unknown): ProberError =>
      new ProberError("prober/storage", { path: this.#path, problem }, "stop", { what: `${this.#path} cannot be used: ${problem}`, why: "It holds the salts of what is committed to", todo: "Choose another data folder, or bring back the file; do not delete it while something is to be revealed" }, { cause });
    let content: FileContent | null;
    try {
      content = JSON.parse(text) as FileContent | null;
    } catch (error) {
      throw refuse("it is no JSON", error);
    }
    if (content?.format !== FORMAT || typeof content.engagements !== "object") throw refuse("it is of another format");
    const { chainId, meter } = this.#meter;
    if (content.chainId !== chainId || content.meter !== meter) throw refuse(`it is of the meter ${content.meter} on chain ${content.chainId}`);
    this.#hasJoined = content.hasJoined;
    for (const [key, { measures, secrets }] of Object.entries(content.engagements)) this.#notes.set(key, { measures: new Map(measures), secrets: new Map(secrets) });
  }
}
