export { createKeystore, openKeystore } from "./keystore.ts";
export { LOCAL_CHAIN_ID, loadSigner, readPasswordFile } from "./loadSigner.ts";
export type { KeySource, LoadedSigner } from "./loadSigner.ts";
