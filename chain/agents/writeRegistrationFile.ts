import type { Agnt2Service } from "./agnt2Service.ts";
import { AGNT2_SERVICE, parseRegistrationFile, REGISTRATION_TYPE } from "./registrationFile.ts";
import type { RegistrationFile } from "./registrationFile.ts";

/** What an agent says of itself; what is left out is empty. */
export type RegistrationInput = Pick<RegistrationFile, "name"> & Partial<Omit<RegistrationFile, "name">>;

function agnt2Entry({ endpoint, sequencer, chain, account, capabilities, prices }: Agnt2Service): Record<string, unknown> {
  const sorted = {
    capabilities: [...capabilities].sort((a, b) => a.id - b.id).map(({ id, name }) => ({ id, name })),
    prices: [...prices].sort((a, b) => a.capability - b.capability).map(({ capability, units }) => ({ capability, units })),
  };
  return { name: AGNT2_SERVICE, version: "1", endpoint, ...(sequencer === undefined ? {} : { sequencer }), chain, account, ...sorted };
}

/**
 * The JSON of a registration file, as `parseRegistrationFile` takes it.
 * @throws ChainError `REGISTRATION_FILE` when it would be refused
 */
export function writeRegistrationFile(input: RegistrationInput): string {
  const { agnt2 = [], services = [], registrations = [] } = input;
  const file = {
    type: REGISTRATION_TYPE,
    name: input.name,
    description: input.description ?? "",
    ...(input.image === undefined ? {} : { image: input.image }),
    services: [...services.filter(({ name }) => name !== AGNT2_SERVICE), ...agnt2.map(agnt2Entry)],
    x402Support: input.x402Support ?? false,
    active: input.active ?? true,
    registrations: registrations.map(({ agentId, agentRegistry }) => ({ agentId: agentId <= Number.MAX_SAFE_INTEGER ? Number(agentId) : String(agentId), agentRegistry })),
    supportedTrust: input.supportedTrust ?? [],
  };
  parseRegistrationFile(file);
  return JSON.stringify(file);
}

/** The file as a URI that needs no server. */
export function registrationDataUri(json: string): string {
  const binary = Array.from(new TextEncoder().encode(json), (byte) => String.fromCharCode(byte)).join("");
  return `data:application/json;base64,${btoa(binary)}`;
}
