import { FRAME } from "../../../../core/channel/engine/frames/FrameKind.ts";
import { keccak256 } from "../../../../core/hash/index.ts";
import { WINDOW_SECONDS } from "../support/Duo.ts";
import type { EngineHost } from "../support/EngineHost.ts";
import { addressOf } from "../support/FakeKeys.ts";
import { FuzzWorld, insist } from "./FuzzWorld.ts";

type Action = (world: FuzzWorld, host: EngineHost) => void;

function lockWork(world: FuzzWorld, host: EngineHost): void {
  const engine = world.inside(host);
  const mine = world.preimages[host.side];
  const theirs = world.preimages[1 - host.side];
  const pick = <T>(list: readonly T[]): T | undefined => list[world.below(list.length)];
  switch (world.below(6)) {
    case 0:
    case 1: {
      const preimage = world.word();
      world.ask(host, () => {
        engine.addLock({ hashlock: keccak256(preimage), amount: 1 + world.below(50), expiry: host.l1Seconds + 1200 + world.below(3 * WINDOW_SECONDS) });
        mine.push(preimage);
      });
      return;
    }
    case 2: {
      const preimage = pick(theirs);
      if (preimage !== undefined) world.ask(host, () => engine.claimLock(preimage));
      return;
    }
    case 3: {
      const lock = pick(engine.payee.state.locks);
      if (lock !== undefined) world.ask(host, () => engine.releaseLock(lock.hashlock));
      return;
    }
    case 4: {
      const lock = pick(engine.payer.planned);
      if (lock !== undefined) world.ask(host, () => engine.dropLock(lock.hashlock));
      return;
    }
    default: {
      const preimage = pick(mine);
      if (preimage !== undefined && world.chance(0.3)) world.ask(host, () => engine.settleLock(preimage));
    }
  }
}

function grant(world: FuzzWorld, host: EngineHost): void {
  if (world.chance(0.2)) {
    world.ask(host, () => host.engine.useSessionKey());
    return;
  }
  const key = addressOf(`session ${host.side} ${world.below(5)}`);
  const fields = { key, cap: world.below(4000), expiry: host.l1Seconds + world.below(6 * WINDOW_SECONDS) };
  world.ask(host, () => host.engine.useSessionKey(fields, host.signer.sign(world.grantDigest(fields), host.principal)));
}

/** Bytes that no honest engine sends here and now. */
function garbage(world: FuzzWorld, host: EngineHost): void {
  const peer = world.peerOf(host);
  // The transport knows its peer: before HELLO only the peer itself could lie, and only about itself.
  if (!host.isConnected || world.inside(host).context.link !== "synced") return;
  const old = world.old[peer.side];
  const seen = old[world.below(old.length)];
  const kind = world.below(4);
  if (seen === undefined || kind === 0) {
    const bytes = Uint8Array.from({ length: world.below(200) }, () => world.below(256));
    if (bytes.length > 0) bytes[0] = world.below(19);
    world.give(host, bytes, "garbage");
  } else if (kind === 1) world.give(host, seen.slice(), "repeated");
  else {
    const changed = seen.slice(0, world.chance(0.2) ? world.below(seen.length) : seen.length);
    if (changed.length > 0) changed[world.below(changed.length)] ^= 1 << world.below(8);
    // A leader that takes its stop back and signs all the same only harms itself: no base, for ever.
    if (changed[0] === FRAME.STOP) return;
    world.give(host, changed, "changed");
  }
  world.checkConnection();
}

/** Frames of the wire that no ordered transport would lose or swap. */
function disorder(world: FuzzWorld, host: EngineHost): void {
  const { wire } = host;
  if (wire.length === 0) return;
  const at = world.below(wire.length);
  if (world.chance(0.4)) wire.splice(at, 0, wire[at].slice());
  else if (world.chance(0.5)) wire.splice(at, 1);
  else wire.push(...wire.splice(at, 1));
  world.count("disorders");
}

function crash(world: FuzzWorld, host: EngineHost): void {
  const isTorn = world.chance(0.5);
  // A part of what was written may have reached the disk before the end.
  host.crash(isTorn ? [...host.durable, ...host.volatile.slice(0, world.below(host.volatile.length + 1))] : host.durable);
  world.forget(host);
  world.count("crashes");
  world.checkConnection();
}

function checkpoint(world: FuzzWorld, host: EngineHost): void {
  host.work();
  const record = host.engine.checkpoint();
  const before = host.engine.status();
  host.crash([record]);
  world.forget(host);
  const after = host.engine.status();
  const pick = ({ outgoing, incoming, version }: typeof before): string => JSON.stringify([outgoing.sequence, outgoing.acked, outgoing.paid, outgoing.results, incoming, version]);
  insist(pick(before) === pick(after), "a checkpoint is not the state");
  world.count("checkpoints");
  world.checkConnection();
}

