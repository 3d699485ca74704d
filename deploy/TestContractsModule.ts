import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";

/** The stand-in that local networks may ask for: an ERC-20 that anyone may mint. */
export const TestTokenModule = buildModule("TestToken", (m) => ({ token: m.contract("TestToken") }));
