const DIGEST_BYTES = 32;
/** A member of the dictionary (RFC 8941): a key and a byte sequence; parameters are let be. */
const MEMBER = /^([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]*={0,2}):(?:\s*;.*)?$/;
const LONGEST_HEADER_CHARS = 1024;

/** Value of the header Content-Digest (RFC 9530) for a body with this sha-256. */
export function formatContentDigest(digest: Uint8Array): string {
  return `sha-256=:${btoa(String.fromCharCode(...digest))}:`;
}

/** The sha-256 that a Content-Digest header names; undefined when there is none that can be read. */
export function parseContentDigest(header: string | undefined): Uint8Array | undefined {
  if (header === undefined || header.length > LONGEST_HEADER_CHARS) return undefined;
  let found: Uint8Array | undefined;
  for (const part of header.split(",")) {
    const [, key, text] = MEMBER.exec(part.trim()) ?? [];
    if (text === undefined) return undefined;
    if (key !== "sha-256") continue;
    // The last member of a name counts.
    found = text.length === 44 ? Uint8Array.from(atob(text), (character) => character.charCodeAt(0)) : undefined;
    if (found?.length !== DIGEST_BYTES) return undefined;
  }
  return found;
}
