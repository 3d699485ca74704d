import type { PaymentPayload } from "@x402/core/types";

import { SdkError } from "../../sdk/index.ts";
import { SidecarError } from "../SidecarError.ts";

/** What a payload of ours says. @throws SidecarError `payment/malformed` */
export function readPayload<T>({ payload }: PaymentPayload, read: (payload: unknown) => T): T {
  try {
    return read(payload);
  } catch (error) {
    if (error instanceof SdkError) throw new SidecarError("payment/malformed", { problem: error.message }, { cause: error });
    throw error;
  }
}
