import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";

/**
 * Ignition's plan for what agents hire each other with (docs/BOUNTIES.md). Parameters: the addresses `settlement`, `identityRegistry`,
 * `reputationRegistry` and `validationRegistry`; `marketOwner`, `marketFeeBps`, `marketFeeRecipient`; `proofFeeWei`, `maxWeight`;
 * `validatorStakeWei`, `validatorUnbondingSeconds`.
 */
export const EconomyModule = buildModule("Economy", (m) => {
  const identityRegistry = m.getParameter("identityRegistry");
  const fee = [m.getParameter("marketOwner"), m.getParameter("marketFeeBps"), m.getParameter("marketFeeRecipient")] as const;
  const jobEscrow = m.contract("JobEscrow", [...fee]);
  const uptimeMeter = m.contract("UptimeMeter", [m.getParameter("validationRegistry"), m.getParameter("validatorStakeWei"), m.getParameter("validatorUnbondingSeconds")]);
  return {
    proofOfService: m.contract("ProofOfService", [
      m.getParameter("settlement"), identityRegistry, m.getParameter("reputationRegistry"), m.getParameter("proofFeeWei"), m.getParameter("maxWeight"),
    ]),
    jobEscrow,
    bountyBoard: m.contract("BountyBoard", [jobEscrow, identityRegistry, ...fee]),
    batchMeter: m.contract("BatchMeter"),
    uptimeMeter,
    validatorMeter: m.contract("ValidatorMeter", [uptimeMeter]),
    codeVerifier: m.contract("CodeVerifier"),
  };
});
