import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";

/** The stand-ins that local networks may ask for: an ERC-20 that anyone may mint, and a minimal identity registry. */
export const TestTokenModule = buildModule("TestToken", (m) => ({ token: m.contract("TestToken") }));
export const TestIdentityRegistryModule = buildModule("TestIdentityRegistry", (m) => ({ registry: m.contract("TestIdentityRegistry") }));
