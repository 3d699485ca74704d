/** Gas used per contract call, by a name such as `Bridge.deposit (ETH)`. */
export type GasFigures = Readonly<Record<string, number>>;

/** Gas figures by area, as committed in `snapshots/gas.json`. */
export type GasSnapshot = Readonly<Record<string, GasFigures>>;

/** Every one-step proof has to fit into a block many times over; DESIGN section 9 promises less than two million: this at most. */
const ONE_STEP_LIMIT_GAS = 1_999_999;
const ONE_STEP_NAME = /^OneStepProver\b/;
/**
 * What channels may cost at most, by DESIGN section 9, and what clients of the registries send along; the first name that fits counts.
 * The 75,000 for a checkpoint are for one that brings a base or a voucher: a base with both vouchers checks two signatures and writes two
 * words more. Locks, up to 16 in a voucher, are beyond that table; they have a limit so that none of them grows unseen.
 */
const LIMITS: readonly (readonly [RegExp, number])[] = [
  [/^ChannelAdjudicator\..*lock/, 150_000],
  [/^ChannelAdjudicator\.open\b/, 130_000],
  [/^ChannelAdjudicator\.checkpoint \(a base and both vouchers\)/, 90_000],
  [/^ChannelAdjudicator\.checkpoint\b/, 75_000],
  [/^ChannelAdjudicator\.challenge\b/, 110_000],
  [/^ChannelAdjudicator\.respond\b/, 80_000],
  [/^ChannelAdjudicator\.close/, 110_000],
  [/^ChannelAdjudicator\.claimMany: each further channel/, 17_000],
  [/^ReputationRegistry\.giveFeedback\b/, 299_999],
];

function limitOf(name: string): number {
  if (ONE_STEP_NAME.test(name)) return ONE_STEP_LIMIT_GAS;
  return LIMITS.find(([pattern]) => pattern.test(name))?.[1] ?? Infinity;
}

function flatten(snapshot: GasSnapshot): Map<string, number> {
  const flat = new Map<string, number>();
  for (const [area, figures] of Object.entries(snapshot)) {
    for (const [name, gas] of Object.entries(figures)) flat.set(`${area}: ${name}`, gas);
  }
  return flat;
}

/** Lists, one line each, the calls whose gas differs between two snapshots. Empty when they agree exactly. */
export function compareGas(committed: GasSnapshot, measured: GasSnapshot): string[] {
  const before = flatten(committed);
  const after = flatten(measured);
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names.flatMap((name) => {
    const [was, is] = [before.get(name), after.get(name)];
    if (was === is) return [];
    if (was === undefined) return [`${name}: new, ${is}`];
    if (is === undefined) return [`${name}: gone, was ${was}`];
    return [`${name}: ${was} -> ${is} (${is > was ? "+" : ""}${is - was})`];
  });
}

/** Lists the calls that cost more than the design allows: one-step proofs, what channels do on chain, and feedback. */
export function exceedingLimits(snapshot: GasSnapshot): string[] {
  return Object.values(snapshot).flatMap((figures) =>
    Object.entries(figures)
      .filter(([name, gas]) => gas > limitOf(name))
      .map(([name, gas]) => `${name}: ${gas} gas, and the limit is ${limitOf(name)}`),
  );
}

/** The committed form: sorted, so that a difference shows only what changed. */
export function formatGas(snapshot: GasSnapshot): string {
  const sort = <T>(record: Readonly<Record<string, T>>): [string, T][] =>
    Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
  const sorted = Object.fromEntries(sort(snapshot).map(([area, figures]) => [area, Object.fromEntries(sort(figures))]));
  return `${JSON.stringify(sorted, null, 2)}\n`;
}
