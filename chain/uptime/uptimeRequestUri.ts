/** What an agent asks the meter to publish, so that anybody can: the salt is in the URI of its request (docs/BOUNTIES.md section 6.1). */
export interface UptimeRequest {
  readonly key: string;
  readonly period: number;
  readonly salt: string;
}

const FORM = /^agnt2-uptime:(0x[0-9a-f]{64})\/(\d{1,10})\/(0x[0-9a-f]{64})$/;

export function uptimeRequestUri({ key, period, salt }: UptimeRequest): string {
  return `agnt2-uptime:${key}/${period}/${salt}`;
}

/** Undefined for any other URI. */
export function parseUptimeRequestUri(uri: string): UptimeRequest | undefined {
  const [, key, period, salt] = FORM.exec(uri) ?? [];
  return key === undefined || salt === undefined ? undefined : { key, period: Number(period), salt };
}
