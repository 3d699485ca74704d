import { getBytes } from "ethers";

import { createLocalSigner } from "../../sdk/node/index.ts";
import type { ChannelSigner } from "../../sdk/node/index.ts";
import type { SessionKey } from "../identity/SessionKey.ts";

/** Signs attestations with the session key: it is in this process, whoever holds the agent's own. */
export async function sessionAttester(session: SessionKey): Promise<ChannelSigner> {
  return createLocalSigner(getBytes(await session.privateKey()));
}
