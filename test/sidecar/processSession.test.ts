import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { Wallet } from "ethers";

import { createKeySigner } from "../../sdk/index.ts";
import type { Agent } from "../../sdk/index.ts";
import { readSidecarConfig } from "../../sidecar/config.ts";
import { AccountSigner } from "../../sidecar/identity/AccountSigner.ts";
import type { OwnAccount } from "../../sidecar/identity/readOwnAccount.ts";
import { SessionKey } from "../../sidecar/identity/SessionKey.ts";

const NOW = 1_000_000;
const DAY = 86_400;
const CAP_UNITS = 10_000_000;
const MESSAGE = { agent: 1, nonce: 0, count: 1, validUntil: 0, recordsHash: new Uint8Array(32) };
const DOMAIN = { chainId: 31337, inbox: `0x${"11".repeat(20)}`, separator: new Uint8Array(32) };

describe("sidecar session key", () => {
  let dir: string;
  const owner = createKeySigner(Wallet.createRandom().privateKey);
  /** What SET_SESSION_KEY was asked for, and by whom it was signed. */
  let grants: { readonly key: string; readonly seconds: number; readonly signature: string }[];

  function open(): { readonly session: SessionKey; readonly signer: AccountSigner } {
    const { settings } = readSidecarConfig({ env: {}, flags: ["--data-dir", dir, "--session-cap", "0.01", "--session-seconds", String(7 * DAY)] });
    const signer = new AccountSigner(owner);
    const agent = {
      client: { now: () => NOW }, config: { asset: { assetScale: 10n ** 9n, decimals: 18, symbol: "ETH" } },
      setSessionKey: ({ key, seconds }: { key: string; seconds: number }) => ({
        durable: (async () => void grants.push({ key, seconds, signature: await signatureOf(signer) }))(),
      }),
    } as unknown as Agent;
    return { session: new SessionKey({ settings, agent, accountSigner: signer }), signer };
  }
  async function signatureOf(signer: Pick<AccountSigner, "signBundle">): Promise<string> {
    const { r } = await signer.signBundle(MESSAGE, DOMAIN);
    return Buffer.from(r).toString("hex");
  }
  const accountWith = (session: OwnAccount["session"]): OwnAccount => ({ session }) as OwnAccount;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "agnt2-session-"));
    grants = [];
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it("is made once, kept encrypted, and found again", async () => {
    const key = await open().session.privateKey();
    expect(readFileSync(join(dir, "session.json"), "utf8")).not.to.include(key.slice(2));
    expect(await open().session.privateKey()).to.equal(key);
  });

  it("signs what it may once the chain has it; the owner signs before, and what sets it", async () => {
    const { session, signer } = open();
    const bySession = createKeySigner(await session.privateKey());
    const [ownerSigns, sessionSigns] = [await signatureOf({ signBundle: owner.signBundle }), await signatureOf({ signBundle: bySession.signBundle })];
    expect(await session.isGood(accountWith(undefined))).to.equal(false);
    expect(await signatureOf(signer)).to.equal(ownerSigns);
    await session.renew();
    expect(grants).to.deep.equal([{ key: bySession.address, seconds: 7 * DAY, signature: ownerSigns }]);
    expect(await signatureOf(signer)).to.equal(sessionSigns);
    expect(await session.isGood(accountWith({ key: bySession.address, expiry: NOW + 7 * DAY, capUnits: CAP_UNITS }))).to.equal(true);
    // While the owner has its turn, another bundle is the owner's too; afterwards it is not.
    await signer.asOwner(async () => expect(await signatureOf(signer)).to.equal(ownerSigns));
    expect(await signatureOf(signer)).to.equal(sessionSigns);
  });

  for (const [what, left] of [
    ["less than a quarter of its time is left", { seconds: 1.5 * DAY, capUnits: CAP_UNITS, isOurs: true }], ["less than a quarter of its amount is left", { seconds: 7 * DAY, capUnits: CAP_UNITS / 5, isOurs: true }],
    ["it has ended", { seconds: -1, capUnits: CAP_UNITS, isOurs: true }], ["the chain has another key", { seconds: 7 * DAY, capUnits: CAP_UNITS, isOurs: false }],
  ] as const) {
    it(`is renewed when ${what}`, async () => {
      const { session, signer } = open();
      const { address } = createKeySigner(await session.privateKey());
      const key = left.isOurs ? address : Wallet.createRandom().address.toLowerCase();
      expect(await session.isGood(accountWith({ key, expiry: NOW + left.seconds, capUnits: left.capUnits }))).to.equal(false);
      // Until then the owner signs where the session key cannot any more.
      const isUsable = left.isOurs && left.seconds > 0;
      expect(await signatureOf(signer) === await signatureOf({ signBundle: owner.signBundle })).to.equal(!isUsable);
    });
  }
});
