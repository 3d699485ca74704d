import { readFileSync } from "node:fs";

const deploymentFile = process.env["AGNT2_DEPLOYMENT"];

/**
 * Where the local network of `npm start` is. On any other chain name its deployment file: without it nobody but the server
 * itself would say where deposits go and whose signature counts, and the SDK refuses.
 */
export const network = {
  sequencerUrl: process.env["AGNT2_SEQUENCER_URL"] ?? "http://127.0.0.1:7200",
  apiUrl: process.env["AGNT2_API_URL"] ?? "http://127.0.0.1:7300",
  faucetUrl: process.env["AGNT2_FAUCET_URL"] ?? "http://127.0.0.1:7400",
  l1Url: process.env["L1_URL"] ?? "http://127.0.0.1:8545",
  ...(deploymentFile === undefined ? {} : { deployment: JSON.parse(readFileSync(deploymentFile, "utf8")) as unknown }),
  providerUrl: process.env["PROVIDER_URL"] ?? "http://127.0.0.1:7500",
};
