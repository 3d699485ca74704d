import type { z } from "zod";

import { advertisementOf, chainRef } from "../../../../chain/agents/agnt2Service.ts";
import type { Agnt2Service } from "../../../../chain/agents/agnt2Service.ts";
import { decodeLeaf } from "../../../../core/codec/index.ts";
import { toHex } from "../../../../core/codec/hex.ts";
import { KIND } from "../../../../core/generated/protocol.ts";
import type { ApiContext } from "../../ApiContext.ts";
import { bytes, integer } from "../../views/names.ts";
import type { economyAgentDetailSchema, economyAgentSchema, feedbackSchema } from "../economySchemas.ts";
import type { AgentRow, FeedbackRow, MetadataRow, ValidationRow } from "../queries/agentQueries.ts";

type AgentView = z.output<typeof economyAgentSchema>;

/** The account that the file names, as the chain's state has it. */
function layerCoreView({ replica, amounts }: ApiContext, agentId: bigint, service: Agnt2Service): NonNullable<AgentView["layerCore"]> {
  const prices = new Map(service.prices.map(({ capability, units }) => [capability, units]));
  const capabilities = service.capabilities.map(({ id, name }) => {
    const units = prices.get(id);
    return { id, name, price: units === undefined ? null : amounts.ofUnits(units) };
  });
  const { state, agentCount } = replica.current;
  const said = { account: service.account, endpoint: service.endpoint, sequencer: service.sequencer ?? null, capabilities };
  if (service.account > agentCount) return { ...said, linked: false, owner: null, advertised: false };
  const account = decodeLeaf("AGENT", state.leaf(KIND.AGENT, service.account));
  const directory = decodeLeaf("DIRECTORY", state.leaf(KIND.DIRECTORY, service.account));
  const { capabilitiesHash, pricesHash } = advertisementOf(service);
  return {
    ...said,
    // The leaf has the id plus one: 0 is an agent too.
    linked: BigInt(integer(account, "linkedId")) === agentId + 1n,
    owner: bytes(account, "owner"),
    advertised: bytes(directory, "capabilitiesHash") === toHex(capabilitiesHash) && bytes(directory, "pricesHash") === toHex(pricesHash),
  };
}

/** In a list, so that strangers cannot make a page as long as they like. */
const BRIEF = { description: 400, services: 8 } as const;

function cardView({ status, has_uri: hasUri, code, problem, fetched_at: fetchedAt, file, agent_id: agentId }: AgentRow, registry: string, isBrief: boolean): AgentView["card"] {
  const description = file?.description ?? null;
  const services = (file?.services ?? []).map(({ name, endpoint, version }) => ({ name, endpoint, version: version ?? null }));
  return {
    status: hasUri ? (status ?? "pending") : "none",
    code,
    problem,
    fetchedAt: fetchedAt === null ? null : Number(fetchedAt),
    name: file?.name ?? null,
    description: isBrief ? (description?.slice(0, BRIEF.description).toWellFormed() ?? null) : description,
    image: file?.image ?? null,
    active: file?.active ?? null,
    x402Support: file?.x402Support ?? null,
    supportedTrust: [...(file?.supportedTrust ?? [])],
    services: isBrief ? services.slice(0, BRIEF.services) : services,
    namesAgent: file === null ? null : file.registrations.some((entry) => entry.agentId === agentId && entry.agentRegistry === registry),
  };
}

/**
 * @param registry the identity registry as files name it
 * @param isBrief for a list
 */
export function economyAgentView(context: ApiContext, row: AgentRow, registry: string, isBrief: boolean): AgentView {
  const chain = chainRef(context.deployment.chainId, context.deployment.contracts.settlement);
  const service = row.file?.agnt2.find((entry) => entry.chain === chain);
  const weight = Number(row.weight);
  return {
    agentId: row.agent_id,
    owner: row.owner,
    wallet: row.wallet,
    uri: row.uri,
    uriLength: row.uri_length,
    registeredAt: Number(row.registered_at),
    blockNumber: Number(row.block_number),
    card: cardView(row, registry, isBrief),
    layerCore: service === undefined ? null : layerCoreView(context, BigInt(row.agent_id), service),
    proven: { calls: Number(row.calls), clients: Number(row.clients), score: weight === 0 ? null : Number(row.weighted_score) / weight, weight },
    rawFeedback: { count: row.feedback_count, revoked: row.revoked_count },
  };
}

export function metadataView({ name, value, length }: MetadataRow): z.output<typeof economyAgentDetailSchema>["metadata"][number] {
  return { name, value: `0x${value.toString("hex")}`, length };
}

export function validationView(row: ValidationRow): z.output<typeof economyAgentDetailSchema>["validations"][number] {
  return {
    requestHash: row.request_hash,
    validator: row.validator,
    requestUri: row.request_uri,
    requestedAt: Number(row.requested_at),
    response: row.response,
    responseUri: row.response_uri,
    tag: row.tag,
    respondedAt: row.responded_at === null ? null : Number(row.responded_at),
  };
}

export function feedbackView(row: FeedbackRow): z.output<typeof feedbackSchema> {
  return {
    client: row.client,
    index: row.feedback_index,
    value: row.value,
    decimals: row.decimals,
    tag1: row.tag1,
    tag2: row.tag2,
    endpoint: row.endpoint,
    uri: row.uri,
    hash: row.hash,
    revoked: row.is_revoked,
    responses: row.responses,
    provenCalls: Number(row.proven_calls),
    backed: row.is_backed,
    givenAt: Number(row.given_at),
    blockNumber: Number(row.block_number),
    transactionHash: row.transaction_hash,
  };
}
