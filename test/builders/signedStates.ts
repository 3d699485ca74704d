import { readFileSync } from "node:fs";

const [CALLS, ACK, REBASE] = [2, 3, 8];
const hex = (bytes: Buffer): string => bytes.toString("hex");

/**
 * Reads what a side sent (each frame behind its length) and says every signed state in it, by what may be signed once only. Written
 * from the table of frames in docs/CHANNELS.md section 4, not with the engine's own reader. The last frame may be cut short by a kill.
 */
function* signedStates(side: 0 | 1, frames: Buffer): Generator<readonly [place: string, state: string]> {
  for (let at = 0; at + 4 <= frames.length; ) {
    const frame = frames.subarray(at + 4, at + 4 + frames.readUInt32BE(at));
    at += 4 + frame.length;
    const u64 = (offset: number): number => Number(frame.readBigUInt64BE(offset));
    if (frame[0] === CALLS) {
      const [entries, version, before] = [frame.readUInt16BE(3), frame.readUInt32BE(5), u64(9)];
      const state = `paid ${u64(25)} calls ${hex(frame.subarray(65, 97))} locks ${hex(frame.subarray(97, 129))}`;
      yield [`side ${side}: voucher, version ${version}, sequence ${before + entries}`, state];
      yield [`side ${side}: calls before ${before}`, hex(frame.subarray(33, 65))];
      yield [`side ${side}: calls before ${before + entries}`, hex(frame.subarray(65, 97))];
    }
    if (frame[0] === ACK) {
      const [count, version, sequence, before] = [frame.readUInt16BE(3), frame.readUInt32BE(5), u64(9), u64(49)];
      yield [`side ${side}: ack, version ${version}, sequence ${sequence}, results ${before + count}`, `${hex(frame.subarray(17, 49))} ${hex(frame.subarray(89, 121))}`];
      yield [`side ${side}: results before ${before}`, hex(frame.subarray(57, 89))];
      yield [`side ${side}: results before ${before + count}`, hex(frame.subarray(89, 121))];
    }
    if (frame[0] === REBASE) yield [`side ${side}: base ${frame.readUInt32BE(3)}`, `${u64(7)} ${u64(15)}`];
  }
}

/** Every pair of different states that a side signed at one place; and how many signed states there were. */
export function findDoubles(files: readonly [string, string]): { readonly doubles: string[]; readonly signed: number; readonly bases: number } {
  const seen = new Map<string, string>();
  const doubles: string[] = [];
  for (const side of [0, 1] as const) {
    for (const [place, state] of signedStates(side, readFileSync(files[side]))) {
      const before = seen.get(place);
      if (before !== undefined && before !== state) doubles.push(`${place}: ${before} and ${state}`);
      seen.set(place, state);
    }
  }
  const places = [...seen.keys()];
  return { doubles, signed: places.filter((place) => /voucher|ack|base/.test(place)).length, bases: places.filter((place) => place.includes("base")).length };
}
