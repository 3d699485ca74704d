import type { AgentDescription, AgentSkill } from "./AgentDescription.ts";

/** JSON-RPC to one skill, at its own price: `/a2a/skills/<skill>`; REST at `/a2a/skills/<skill>/v1`. */
export const SKILLS_PATH = "/a2a/skills";

type SkillPrice = AgentSkill["prices"][number];

/** A route of the A2A endpoints for the price table, in the table's notation. First match wins. */
export interface A2aRoute {
  /** As `match` in sidecar.yaml: method or *, and a path. */
  readonly match: string;
  /** Empty: free. */
  readonly prices: readonly SkillPrice[];
  /** Units of the chain; undefined: free, or not sold on a chain. */
  readonly units: number | undefined;
  /** Paid at the beginning of the answer: any of these may be a stream. */
  readonly isStream: boolean;
}

/**
 * What one request costs that may run any skill: in each way the most that a skill costs there. A way in which some priced skill is not
 * sold is left out: by it, that skill would be had for another's price. Undefined when no way is left.
 */
function dearestOf({ ways, skills }: AgentDescription): Pick<A2aRoute, "prices" | "units"> | undefined {
  const priced = skills.filter(({ prices }) => prices.length > 0);
  if (priced.length === 0) return { prices: [], units: undefined };
  const prices = ways.flatMap(({ scheme, asset }) => {
    const amounts = priced.map((skill) => skill.prices.find((price) => price.scheme === scheme && price.asset.toLowerCase() === asset.toLowerCase())?.amount);
    if (amounts.includes(undefined)) return [];
    const most = amounts.map((amount) => BigInt(amount ?? 0)).reduce((a, b) => (a > b ? a : b), 0n);
    return [{ scheme, asset, amount: String(most) }];
  });
  const units = priced.map((skill) => skill.units);
  return prices.length === 0 ? undefined : { prices, units: units.includes(undefined) ? undefined : Math.max(...units.map(Number)) };
}

function free(match: string, isStream = false): A2aRoute {
  return { match, prices: [], units: undefined, isStream };
}

/**
 * A2A's endpoints and documents with their prices; to stand before the service's own routes. Skills that no common way pays for have their
 * own endpoints only.
 */
export function a2aRoutes(description: AgentDescription): A2aRoute[] {
  const { skills } = description;
  const dearest = dearestOf(description);
  // Looking after a task that was paid for is free; who may, the task's owner or token decides.
  const tasks = (base: string): A2aRoute[] => [free(`GET ${base}/tasks`), free(`GET ${base}/tasks/:id`, true), free(`POST ${base}/tasks/:id`, true)];
  return [
    free("GET /.well-known/agent-card.json"), free("GET /.well-known/agent-registration.json"), free("GET /.well-known/agnt2.json"),
    ...tasks("/a2a/v1"),
    ...(dearest === undefined ? [] : [{ match: "POST /a2a", ...dearest, isStream: true }, { match: "POST /a2a/v1/*", ...dearest, isStream: true }]),
    ...skills.flatMap(({ id, prices, units: own }) => [
      ...tasks(`${SKILLS_PATH}/${id}/v1`),
      { match: `POST ${SKILLS_PATH}/${id}`, prices, units: own, isStream: true },
      { match: `POST ${SKILLS_PATH}/${id}/v1/*`, prices, units: own, isStream: true },
    ]),
  ];
}
