import { fileURLToPath } from "node:url";

/** The environment of tests: all processes that they start share what one of them has compiled. */
export const testEnvironment: NodeJS.ProcessEnv = { NODE_COMPILE_CACHE: fileURLToPath(new URL("../../cache/node", import.meta.url)), ...process.env };

/** Whether this run is the project's continuous integration, where nothing may be skipped. */
export const isContinuousIntegration = process.env["CI"] === "true";
