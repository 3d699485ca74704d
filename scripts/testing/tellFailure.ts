import type { TestFailure } from "./testReport.ts";

/** Longer messages hold whole answers and transactions. */
const MAX_MESSAGE_CHARS = 300;

/** One line about a test that failed: its file, its name, the message and the first line of the stack that is the project's own. */
export function tellFailure(file: string, title: string, error: unknown): TestFailure {
  const { message, stack = "" } = error instanceof Error ? error : new Error(String(error));
  const line = stack.split("\n").find((each) => each.trimStart().startsWith("at ") && !each.includes("node_modules") && !each.includes("node:"));
  const where = line === undefined ? "" : ` [${line.trim().replace(`file://${process.cwd()}/`, "")}]`;
  return { file, text: `${file}: ${title}: ${message.replaceAll(/\s+/g, " ").slice(0, MAX_MESSAGE_CHARS)}${where}` };
}
