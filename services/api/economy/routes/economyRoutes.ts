import type { AnyRoute } from "../../Route.ts";
import { bountyRoutes } from "./bountyRoutes.ts";
import { economyAgentRoutes } from "./economyAgentRoutes.ts";

/** Served, and in the OpenAPI document, only where the economy is indexed. */
export const economyRoutes: readonly AnyRoute[] = [...economyAgentRoutes, ...bountyRoutes];
