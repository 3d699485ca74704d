// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {E_BALANCE, E_FEE, E_SESSION_CAP, MAX_UNITS, OK, SIGNER_SESSION} from "../../generated/Constants.sol";
import {AGENT_BALANCE, AGENT_EARNED, AGENT_SERVED, AGENT_SESSION_CAP, MACHINE_FEE_BALANCE} from "../../generated/LeafFields.sol";
import {Words} from "../../types/Words.sol";
import {Step} from "./Step.sol";

/// @title Balances, fees and caps of the acting agent (R-3, R-5, R-6)
library Money {
    // Nothing here overflows: every unit in the state was deposited, and the bridge lets at most MAX_UNITS be outstanding.

    /// R-3: takes what the acting agent can pay of `fee`; OK or E_FEE.
    function chargeFee(Step memory step, uint256 fee) internal pure returns (uint256) {
        if (fee == 0) return OK;
        Words agent = step.agentLeaf;
        uint256 balance = agent.get(AGENT_BALANCE);
        uint256 taken = fee < balance ? fee : balance;
        if (step.signer == SIGNER_SESSION) {
            uint256 cap = agent.get(AGENT_SESSION_CAP);
            if (cap < taken) taken = cap;
            agent.set(AGENT_SESSION_CAP, cap - taken);
        }
        agent.set(AGENT_BALANCE, balance - taken);
        step.machine.set(MACHINE_FEE_BALANCE, step.machine.get(MACHINE_FEE_BALANCE) + taken);
        return taken < fee ? E_FEE : OK;
    }

    /// R-5: takes `amount` from the acting agent, as the last check of an operation.
    function spend(Step memory step, uint256 amount) internal pure returns (uint256) {
        Words agent = step.agentLeaf;
        uint256 balance = agent.get(AGENT_BALANCE);
        if (amount > balance) return E_BALANCE;
        if (step.signer == SIGNER_SESSION) {
            uint256 cap = agent.get(AGENT_SESSION_CAP);
            if (amount > cap) return E_SESSION_CAP;
            agent.set(AGENT_SESSION_CAP, cap - amount);
        }
        agent.set(AGENT_BALANCE, balance - amount);
        return OK;
    }

    /// R-6
    function credit(Words agent, uint256 amount) internal pure {
        agent.set(AGENT_BALANCE, agent.get(AGENT_BALANCE) + amount);
    }

    /// R-6: for a provider whose call is paid.
    function pay(Words agent, uint256 amount) internal pure {
        credit(agent, amount);
        agent.set(AGENT_EARNED, saturatingSum(agent.get(AGENT_EARNED), amount));
        agent.increment(AGENT_SERVED);
    }

    function saturatingSum(uint256 a, uint256 b) internal pure returns (uint256) {
        return a + b > MAX_UNITS ? MAX_UNITS : a + b;
    }
}
