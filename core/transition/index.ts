export { CHANNEL_ALLOCATOR, INVOCATION_ALLOCATOR, SESSION_ALLOCATOR, WORKFLOW_ALLOCATOR } from "./Context.ts";
export { createBundleResult, createExecutor, Executor } from "./Executor.ts";
export type { BundleResult, ForcedBundleListener } from "./Executor.ts";
export type { Dependency } from "./dependencies.ts";
export type { Recover } from "../codec/signature.ts";
export type { BatchInput, EntryInput, L1Data } from "./L1Data.ts";
export { Machine } from "./Machine.ts";
export type { StepTrace, TransitionParameters } from "./Machine.ts";
