import type { Chapter } from "../Story.ts";
import { catchALiar } from "./catchALiar.ts";
import { channels } from "./channels.ts";
import { hireASequencer } from "./hireASequencer.ts";
import { payOnResponse } from "./payOnResponse.ts";
import { register } from "./register.ts";
import { settleOnL1 } from "./settleOnL1.ts";
import { sidecars } from "./sidecars.ts";
import { timeout } from "./timeout.ts";
import { withdraw } from "./withdraw.ts";
import { workflows } from "./workflows.ts";

/** The whole story, in order. */
export const chapters: readonly Chapter[] = [register, payOnResponse, workflows, timeout, settleOnL1, withdraw, catchALiar, channels, hireASequencer, sidecars];
