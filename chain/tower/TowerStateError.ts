export type TowerStateErrorCode =
  | "tower/body" // not the JSON of a state
  | "tower/signature" // a signature that is not the party's or its granted key's
  | "tower/grant-cap" // more than the granted key may sign for
  | "tower/state" // a base or voucher that no adjudicator would take
  | "tower/sealed"; // not a body that was sealed for this close

/** A state that a tower could not hand in. */
export class TowerStateError extends Error {
  readonly code: TowerStateErrorCode;

  constructor(code: TowerStateErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "TowerStateError";
    this.code = code;
  }
}
