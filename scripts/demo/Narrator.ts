import ora from "ora";
import pc from "picocolors";

const QUIET_MS = 1_000;
const WIDTH = 110;

/** Tells the story: plain lines, and a spinner (on a terminal) for what takes longer than a second. */
export class Narrator {
  readonly #isTerminal: boolean;
  readonly #startedAt = Date.now();
  #active: { stop(): void } | undefined;

  constructor(isTerminal: boolean = process.stdout.isTTY === true) {
    this.#isTerminal = isTerminal;
  }

  chapter(number: number, title: string): void {
    const seconds = ((Date.now() - this.#startedAt) / 1000).toFixed(0);
    this.#line(`\n${pc.bold(`${number}. ${title}`)} ${pc.dim(`(${seconds} s)`)}`);
  }

  /** A paragraph, wrapped and indented. */
  say(text: string): void {
    let line = "";
    for (const word of text.split(" ")) {
      if (line.length + word.length + 1 > WIDTH) {
        this.#line(`   ${line}`);
        line = "";
      }
      line = line === "" ? word : `${line} ${word}`;
    }
    this.#line(`   ${line}`);
  }

  /** A fact: name and value on a line. */
  fact(name: string, value: string | number): void {
    this.#line(`     ${pc.dim(name.padEnd(22))} ${value}`);
  }

  /** Waits for `work`, saying what is waited for if it takes more than a second. */
  async waiting<T>(label: string, work: Promise<T>): Promise<T> {
    const startedAt = Date.now();
    const seconds = (): string => `${((Date.now() - startedAt) / 1000).toFixed(0)} s`;
    let spinner: { stop(): void } | undefined;
    const timer = setTimeout(() => {
      if (this.#isTerminal) spinner = ora({ text: label, indent: 3, discardStdin: false }).start();
      else this.#line(`   … ${label}`);
      this.#active = spinner;
    }, QUIET_MS);
    try {
      return await work;
    } finally {
      clearTimeout(timer);
      spinner?.stop();
      this.#active = undefined;
      if (Date.now() - startedAt > QUIET_MS && this.#isTerminal) this.#line(`   ${pc.dim(`${label} ${seconds()}`)}`);
    }
  }

  /** Ends a spinner that is still turning, before the process does. */
  hush(): void {
    this.#active?.stop();
  }

  #line(text: string): void {
    process.stdout.write(`${text}\n`);
  }
}
