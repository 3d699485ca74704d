import { SdkError } from "./SdkError.ts";

/** Whether a service is away or busy: it can be asked again. */
export function isAbsence(error: unknown): boolean {
  return error instanceof SdkError && error.reaction === "retry";
}

/** Undefined for a service that is away or busy. */
export async function ignoreAbsence<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}
