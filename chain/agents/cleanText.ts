/**
 * What may not stand in text of strangers: control characters, and those that turn or hide what follows them on a screen. Tab and line
 * feed stay.
 */
const UNWANTED = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]|[\u{e0000}-\u{e007f}]/gu;

/** Text of a stranger without characters that are not text, and without halves of surrogate pairs. */
export function cleanText(text: string): string {
  return text.toWellFormed().replace(UNWANTED, "");
}
