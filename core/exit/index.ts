export type { DepositRefund, Exit, ExitProof, ExitReason, LeafPlace } from "./Exit.ts";
export { ExitState } from "./ExitState.ts";
export { listExits } from "./listExits.ts";
