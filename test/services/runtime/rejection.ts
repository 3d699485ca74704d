import { expect } from "chai";

import { CodedError } from "../../../runtime/errors/CodedError.ts";

/** Runs `work` and returns the CodedError it must end with, after checking its code. */
export async function rejection(code: string, work: () => unknown): Promise<CodedError> {
  let thrown: unknown;
  try {
    await work();
  } catch (error) {
    thrown = error;
  }
  expect(thrown, `an error ${code}`).to.be.instanceOf(CodedError);
  expect((thrown as CodedError).code).to.equal(code);
  return thrown as CodedError;
}
