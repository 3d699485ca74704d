import type { BodyReader, RequestHead } from "./RequestHead.ts";
import type { Verdict } from "./Sale.ts";

/**
 * Decides who comes through. Free and unpaid requests are decided at once, without a promise and without touching the body; a paid one
 * is claimed in the ledger and verified first. `body` is read only where the request hash needs it (then the door forwards those bytes).
 */
export interface Gate {
  decide(head: RequestHead, body: BodyReader): Verdict | Promise<Verdict>;
}
