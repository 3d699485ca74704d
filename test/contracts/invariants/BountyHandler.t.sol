// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BountyBoard} from "../../../contracts/bounties/BountyBoard.sol";
import {JobEscrow} from "../../../contracts/bounties/JobEscrow.sol";
import {
    BidStatus,
    Bounty,
    Document,
    Phase,
    RewardKind,
    Role,
    Stage,
    Terms
} from "../../../contracts/interfaces/IBountyBoard.sol";
import {IBountyMeter} from "../../../contracts/interfaces/IBountyMeter.sol";
import {IBountyVerifier} from "../../../contracts/interfaces/IBountyVerifier.sol";
import {Job, JobStatus} from "../../../contracts/interfaces/IJobEscrow.sol";
import {HostileRecipient} from "../../../contracts/test/actors/HostileRecipient.sol";
import {TestIdentityRegistry} from "../../../contracts/test/actors/TestIdentityRegistry.sol";
import {TestToken} from "../../../contracts/test/tokens/TestToken.sol";
import {vm} from "./Vm.sol";

/// Plays bounties of every kind, in ETH and in a token, between posters, funders, bidders and judges that do whatever the fuzzer says. One
/// bidder takes no ETH. It is meter and verifier itself, honest or broken. Whatever the board refuses, it refuses.
contract BountyHandler is IBountyMeter, IBountyVerifier {
    uint256 public constant MAX_BOUNTIES = 24;
    /// 0 to 2 post and fund, all but the judges bid; the last two judge.
    uint256 public constant ACTORS = 9;
    uint256 private constant FIRST_JUDGE = 7;
    uint32 private constant SECONDS = 100;

    BountyBoard public immutable board;
    JobEscrow public immutable escrow;
    TestToken public immutable token;
    address[ACTORS] public actors;
    mapping(uint256 id => uint256) public units;
    mapping(uint256 id => bool) private failed;
    bool private isBroken;
    /// Calls that did not revert, by action.
    mapping(string action => uint256) public calls;
    /// Set when something happened that must not.
    string public breach;
    /// What each bidder hides.
    mapping(uint256 id => mapping(address bidder => bytes32)) private salts;
    mapping(uint256 id => mapping(address bidder => uint128)) private offers;

    constructor(BountyBoard board_, JobEscrow escrow_, TestIdentityRegistry registry, TestToken token_) {
        (board, escrow, token) = (board_, escrow_, token_);
        for (uint256 i; i < ACTORS; ++i) {
            actors[i] = i == 3 ? address(_hostile()) : address(uint160(0x10000 + i));
            vm.deal(actors[i], 1e30);
            token_.mint(actors[i], 1e30);
            vm.prank(actors[i]);
            token_.approve(address(board_), type(uint256).max);
            vm.prank(actors[i]);
            token_.approve(address(escrow_), type(uint256).max);
            vm.prank(actors[i]);
            // Agent i, minted to a contract too: the registry asks nobody.
            registry.register("");
        }
    }

    // As a meter and a verifier.

    function begin(uint256 id, address, uint256, bytes calldata) external {
        require(!isBroken);
        (units[id], failed[id]) = (0, false);
    }

    function unitsOf(address, uint256 id) external view returns (uint256) {
        require(!isBroken);
        return units[id];
    }

    function hasFailed(address, uint256 id) external view returns (bool) {
        require(!isBroken);
        return failed[id];
    }

    function verify(uint256 jobId, address, bytes32 deliverable, bytes32, bytes calldata) external pure returns (bool) {
        return uint256(deliverable) % 2 == jobId % 2;
    }

    // Actions.

    function post(uint256 x, uint64 amount) external {
        if (board.bountyCount() == MAX_BOUNTIES) return;
        Terms memory terms = _termsOf(x);
        uint128 funded = uint128(amount % (2 * terms.goal));
        address poster = actors[(x >> 8) % 3];
        uint256 value = terms.token == address(0) ? funded : 0;
        vm.prank(poster);
        try board.post{value: value}(terms, Document("", 0), Document("", 0), funded) {
            ++calls["post"];
        } catch {
            breach = "terms of the handler were refused";
        }
    }

    function fund(uint256 x, uint64 amount) external {
        uint256 id = idOf(x);
        Terms memory terms = board.termsOf(id);
        uint128 funded = uint128(amount % (terms.goal + 1));
        vm.prank(actors[(x >> 8) % 3]);
        try board.fund{value: terms.token == address(0) ? funded : 0}(id, funded) {
            ++calls["fund"];
        } catch {}
    }

    /// About half of the bidders, if it is the time.
    function commit(uint256 x, uint64 price) external {
        uint256 id = idOf(x);
        if (board.phaseOf(id) != Phase.COMMIT) return;
        Terms memory terms = board.termsOf(id);
        uint256 min = terms.kind == RewardKind.MILESTONES ? 10_000 : 1;
        for (uint256 i; i < FIRST_JUDGE; ++i) {
            if ((x >> (8 + i)) % 2 == 0) continue;
            address bidder = actors[i];
            uint128 offered = uint128(min + uint256(keccak256(abi.encode(price, i))) % (terms.ceiling - min + 1));
            bytes32 commitment = board.commitmentOf(id, board.bountyOf(id).round, bidder, i, offered, bytes32(x));
            vm.prank(bidder);
            try board.commitBid{value: terms.token == address(0) ? terms.stake : 0}(id, commitment) {
                ++calls["commit"];
                (salts[id][bidder], offers[id][bidder]) = (bytes32(x), offered);
            } catch {}
        }
    }

    /// All that can be revealed but one in eight.
    function reveal(uint256 x) external {
        uint256 id = idOf(x);
        if (board.phaseOf(id) != Phase.REVEAL) return;
        for (uint256 i; i < FIRST_JUDGE; ++i) {
            if ((x >> (8 + 3 * i)) % 8 == 0) continue;
            vm.prank(actors[i]);
            try board.revealBid(id, i, offers[id][actors[i]], salts[id][actors[i]]) {
                ++calls["reveal"];
            } catch {}
        }
    }

    function hire(uint256 x) external {
        uint256 id = idOf(x);
        Terms memory terms = board.termsOf(id);
        if (terms.bidder != address(0)) {
            vm.prank(terms.bidder);
            try board.take{value: terms.token == address(0) ? terms.stake : 0}(id, 4) {
                ++calls["take"];
            } catch {}
            return;
        }
        for (uint256 i; i < FIRST_JUDGE; ++i) {
            address bidder = actors[(x + i) % FIRST_JUDGE];
            if (board.bidOf(id, bidder).status != BidStatus.REVEALED) continue;
            vm.prank(board.bountyOf(id).poster);
            try board.award(id, bidder) {
                ++calls["award"];
                return;
            } catch {}
        }
        try board.awardBest{gas: 14_000_000}(id) {
            ++calls["awardBest"];
        } catch {}
    }

    function work(uint256 x, uint64 more) external {
        uint256 id = idOf(x);
        Bounty memory bounty = board.bountyOf(id);
        if (bounty.stage != Stage.ENGAGED) return;
        if (board.termsOf(id).kind == RewardKind.METERED) {
            units[id] += more % 32 == 0 ? type(uint128).max : more % 8;
            if ((x >> 8) % 4 == 0) failed[id] = true;
            ++calls["count"];
            if ((x >> 16) % 2 == 0) return;
            try board.fail(id) {
                ++calls["fail"];
            } catch {}
            return;
        }
        _judge(bounty.jobId, x >> 8);
    }

    /// One of the calls that the bounty's people may make.
    function decide(uint256 x) external {
        uint256 id = idOf(x);
        uint256 kind = (x >> 8) % 8;
        address actor = actors[(x >> 16) % ACTORS];
        if (kind == 0) {
            vm.prank(board.bountyOf(id).poster);
            try board.close(id) {
                ++calls["close"];
            } catch {}
        } else if (kind < 4) {
            vm.prank(actor);
            try board.withdrawBid(id, actor) {
                ++calls["withdrawBid"];
            } catch {}
        } else if (kind == 4) {
            isBroken = !isBroken && (x >> 24) % 4 == 0;
        } else {
            vm.prank(actor);
            try board.withdraw(kind == 5 ? address(0) : address(token), actor) returns (uint256 paid) {
                ++calls["withdraw"];
                if (paid == 0) breach = "a withdrawal of nothing";
            } catch {}
        }
    }

    function passTime(uint256 x) external {
        vm.warp(block.timestamp + x % SECONDS);
    }

    /// What anyone may call.
    function nudge(uint256 x) external {
        uint256 id = idOf(x);
        _advance(id);
        _payOut(id);
    }

    /// Leads every bounty to its end by time and calls that anyone may make. Sets `breach` if one does not come to it.
    function endAll() external {
        uint256 count = board.bountyCount();
        // Three rounds of at most two awards and 3 parts; each turn of the loop ends at least one phase.
        for (uint256 turn; turn < 80; ++turn) {
            bool isOver = true;
            for (uint256 id = 1; id <= count; ++id) {
                if (board.phaseOf(id) == Phase.CLOSED) continue;
                isOver = false;
                _advance(id);
            }
            if (isOver) break;
            vm.warp(block.timestamp + SECONDS);
        }
        for (uint256 id = 1; id <= count; ++id) {
            if (board.phaseOf(id) != Phase.CLOSED) breach = "a bounty has no end";
            _payOut(id);
        }
    }

    /// After `endAll`: everybody gets its credit, whoever refuses to be paid.
    function payAll() external {
        for (uint256 i; i < ACTORS; ++i) {
            _pay(actors[i], address(0), i == 3);
            _pay(actors[i], address(token), false);
        }
        _pay(address(this), address(token), false);
    }

    receive() external payable {}

    // What the board should owe.

    function dueOf(address token_) external view returns (uint256 due) {
        uint256 count = board.bountyCount();
        for (uint256 id = 1; id <= count; ++id) {
            Terms memory terms = board.termsOf(id);
            if (terms.token != token_) continue;
            due += board.bountyOf(id).pool;
            for (uint256 i; i < ACTORS; ++i) {
                if (board.bidOf(id, actors[i]).status != BidStatus.NONE) due += terms.stake;
            }
        }
        for (uint256 i; i < ACTORS; ++i) {
            due += board.credit(token_, actors[i]);
        }
        due += board.credit(token_, address(this)) + board.credit(token_, board.BURN_ADDRESS());
        due += board.credit(token_, board.owner());
    }

    /// Of this token, in jobs whose money the board has not fetched yet.
    function unfetchedOf(address token_) external view returns (uint256) {
        return escrow.credit(token_, address(board));
    }

    /// All that leads a bounty on.
    function _advance(uint256 id) private {
        Bounty memory bounty = board.bountyOf(id);
        if (bounty.stage == Stage.ENGAGED) {
            _settleJob(bounty.jobId);
            try board.advance(id) {
                ++calls["advance"];
            } catch {}
            try board.claimUnits(id) {
                ++calls["claimUnits"];
            } catch {}
            try board.fail(id) {
                ++calls["fail"];
            } catch {}
            try board.finish(id) {
                ++calls["finish"];
            } catch {}
        } else {
            try board.reopen(id) {
                ++calls["reopen"];
            } catch {}
            try board.close(id) {
                ++calls["lapse"];
            } catch {}
        }
    }

    /// All that gives stakes and contributions back.
    function _payOut(uint256 id) private {
        for (uint256 i; i < ACTORS; ++i) {
            try board.withdrawBid(id, actors[i]) {
                ++calls["withdrawBid"];
            } catch {}
            try board.rank(id, actors[i]) {
                ++calls["rank"];
            } catch {}
            try board.refund(id, actors[i]) {
                ++calls["refund"];
            } catch {}
        }
    }

    /// What anyone may do for a job.
    function _settleJob(uint256 jobId) private {
        if (jobId == 0) return;
        try escrow.claimRefund(jobId) {
            ++calls["job.claimRefund"];
        } catch {}
        try escrow.completeSilent(jobId) {
            ++calls["job.completeSilent"];
        } catch {}
        try escrow.completeVerified(jobId, "") {
            ++calls["job.completeVerified"];
        } catch {}
        try escrow.settleRejected(jobId) {
            ++calls["job.settleRejected"];
        } catch {}
        try escrow.settleUnruled(jobId) {
            ++calls["job.settleUnruled"];
        } catch {}
    }

    /// Worker, evaluator or arbiter do what comes next, well or badly.
    function _judge(uint256 jobId, uint256 x) private {
        Job memory job = escrow.jobOf(jobId);
        if (job.status == JobStatus.Funded) {
            vm.prank(job.provider);
            try escrow.submit(jobId, bytes32(x), "") {
                ++calls["job.submit"];
            } catch {}
        } else if (job.status == JobStatus.Submitted && x % 3 != 0) {
            vm.prank(job.evaluator);
            if (x % 3 == 1) {
                try escrow.complete(jobId, 0, "") {
                    ++calls["job.complete"];
                } catch {}
            } else {
                try escrow.reject(jobId, 0, "") {
                    ++calls["job.reject"];
                } catch {}
            }
        } else if (job.status == JobStatus.Contested && x % 4 != 0) {
            uint256 bond = job.token == address(0) ? escrow.bondOf(jobId) : 0;
            vm.prank(job.provider);
            try escrow.dispute{value: bond}(jobId) {
                ++calls["job.dispute"];
            } catch {}
        } else if (job.status == JobStatus.Disputed && x % 8 == 0) {
            vm.prank(job.arbiter);
            try escrow.rule(jobId, uint16(x % 10_001)) {
                ++calls["job.rule"];
            } catch {}
        }
    }

    function _pay(address account, address token_, bool isRefusing) private {
        uint256 amount = board.credit(token_, account);
        if (amount == 0) return;
        vm.prank(account);
        try board.withdraw(token_, account) returns (uint256 paid) {
            if (paid != amount) breach = "paid less than the credit";
            ++calls["payout"];
        } catch {
            if (!isRefusing) breach = "a credit was not paid";
            else ++calls["refused payout"];
        }
    }

    function _termsOf(uint256 x) private view returns (Terms memory terms) {
        terms.kind = RewardKind((x >> 16) % 4);
        terms.role = Role((x >> 20) % 5);
        terms.token = (x >> 24) % 2 == 0 ? address(0) : address(token);
        terms.maxRounds = uint8(1 + (x >> 28) % 3);
        terms.goal = uint128(20_000 + (x >> 32) % 1e9);
        terms.stake = uint128((x >> 64) % 1e6);
        terms.ceiling = terms.kind == RewardKind.METERED ? 1 + terms.goal / 16 : terms.goal;
        (terms.fundingSeconds, terms.awardSeconds, terms.workSeconds) = (SECONDS, SECONDS, SECONDS);
        if ((x >> 96) % 6 == 0) terms.bidder = actors[4];
        else (terms.commitSeconds, terms.revealSeconds) = (SECONDS, SECONDS);
        if (terms.kind == RewardKind.METERED) terms.settleSeconds = SECONDS;
        else terms.reviewSeconds = SECONDS;
        if (terms.kind == RewardKind.METERED || terms.kind == RewardKind.VERIFIED) {
            (terms.source, terms.sourceParams) = (address(this), hex"1234");
            return terms;
        }
        terms.evaluator = actors[FIRST_JUDGE];
        if (terms.kind == RewardKind.MILESTONES) {
            terms.shares = new uint16[](3);
            (terms.shares[0], terms.shares[1], terms.shares[2]) = (1, 4_000, 5_999);
        }
        if ((x >> 100) % 2 == 0) return terms;
        terms.arbiter = actors[FIRST_JUDGE + 1];
        (terms.disputeSeconds, terms.rulingSeconds, terms.unruledBps) = (SECONDS, SECONDS, uint16((x >> 104) % 10_001));
    }

    function _hostile() private returns (HostileRecipient hostile) {
        hostile = new HostileRecipient();
        hostile.setMode(HostileRecipient.Mode.Reverts);
    }

    /// The last one, or at times the one before; 1 before there is one.
    function idOf(uint256 x) public view returns (uint256) {
        uint256 count = board.bountyCount();
        return count < 2 ? 1 : count - (x % 4 == 0 ? 1 : 0);
    }
}
