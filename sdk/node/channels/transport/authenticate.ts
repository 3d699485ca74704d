import { randomBytes } from "node:crypto";

import { getU64, setU64 } from "../../../../core/codec/integers.ts";
import { keccak256 } from "../../../../core/hash/index.ts";
import { recoverAddress } from "../../../../runtime/crypto/secp.ts";
import { toError } from "../../../../runtime/errors/CodedError.ts";
import { shellError } from "../ChannelShellError.ts";
import type { ChannelSigner } from "../signing/ChannelSigner.ts";
import type { ChannelConnection } from "./ChannelTransport.ts";

/** Also keeps these digests apart from everything of EIP-712, which begins with 0x19. */
const DOMAIN = new TextEncoder().encode("agnt2 channel connection 1\n");
const PROTOCOL = 1;
const NONCE_BYTES = 32;
/** Protocol u8, chain id u64, adjudicator (20), agent (20), nonce (32). */
const HELLO_BYTES = 1 + 8 + 20 + 20 + NONCE_BYTES;
const SIGNATURE_BYTES = 64;

/** Which channels' world this is: L1 and its contract. */
export interface ChannelNetwork {
  readonly chainId: number;
  /** 20 bytes. */
  readonly adjudicator: Uint8Array;
}

const hex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString("hex")}`;

function helloOf(network: ChannelNetwork, agent: Uint8Array): Uint8Array {
  const hello = new Uint8Array(HELLO_BYTES);
  hello[0] = PROTOCOL;
  setU64(new DataView(hello.buffer), 1, network.chainId);
  hello.set(network.adjudicator, 9);
  hello.set(agent, 29);
  hello.set(randomBytes(NONCE_BYTES), 49);
  return hello;
}

function digestOf(isDialler: boolean, binding: Uint8Array, dialler: Uint8Array, listener: Uint8Array): Uint8Array {
  return keccak256(Buffer.concat([DOMAIN, Uint8Array.of(isDialler ? 1 : 0), binding, dialler, listener]));
}

/**
 * Proves to the peer who we are and learns who it is: both sign the connection's binding, both greetings and their own role with the
 * agent's key, so that a proof is worth nothing on another connection, chain, or at the other end.
 * @returns the peer's agent address, 20 bytes
 * @throws ChannelShellError `channel/network`, `channel/identity`, `channel/frame`, `channel/stalled`, `channel/connection-lost`; the connection is closed then
 */
export function authenticate(connection: ChannelConnection, network: ChannelNetwork, signer: ChannelSigner, timeoutMs: number): Promise<Uint8Array> {
  const own = helloOf(network, signer.address);
  const address = connection.remote;
  return new Promise((resolve, reject) => {
    let theirs: Uint8Array | undefined;
    const fail = (error: ReturnType<typeof shellError>): void => {
      clearTimeout(timer);
      connection.close(error);
      reject(error);
    };
    const timer = setTimeout(() => fail(shellError("channel/stalled", { address, waitedMs: timeoutMs }, "it did not say who it is")), timeoutMs);
    const digest = (ofDialler: boolean): Uint8Array => {
      const [dialler, listener] = connection.isDialler ? [own, theirs!] : [theirs!, own];
      return digestOf(ofDialler, connection.binding, dialler, listener);
    };
    const greeted = (frame: Uint8Array): void => {
      if (frame.length !== HELLO_BYTES || frame[0] !== PROTOCOL) return fail(shellError("channel/frame", { address }, "its greeting is of another protocol"));
      theirs = Uint8Array.from(frame);
      const network2 = `${getU64(new DataView(theirs.buffer), 1)} ${hex(theirs.subarray(9, 29))}`;
      const ours = `${network.chainId} ${hex(network.adjudicator)}`;
      if (network2 !== ours) return fail(shellError("channel/network", { ours, theirs: network2 }));
      Promise.resolve(signer.sign(digest(connection.isDialler))).then(
        (signature) => void connection.send(signature),
        (error: unknown) => fail(shellError("channel/identity", { address }, `our own key did not sign: ${toError(error).message}`, error)),
      );
    };
    connection.handle({
      onFrame: (frame) => {
        if (theirs === undefined) return greeted(frame);
        const signed = frame.length === SIGNATURE_BYTES ? recoverAddress(digest(!connection.isDialler), frame) : null;
        const agent = theirs.slice(29, 49);
        if (signed === null || Buffer.compare(signed, agent) !== 0) return fail(shellError("channel/identity", { address }, "its signature is not of the agent that it says it is"));
        connection.hold();
        clearTimeout(timer);
        resolve(agent);
      },
      onDrain: () => undefined,
      onEnd: (error) => fail(error ?? shellError("channel/connection-lost", { address }, "it hung up before it said who it is")),
    });
    connection.send(own);
  });
}
