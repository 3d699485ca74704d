export type DeployErrorCode =
  | "PARAMETERS_INVALID"
  | "PARAMETERS_CHANGED"
  | "WRONG_CHAIN"
  | "L1_UNREACHABLE"
  | "KEY_MISSING"
  | "NO_FUNDS"
  | "JOURNAL_OF_ANOTHER_CHAIN"
  | "DEPLOYMENT_FAILED"
  | "VERIFICATION_FAILED";

/** Why a deployment was refused or broke off, and what to do about it. A deployment that broke off is resumed by the same command. */
export class DeployError extends Error {
  readonly code: DeployErrorCode;

  constructor(code: DeployErrorCode, message: string, options?: ErrorOptions) {
    super(`${code}: ${message}`, options);
    this.name = "DeployError";
    this.code = code;
  }
}
