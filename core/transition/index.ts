export { CHANNEL_ALLOCATOR, INVOCATION_ALLOCATOR, SESSION_ALLOCATOR, WORKFLOW_ALLOCATOR } from "./Context.ts";
export { createBundleResult, createExecutor, Executor } from "./Executor.ts";
export type { BundleResult, ForcedBundleListener } from "./Executor.ts";
export type { Dependency } from "./dependencies.ts";
export type { BatchInput, EntryInput, L1Data, Recover } from "./L1Data.ts";
export { Machine } from "./Machine.ts";
export type { StepTrace, TransitionParameters } from "./Machine.ts";
