/** Whether this run is the project's continuous integration, where nothing may be skipped. */
export const isContinuousIntegration = process.env["CI"] === "true";
