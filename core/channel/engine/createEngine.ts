import { ChannelEngine } from "./ChannelEngine.ts";
import type { Engine } from "./Engine.ts";
import type { EngineOptions } from "./EngineOptions.ts";

/** An engine without a past: `replay` its log, then `resume`. @throws ChannelError channel/limit, CoreError channel/config */
export function createEngine(options: EngineOptions): Engine {
  return new ChannelEngine(options);
}
