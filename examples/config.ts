/** Where the local network of `npm start` is. */
export const network = {
  sequencerUrl: process.env["AGNT2_SEQUENCER_URL"] ?? "http://127.0.0.1:7200",
  apiUrl: process.env["AGNT2_API_URL"] ?? "http://127.0.0.1:7300",
  faucetUrl: process.env["AGNT2_FAUCET_URL"] ?? "http://127.0.0.1:7400",
  l1Url: process.env["L1_URL"] ?? "http://127.0.0.1:8545",
  providerUrl: process.env["PROVIDER_URL"] ?? "http://127.0.0.1:7500",
};
