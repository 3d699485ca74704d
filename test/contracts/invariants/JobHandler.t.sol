// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {JobEscrow} from "../../../contracts/bounties/JobEscrow.sol";
import {Job, JobOpening, JobStatus, JobTerms} from "../../../contracts/interfaces/IJobEscrow.sol";
import {HostileHook} from "../../../contracts/test/actors/HostileHook.sol";
import {HostileRecipient} from "../../../contracts/test/actors/HostileRecipient.sol";
import {TestVerifier} from "../../../contracts/test/actors/TestVerifier.sol";
import {TestToken} from "../../../contracts/test/tokens/TestToken.sol";
import {vm} from "./Vm.sol";

/// Plays jobs in ETH and in a token, by everybody at once: those who have a part in a job call what they like when they like, hooks
/// and payees do what they can. Beside it stands what came in and what went out.
contract JobHandler {
    uint256 private constant MAX_BUDGET = 1e18;
    uint256 private constant MAX_JOBS = 6;
    bytes private constant SHOWN = "what was made";
    bytes32 private constant SPEC_HASH = "spec";

    JobEscrow public immutable escrow;
    TestToken public immutable token;
    TestVerifier private immutable verifier;
    HostileHook private immutable hook;
    /// Client, provider, evaluator, arbiter, treasury and a stranger: all contracts that may refuse ETH.
    HostileRecipient[6] public parties;
    uint256[] private jobs;
    /// Base units by asset: 0 is ETH, 1 the token.
    uint256[2] public cameIn;
    uint256[2] public wentOut;
    /// Calls that did not revert, by action.
    mapping(string action => uint256) public calls;
    mapping(uint256 jobId => bytes32) private ended;
    /// Set when something went through that must not, or did not that must.
    string public breach;

    constructor(JobEscrow escrow_, TestToken token_) {
        (escrow, token) = (escrow_, token_);
        verifier = new TestVerifier(SPEC_HASH);
        hook = new HostileHook();
        for (uint256 i; i < 6; ++i) {
            parties[i] = new HostileRecipient();
            vm.deal(address(parties[i]), 1e30);
            token_.mint(address(parties[i]), 1e30);
            vm.prank(address(parties[i]));
            token_.approve(address(escrow_), type(uint256).max);
        }
        escrow_.setFee(300, address(parties[4]));
    }

    function client() private view returns (address) {
        return address(parties[0]);
    }

    function provider() private view returns (address) {
        return address(parties[1]);
    }

    function create(uint256 seed, uint128 budget) external {
        if (jobs.length >= MAX_JOBS && !_replaceEnded()) return;
        bool isVerified = seed % 4 < 2;
        address evaluator = isVerified ? address(verifier) : address(parties[2]);
        uint256 expiredAt = block.timestamp + 1 + (seed >> 8) % 20_000;
        vm.prank(client());
        uint256 jobId =
            escrow.createJob(provider(), evaluator, expiredAt, "", seed % 5 == 0 ? address(hook) : address(0), 0);
        jobs.push(jobId);
        // A hook may refuse it.
        vm.prank(client());
        try escrow.setBudget(jobId, _asset((seed >> 4) % 2), budget % MAX_BUDGET, "") {
            calls["create"] += 1;
        } catch {}
    }

    function openFunded(uint256 seed, uint128 budget) external {
        if (jobs.length >= MAX_JOBS && !_replaceEnded()) return;
        uint256 asset = seed % 2;
        budget = uint128(budget % MAX_BUDGET);
        JobOpening memory opening = JobOpening({
            provider: provider(),
            evaluator: address(parties[2]),
            expiredAt: uint64(block.timestamp + 1 + (seed >> 8) % 20_000),
            providerAgentId: 0,
            budget: budget,
            feeVersion: uint32(seed >> 40) % 2
        });
        JobTerms memory terms = _terms(asset, false, seed >> 48);
        vm.prank(client());
        jobs.push(escrow.openFunded{value: asset == 0 ? budget : 0}(opening, terms, ""));
        cameIn[asset] += budget;
        calls["openFunded"] += 1;
    }

    function fund(uint256 seed, uint256 terms) external {
        (uint256 jobId, Job memory job) = _pick(seed);
        if (job.client == address(0)) return;
        uint256 asset = job.token == address(0) ? 0 : 1;
        bytes memory params = abi.encode(_terms(asset, job.evaluator == address(verifier), terms));
        vm.prank(client());
        try escrow.fund{value: asset == 0 ? job.budget : 0}(jobId, job.budget, params) {
            cameIn[asset] += job.budget;
            calls["fund"] += 1;
            if (job.status != JobStatus.Open || block.timestamp >= job.expiredAt) breach = "funded twice, or too late";
        } catch {}
    }

    function submit(uint256 seed, bool isGood) external {
        (uint256 jobId, Job memory job) = _pick(seed);
        if (job.client == address(0)) return;
        vm.prank(provider());
        try escrow.submit(jobId, isGood ? keccak256(SHOWN) : bytes32(0), "") {
            calls["submit"] += 1;
            if (job.status != JobStatus.Funded || block.timestamp >= job.expiredAt) breach = "submitted too late";
        } catch {}
    }

    /// Any party, whether it may or not, tries one of the ends.
    function act(uint256 seed, uint8 who, uint8 what, uint16 bps) external {
        (uint256 jobId, Job memory job) = _pick(seed);
        if (job.client == address(0)) return;
        what = what % 8;
        // Half of the time it is who may.
        address by = address(parties[who > 127 ? (what == 3 ? 3 : 2) : who % 6]);
        vm.prank(by);
        if (what == 0) {
            try escrow.complete(jobId, 0, "") {
                _did("complete", jobId, by == job.evaluator && job.status == JobStatus.Submitted);
            } catch {}
        } else if (what == 1) {
            try escrow.reject(jobId, 0, "") {
                _did("reject", jobId, by == (job.status == JobStatus.Open ? job.client : job.evaluator));
            } catch {}
        } else if (what == 2) {
            try escrow.completeVerified(jobId, SHOWN) {
                _did("completeVerified", jobId, job.isVerified && job.deliverable == keccak256(SHOWN));
            } catch {}
        } else if (what == 3) {
            try escrow.rule(jobId, bps % 10_002) {
                _did("rule", jobId, by == job.arbiter && job.status == JobStatus.Disputed && _isBefore(job.deadline));
            } catch {}
        } else if (what == 4) {
            try escrow.claimRefund(jobId) {
                _did("claimRefund", jobId, job.status != JobStatus.Open && !_isBefore(job.expiredAt));
            } catch {}
        } else if (what == 5) {
            try escrow.completeSilent(jobId) {
                _did("completeSilent", jobId, !job.isVerified && !_isBefore(job.deadline));
            } catch {}
        } else if (what == 6) {
            try escrow.settleRejected(jobId) {
                _did("settleRejected", jobId, job.status == JobStatus.Contested && !_isBefore(job.deadline));
            } catch {}
        } else {
            try escrow.settleUnruled(jobId) {
                _did("settleUnruled", jobId, job.status == JobStatus.Disputed && !_isBefore(job.deadline));
            } catch {}
        }
    }

    function dispute(uint256 seed, uint8 who) external {
        (uint256 jobId, Job memory job) = _pick(seed);
        if (job.client == address(0)) return;
        (uint256 bond, uint256 asset) = (escrow.bondOf(jobId), job.token == address(0) ? 0 : 1);
        address by = address(parties[who % 3]);
        vm.prank(by);
        try escrow.dispute{value: asset == 0 ? bond : 0}(jobId) {
            cameIn[asset] += bond;
            _did("dispute", jobId, by == (job.status == JobStatus.Submitted ? job.client : job.provider));
        } catch {}
    }

    /// Somebody pulls its credit, and may do its worst when ETH comes.
    function withdraw(uint256 seed, uint8 mode) external {
        (HostileRecipient payee, uint256 asset) = (parties[seed % 6], (seed >> 8) % 2);
        uint256 credit = escrow.credit(_asset(asset), address(payee));
        if (credit == 0) return;
        // A gas bomb would take all gas of the run: the tests in TypeScript have it.
        mode = mode % 4 == 2 ? 0 : mode % 4;
        payee.setMode(HostileRecipient.Mode(mode));
        vm.prank(address(payee));
        try escrow.withdraw(_asset(asset), address(payee)) returns (uint256 paid) {
            wentOut[asset] += paid;
            calls["withdraw"] += 1;
            if (paid != credit) breach = "a credit was cut";
        } catch {
            if (mode == 0 || asset == 1) breach = "a payee that takes its money does not get it";
            else calls["a payee refuses"] += 1;
        }
        payee.setMode(HostileRecipient.Mode.Good);
    }

    function setHook(uint8 mode) external {
        hook.setMode(HostileHook.Mode(mode % 5));
    }

    function passTime(uint256 step) external {
        vm.warp(block.timestamp + step % 2_500);
    }

    function setFee(uint16 feeBps) external {
        escrow.setFee(feeBps % 501, address(parties[4]));
        calls["setFee"] += 1;
    }

    /// Nobody acts any more, except a stranger: each job with money comes to its end.
    function abandon(uint256 seed) external {
        (uint256 jobId, Job memory job) = _pick(seed);
        if (job.client == address(0) || job.status == JobStatus.Open || escrow.hasEnded(jobId)) return;
        uint256 end = job.status == JobStatus.Funded ? job.expiredAt : job.deadline;
        if (block.timestamp < end) vm.warp(end);
        vm.prank(address(parties[5]));
        if (job.status == JobStatus.Funded || job.isVerified) escrow.claimRefund(jobId);
        else if (job.status == JobStatus.Submitted) escrow.completeSilent(jobId);
        else if (job.status == JobStatus.Contested) escrow.settleRejected(jobId);
        else escrow.settleUnruled(jobId);
        if (!escrow.hasEnded(jobId)) breach = "a job that does not end";
        _did("abandon", jobId, true);
    }

    /// What the escrow owes: budgets of jobs that are going on, bonds of disputes, credits.
    function owedOf(uint256 asset) external view returns (uint256 sum) {
        for (uint256 i; i < jobs.length; ++i) {
            Job memory job = escrow.jobOf(jobs[i]);
            if (job.token != _asset(asset) || job.status == JobStatus.Open || escrow.hasEnded(jobs[i])) continue;
            sum += job.budget;
            if (job.status == JobStatus.Disputed) sum += escrow.bondOf(jobs[i]);
        }
        for (uint256 i; i < 6; ++i) {
            sum += escrow.credit(_asset(asset), address(parties[i]));
        }
    }

    /// Jobs that have ended stay as they are.
    function isEndKept() external view returns (bool) {
        for (uint256 i; i < jobs.length; ++i) {
            bytes32 before = ended[jobs[i]];
            if (before != 0 && before != keccak256(abi.encode(escrow.jobOf(jobs[i])))) return false;
        }
        return true;
    }

    function _did(string memory action, uint256 jobId, bool isAllowed) private {
        calls[action] += 1;
        if (!isAllowed || ended[jobId] != 0) breach = string.concat("must not: ", action);
        if (escrow.hasEnded(jobId)) ended[jobId] = keccak256(abi.encode(escrow.jobOf(jobId)));
    }

    function _isBefore(uint256 deadline) private view returns (bool) {
        return block.timestamp < deadline;
    }

    function _asset(uint256 asset) private view returns (address) {
        return asset == 0 ? address(0) : address(token);
    }

    function _pick(uint256 seed) private view returns (uint256 jobId, Job memory job) {
        if (jobs.length == 0) return (0, job);
        jobId = jobs[seed % jobs.length];
        job = escrow.jobOf(jobId);
    }

    /// Forgets one job that has ended.
    function _replaceEnded() private returns (bool) {
        for (uint256 i; i < jobs.length; ++i) {
            if (!escrow.hasEnded(jobs[i])) continue;
            jobs[i] = jobs[jobs.length - 1];
            jobs.pop();
            return true;
        }
        return false;
    }

    function _terms(uint256 asset, bool isVerified, uint256 seed) private view returns (JobTerms memory) {
        return JobTerms({
            token: _asset(asset),
            arbiter: isVerified || seed % 4 == 0 ? address(0) : address(parties[3]),
            reviewSeconds: uint32(1 + (seed >> 8) % 9_000),
            disputeSeconds: uint32(1 + (seed >> 24) % 9_000),
            rulingSeconds: uint32(1 + (seed >> 40) % 9_000),
            unruledBps: uint16((seed >> 56) % 10_001),
            isVerified: isVerified,
            specHash: SPEC_HASH
        });
    }
}
