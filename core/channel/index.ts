export { HOME, ONE_WAY, channelIdOf, checkChannelConfig } from "./ChannelConfig.ts";
export type { ChannelConfig, Home, Side } from "./ChannelConfig.ts";
export { channelDomain } from "./ChannelDomain.ts";
export type { ChannelDomain } from "./ChannelDomain.ts";
export { ackDigest, baseDigest, channelDomainSeparator, closeDigest, exportDigest, grantDigest, voucherDigest, withdrawalDigest } from "./digests.ts";
export type { Ack, Base, Close, Grant, PartialWithdrawal, Voucher } from "./digests.ts";
export { MAX_LOCKS, locksHashOf } from "./locks.ts";
export type { Lock } from "./locks.ts";
export { payoutOf } from "./payout.ts";
