import { expect } from "chai";

import { Agnt2Client, SdkError } from "../../../sdk/index.ts";
import { CallLookups } from "../../../sidecar/ways/CallLookups.ts";

type Answers = (path: URL) => unknown;
const LIMITS = { lookupMs: 200, most: 100, mostEach: 100 };
const CALL = { slot: 3, id: 9, requester: 1, provider: 2, price: 5, deadline: 2_000_000_000, status: "open", policy: 0, workflowId: 0, inputHash: `0x${"AB".repeat(32)}` };

/** A client of services that answer from a function; undefined is a 404. */
function clientOf(answer: Answers, hasApi = true): { readonly client: Agnt2Client; readonly asked: string[] } {
  const asked: string[] = [];
  const fetch = async (url: unknown): Promise<Response> => {
    const at = new URL(String(url));
    asked.push(`${at.host}${at.pathname}${at.search}`);
    const body = answer(at);
    return new Response(JSON.stringify(body ?? { error: { code: "NOT_FOUND", message: "" } }), { status: body === undefined ? 404 : 200 });
  };
  return { client: new Agnt2Client({ sequencerUrl: "http://sequencer", ...(hasApi ? { apiUrl: "http://api" } : {}), fetch: fetch as typeof globalThis.fetch }), asked };
}
const codeOf = (promise: Promise<unknown>): Promise<string> => promise.then(() => "none", (error: unknown) => (error instanceof SdkError ? error.code : String(error)));

describe("CallLookups", () => {
  it("CallLookups: asks once for what many ask for at the same time", async () => {
    const { client, asked } = clientOf(() => CALL);
    const lookups = new CallLookups(client, LIMITS);
    const found = await Promise.all(Array.from({ length: 50 }, (_, i) => lookups.find({ slot: 3, id: 9 }, `10.0.0.${i}`)));
    expect(asked).to.deep.equal(["sequencer/v1/calls/3"]);
    expect(found[49]).to.deep.equal({ requester: 1, provider: 2, priceUnits: 5, deadline: 2_000_000_000, status: "open", isPaidOnResponse: true, inputHash: `0x${"ab".repeat(32)}` });
    expect((await lookups.find({ slot: 3, id: 8 }, "a"))).to.equal(undefined);
  });

  it("CallLookups: polls once for many who wait for the same call, and not for long", async () => {
    const { client, asked } = clientOf(() => undefined);
    const lookups = new CallLookups(client, LIMITS);
    const found = await Promise.all(Array.from({ length: 20 }, () => lookups.find({ slot: 3, id: 9 }, "a")));
    expect(found.every((call) => call === undefined)).to.equal(true);
    expect(asked.length).to.be.within(2, 5);
  });

  it("CallLookups: does not believe answers that lack a field, nor an account that is not there", async () => {
    for (const field of ["requester", "provider", "price", "deadline", "policy", "workflowId"]) {
      const lookups = new CallLookups(clientOf(() => ({ ...CALL, [field]: "5" })).client, LIMITS);
      expect(await codeOf(lookups.look({ slot: 3, id: 9 })), field).to.equal("SDK_RESPONSE");
    }
    expect(await codeOf(new CallLookups(clientOf(() => undefined).client, LIMITS).ownerOf(7))).to.equal("SDK_RESPONSE");
  });

  it("CallLookups: finds the receipt of an answer among the newest, page by page, and says whether it paid", async () => {
    const receipt = (number: number, id: number, settlement = "PAID"): unknown => ({ number, op: "RESPOND", slot: 3, id, settlement });
    // 10,000 receipts; those of this agent are at 1, 5,000 to 5,002, and 9,999.
    const ours = [receipt(1, 1), receipt(5_000, 4), receipt(5_001, 5, "REFUNDED"), receipt(5_002, 6), receipt(9_999, 9)] as { number: number }[];
    const { client, asked } = clientOf(({ pathname, searchParams }) => {
      if (pathname === "/v1/status") return { receiptCount: 10_000 };
      expect(searchParams.get("agent")).to.equal("2");
      const from = Number(searchParams.get("from"));
      // Two a page, and a replica that does not look further than 4,096.
      const items = ours.filter(({ number }) => number >= from && number < from + 4_096);
      const next = items.length > 2 ? items[2]!.number : from + 4_096 < 10_000 ? from + 4_096 : undefined;
      return { items: items.slice(0, 2), ...(next === undefined ? {} : { next }) };
    });
    const lookups = new CallLookups(client, LIMITS);
    expect(await lookups.isPaid({ slot: 3, id: 9 }, 2)).to.equal(true);
    expect(asked).to.have.length(2);
    expect(await lookups.isPaid({ slot: 3, id: 6 }, 2)).to.equal(true);
    expect(await lookups.isPaid({ slot: 3, id: 5 }, 2)).to.equal(false);
    expect(await lookups.isPaid({ slot: 3, id: 1 }, 2)).to.equal(true);
    expect(await lookups.isPaid({ slot: 4, id: 9 }, 2)).to.equal(false);
    expect(await new CallLookups(clientOf(() => undefined, false).client, LIMITS).isPaid({ slot: 3, id: 9 }, 2)).to.equal(undefined);
  });
});
