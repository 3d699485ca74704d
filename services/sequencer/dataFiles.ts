/** Folders and files of a sequencer's data. */
export const DATA = { log: "log", snapshots: "snapshots", nodes: "nodes", batches: "batches.index", chain: "chain.json", transactions: "transactions.journal", feed: "feed.json", signAfter: "signAfter.json", adopting: "log.adopting", accumulators: "accumulators.index" } as const;
