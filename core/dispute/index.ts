export { packFeeTable } from "./encodeStepProof.ts";
export { recordStep } from "./recordStep.ts";
export type { RecordedStep, StepLeaf } from "./recordStep.ts";
export type { LeafOpening, StepProof } from "./StepProof.ts";
