/** What the caller can do about an error: try again later, give this request up, or stop and call a person. */
export type Reaction = "retry" | "reject" | "stop";

const CHAIN_ERRORS = {
  L1_UNREACHABLE: ["retry", "no L1 endpoint answered", "check L1_URL and the network; nothing is lost, work resumes by itself"],
  L1_RPC: ["retry", "an L1 endpoint answered with an error", "see the message of the endpoint"],
  L1_WRONG_CHAIN: ["stop", "an L1 endpoint serves another chain", "point L1_URL at the chain of the deployment"],
  L1_REVERT: ["reject", "the contract refused the call", "see the contract's error and its values"],
  L1_FUNDS: ["retry", "the account cannot pay for the transaction", "send ETH to the account; the transaction is sent as soon as it can be paid"],
  L1_FEE_CAP: ["retry", "the L1 fee is above the configured cap", "wait for cheaper blocks or raise the cap"],
  L1_REORG_TOO_DEEP: ["stop", "the L1 chain was reorganised below the watched depth", "check the endpoint, then restart from a snapshot below the fork"],
  L1_LOW_BALANCE: ["retry", "the account's L1 balance is low", "send ETH to the account"],
  L1_TX_REFUSED: ["reject", "the endpoint refused the transaction", "see the message of the endpoint"],
  DEPLOYMENT_INVALID: ["stop", "the deployment file is missing fields or names no code", "deploy again with `npx hardhat deploy --network NAME`"],
  REGISTRATION_FILE: ["reject", "an agent's registration file is not as ERC-8004 has it", "correct the field that is named, and publish the file again"],
  JOURNAL_FORMAT: ["stop", "the journal was written by another version", "use the version that wrote it, or finish its transactions first"],
} as const satisfies Record<string, readonly [Reaction, string, string]>;

export type ChainErrorCode = keyof typeof CHAIN_ERRORS;

/** The codes of this layer with their text and advice, for the error reference. */
export const CHAIN_ERROR_CODES = Object.keys(CHAIN_ERRORS) as ChainErrorCode[];

export function describeChainError(code: ChainErrorCode): { reaction: Reaction; text: string; todo: string } {
  const [reaction, text, todo] = CHAIN_ERRORS[code];
  return { reaction, text, todo };
}

/** A failure between us and the L1, with a code, what to do about it, and the values that belong to it. */
export class ChainError extends Error {
  readonly code: ChainErrorCode;
  readonly reaction: Reaction;
  readonly todo: string;
  readonly values: Readonly<Record<string, unknown>>;

  constructor(code: ChainErrorCode, detail: string, values: Readonly<Record<string, unknown>> = {}, cause?: unknown) {
    const { reaction, text, todo } = describeChainError(code);
    super(detail === "" ? text : `${text}: ${detail}`, cause === undefined ? undefined : { cause });
    this.name = "ChainError";
    this.code = code;
    this.reaction = reaction;
    this.todo = todo;
    this.values = values;
  }
}
