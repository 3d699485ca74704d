import type { ClientBase } from "pg";

import { boardHandlers } from "./applyBoardEvents.ts";
import { escrowHandlers } from "./applyEscrowEvents.ts";
import { proofHandlers } from "./applyProofEvents.ts";
import { registryHandlers } from "./applyRegistryEvents.ts";
import type { EconomyContract, EconomyEvent } from "./EconomyEvent.ts";
import type { EventHandler, EventHandlers } from "./EventHandler.ts";

const HANDLERS: Readonly<Record<EconomyContract, EventHandlers>> = { ...registryHandlers, ...escrowHandlers, ...boardHandlers, ...proofHandlers };

/** Writes what an event changes into the tables. Events come in their order, each once, in a transaction with the cursor. */
export async function applyEvent(client: ClientBase, event: EconomyEvent): Promise<void> {
  const handler: EventHandler | undefined = HANDLERS[event.contract][event.name];
  await handler?.(client, event);
}