function chainWork(world: FuzzWorld, host: EngineHost): void {
  if (world.chance(0.5)) {
    world.setView(host.side === 0 ? { netA: world.view.netA + world.below(500) } : { netB: world.view.netB + world.below(500) });
    return;
  }
  if (world.chance(0.5)) {
    world.ask(host, () => host.engine.withdraw(1 + world.below(200), host.l1Seconds + 60 + world.below(600)));
    return;
  }
  const done = world.lastWithdrawal;
  if (done === undefined || done.nonce !== world.view.withdrawalNonce || done.validUntil < host.l1Seconds) return;
  world.setView({ withdrawalNonce: done.nonce + 1, ...(done.side === 0 ? { netA: world.view.netA - done.amount } : { netB: world.view.netB - done.amount }) });
  world.count("withdrawals executed");
}

const ACTIONS: readonly (readonly [weight: number, action: Action])[] = [
  [16, (world, host) => { for (let i = 1 + world.below(5); i > 0; i--) world.call(host); }],
  [14, (world, host) => world.answer(host)],
  [14, (_world, host) => host.flush()],
  [18, (world, host) => host.sign(world.below(Math.max(1, host.signing.length)))],
  [18, (world, host) => host.verify(world.below(Math.max(1, host.verifying.length)))],
  [40, (world, host) => world.pass(host)],
  [10, (_world, host) => host.work()],
  [10, (world) => { const seconds = world.chance(0.05) ? world.below(300) : 0; for (const host of world.duo.hosts) host.tick(world.below(20), seconds); }],
  [8, (world) => world.connect()],
  [0.5, (world, host) => { if (host.isConnected) host.disconnect(); world.checkConnection(); }],
  [0.5, crash],
  [0.3, checkpoint],
  [1.5, garbage],
  [0.7, disorder],
  [3, lockWork],
  [0.7, grant],
  [1, (world, host) => world.ask(host, () => host.engine.rebase())],
  [0.05, (world, host) => world.ask(host, () => host.engine.close())],
  [1.5, chainWork],
];
const WEIGHT = ACTIONS.reduce((sum, [weight]) => sum + weight, 0);

/** One step of random play. */
export function playStep(world: FuzzWorld): void {
  const host = world.duo.hosts[world.below(2)];
  let left = world.random() * WEIGHT;
  for (const [weight, action] of ACTIONS) {
    left -= weight;
    if (left >= 0) continue;
    action(world, host);
    break;
  }
  world.read(host);
  world.readEvents(host);
}

/** What the peer has of `host` that the first `records` of its log do not know. */
function isKnownBeyond(world: FuzzWorld, host: EngineHost, before: { readonly sequence: number; readonly acked: number; readonly results: number; readonly version: number; readonly epoch: number }): boolean {
  const peer = world.inside(world.peerOf(host));
  return peer.payee.state.sequence > before.sequence || peer.payer.acked > before.acked || peer.payer.results > before.results || (peer.context.version > before.version && host.side === 0) || peer.resync.peer.epoch > before.epoch;
}

/** An old copy of a store comes back: whoever can know must see it. */
export function playRestore(world: FuzzWorld): void {
  const host = world.duo.hosts[world.below(2)];
  const peer = world.peerOf(host);
  for (const each of world.duo.hosts) each.work();
  if (host.durable.length < 4 || host.engine.status().frozenBy !== undefined || peer.engine.status().frozenBy !== undefined) return;
  const wasFrozen = world.inside(host).agreement.closes.closing !== undefined;
  host.crash(host.durable.slice(0, 1 + world.below(host.durable.length - 2)));
  world.checkConnection();
  const inside = world.inside(host);
  const before = { sequence: inside.payer.sequence, acked: inside.payee.acked, results: inside.payee.results, version: inside.agreement.proposal?.value.version ?? inside.context.version, epoch: inside.resync.own.epoch };
  const isKnown = isKnownBeyond(world, host, before) && !wasFrozen;
  world.count("old stores");
  if (!isKnown) return; // What only the lost end of the log knew, and no frame that arrived, nobody can miss.
  host.events.length = 0;
  world.connect();
  world.duo.settle();
  insist(!host.events.some(({ name }) => name === "synced"), "an old store was taken for the newest");
  insist(world.inside(host).payer.inFlight.every((frame) => !frame.isSigned), "an old store signs");
  world.count("old stores detected");
}

/** A whole sequence: random play, then either an old store comes back, or all must end well. @returns messages */
export function playSequence(world: FuzzWorld, messages: number): void {
  world.connect();
  const until = (world.counts["messages"] ?? 0) + messages;
  for (let step = 0; (world.counts["messages"] ?? 0) < until; step++) {
    if (step > 400 * messages) throw new Error("the play stands still");
    playStep(world);
    if (step % 16 === 0) world.check();
    const frozen = world.duo.hosts.some((host) => host.engine.status().frozenBy !== undefined);
    if (frozen && world.chance(0.05)) break;
  }
  if (world.chance(0.25)) playRestore(world);
  else world.converge();
}
