/** True if two byte arrays hold the same. */
export function isSameRoot(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Index of the first root that differs, -1 if none does. Both lists are as long. */
export function firstDisagreement(ours: readonly Uint8Array[], theirs: readonly Uint8Array[]): number {
  return ours.findIndex((root, i) => !isSameRoot(root, theirs[i]));
}
