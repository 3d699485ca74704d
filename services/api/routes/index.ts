import type { AnyRoute } from "../Route.ts";
import { exitRoutes } from "./exitRoutes.ts";
import { l1Routes } from "./l1Routes.ts";
import { receiptRoutes } from "./receiptRoutes.ts";
import { stateRoutes } from "./stateRoutes.ts";
import { statusRoutes } from "./statusRoutes.ts";

/** Every JSON route of the API. */
export const routes: readonly AnyRoute[] = [...statusRoutes, ...stateRoutes, ...receiptRoutes, ...l1Routes, ...exitRoutes];
