import { CodedError } from "../errors/CodedError.ts";

/** Error codes of `runtime/files`. */
export type FilesErrors = {
  "files/locked": { readonly dir: string; readonly ownerPid: number | undefined };
  "files/diskFull": { readonly dir: string; readonly freeBytes: number; readonly neededBytes: number };
};

export class FilesError<K extends keyof FilesErrors = keyof FilesErrors> extends CodedError<FilesErrors, K> {}
