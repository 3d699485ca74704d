import { workerData } from "node:worker_threads";

import { SnapshotStore } from "../../../derivation/files/SnapshotStore.ts";
import { writeFileAtomic } from "../../../runtime/files/writeFileAtomic.ts";
import { metaPath, recentPath } from "./SnapshotFiles.ts";
import type { SnapshotJob } from "./SnapshotFiles.ts";

// In a thread of its own: checksum and writing of some hundred megabytes would hold up the pipeline.
const { dir, domainSeparator, batchCount, state, tree, recent, meta } = workerData as SnapshotJob;
await new SnapshotStore(dir, domainSeparator).write(batchCount, { state, tree });
await writeFileAtomic(recentPath(dir, batchCount), recent);
// Last: a snapshot without it is not whole.
await writeFileAtomic(metaPath(dir, batchCount), JSON.stringify(meta));
