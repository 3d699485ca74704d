/** Codes of the command line itself, for the error reference; all others are the SDK's, the chain's or a service's. */
export const CLI_ERROR_TEXTS = [
  { code: "CLI_USAGE", reaction: "reject", what: "the command line is wrong", todo: "see agnt2 COMMAND --help" },
  { code: "CLI_INTERNAL", reaction: "stop", what: "something that is not foreseen; the message says what", todo: "report it with the command and the message" },
] as const;

/** An error in the command line, with its code. */
export function usageError(message: string): Error & { code: string; todo: string } {
  const [{ code, todo }] = CLI_ERROR_TEXTS;
  return Object.assign(new Error(message.replace(/^error: /, "")), { code, todo });
}
