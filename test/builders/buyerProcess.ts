/** Buys from a seller until it is killed: `node buyerProcess.ts <dir> <origin> <stall: none|sign>`. Says `ready`, and `reserved` where it stalls. */
import { LOCAL_POLICY } from "../../runtime/fetch/FetchPolicy.ts";
import { createLocalSigner } from "../../runtime/keystore/createLocalSigner.ts";
import { createBuyer } from "../../sidecar/outbound/createBuyer.ts";
import { createExactBuyerWay } from "../../sidecar/outbound/ways/exactBuyerWay.ts";
import { BUYER_KEY, STUB_LIMITS } from "./buyerStage.ts";

const [dir = "", origin = "", stall = "none"] = process.argv.slice(2);
const key = createLocalSigner(BUYER_KEY);
const signer = {
  address: key.address,
  signTypedData: (data: Parameters<typeof key.signTypedData>[0]): Promise<string> => {
    if (stall === "none") return key.signTypedData(data);
    console.log("reserved");
    return new Promise(() => undefined);
  },
};
/** What became of what is out, the test finds out. */
const reader = { read: () => Promise.reject(new Error("the chain is away")) };
const buyer = createBuyer({ dir, limits: [{ ...STUB_LIMITS, perDay: 10_000_000n }], ways: [createExactBuyerWay({ signer, reader })], policy: LOCAL_POLICY });
console.log("ready");
// Nothing else may keep it running while it stalls.
setInterval(() => undefined, 1_000);
for (let i = 0; ; i += 1) await Promise.all([0, 1, 2, 3].map(async (lane) => (await buyer.fetch(`${origin}/${lane}`, { method: "POST", body: `${process.pid} ${i}` })).text()));
