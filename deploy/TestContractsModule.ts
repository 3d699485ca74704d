import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";

/** The stand-in that local networks may ask for: an ERC-20 that anyone may mint. */
export const TestTokenModule = buildModule("TestToken", (m) => ({ token: m.contract("TestToken") }));

/** Play money that is paid by signature (EIP-3009): what x402's `exact` is paid in on local networks. */
export const TestDollarModule = buildModule("TestDollar", (m) => ({ dollar: m.contract("TestDollar") }));
