import { ChannelError } from "../../../../core/channel/index.ts";
import type { ChannelCode } from "../../../../core/channel/index.ts";

/** The code that `run` is refused with; undefined if it is not. */
export function codeOf(run: () => unknown): ChannelCode | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof ChannelError) return error.code;
    throw error;
  }
}
