/** Name of the file that makes a backup whole: it is written last. */
export const MANIFEST = "backup.json";
export const BACKUP_FORMAT = 1;

/** What a backup holds. */
export interface BackupManifest {
  readonly format: number;
  /** unix seconds */
  readonly madeAt: number;
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly sha256: string }[];
}
