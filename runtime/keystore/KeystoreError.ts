import { CodedError } from "../errors/CodedError.ts";

/** Error codes of `runtime/keystore`. */
export type KeystoreErrors = {
  "keystore/notConfigured": object;
  "keystore/ambiguous": { readonly given: readonly string[] };
  "keystore/plainKeyRefused": object;
  "keystore/badKey": { readonly source: string };
  "keystore/file": { readonly file: string };
  "keystore/password": { readonly file: string };
  "keystore/external": { readonly method: string };
  "keystore/externalRefused": { readonly method: string };
  "keystore/externalAnswer": { readonly method: string };
};

export class KeystoreError<K extends keyof KeystoreErrors = keyof KeystoreErrors> extends CodedError<KeystoreErrors, K> {}
