// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ChannelAdjudicator} from "../../../contracts/channels/ChannelAdjudicator.sol";
import {
    ChannelConfig,
    ChannelState,
    ChannelStatus,
    Endorsement,
    Grant,
    Lock,
    SignedBase,
    SignedClose,
    SignedVoucher,
    SignedWithdrawal,
    Update
} from "../../../contracts/interfaces/IChannelAdjudicator.sol";
import {TestToken} from "../../../contracts/test/tokens/TestToken.sol";
import {ChannelSigner} from "./ChannelSigner.sol";
import {vm} from "./Vm.sol";

/// Plays channels between a cheat, A, and an honest B, in ETH and in a token, and keeps beside the contract what both have signed.
/// B's tower acts once in each window, at a moment that the fuzzer chooses: never more. A hands in whatever it has, when it likes.
contract ChannelHandler {
    uint256 public constant CHANNELS = 4;
    uint64 private constant UNIT = 1e6;
    uint32 private constant WINDOW = 1_000;
    uint64 private constant MAX_STEP = 1e9;

    /// What was signed of a channel, oldest first.
    struct Signed {
        SignedBase[] bases;
        SignedVoucher[] ofA;
        SignedVoucher[] ofB;
        uint64[2] paid;
        uint64 sequence;
    }

    /// What the money did.
    struct Money {
        uint256 deposited;
        uint256 paidOut;
        uint256 closes;
        /// B's tower has acted since the close was asked for.
        bool hasActed;
    }

    ChannelAdjudicator public immutable adjudicator;
    TestToken public immutable token;
    ChannelSigner private immutable signer;
    ChannelConfig[] private configs;
    mapping(uint256 channel => Signed) private signed;
    mapping(uint256 channel => Money) public money;
    /// Calls that did not revert, by action.
    mapping(string action => uint256) public calls;
    /// Set when an attack went through, or B got less than it was owed.
    string public breach;
    uint64 private salt;

    constructor(ChannelAdjudicator adjudicator_, TestToken token_) {
        (adjudicator, token) = (adjudicator_, token_);
        signer = new ChannelSigner(adjudicator_.domainSeparator());
        token_.mint(address(this), 1e30);
        token_.approve(address(adjudicator_), type(uint256).max);
        for (uint256 i; i < CHANNELS; ++i) {
            configs.push();
            _renew(i);
        }
    }

    receive() external payable {}

    /// A new channel in the place of one that ended.
    function _renew(uint256 i) private {
        configs[i] = ChannelConfig({
            home: 0,
            partyA: signer.partyA(),
            partyB: signer.partyB(),
            asset: i % 2 == 0 ? address(0) : address(token),
            unit: UNIT,
            windowSeconds: WINDOW,
            flags: 0,
            salt: ++salt
        });
        delete signed[i].bases;
        delete signed[i].ofA;
        delete signed[i].ofB;
        signed[i].paid = [uint64(0), 0];
        money[i].hasActed = false;
        money[i].closes = 0;
        open(i, 0, 5e8);
        open(i, 1, 2e8);
    }

    function idOf(uint256 i) public view returns (bytes32) {
        return adjudicator.channelIdOf(configs[i]);
    }

    function open(uint256 seed, uint8 side, uint64 units) public {
        uint256 i = seed % CHANNELS;
        units = units % MAX_STEP;
        uint256 value = i % 2 == 0 ? uint256(units) * UNIT : 0;
        try adjudicator.open{value: value}(configs[i], side % 2, units) {
            money[i].deposited += uint256(units) * UNIT;
            calls["open"] += 1;
        } catch {}
    }

    /// A side pays the other off chain. Once the close was asked for, nobody takes anything any more.
    function pay(uint256 seed, uint8 side, uint64 units) public {
        if (_status(seed % CHANNELS) != ChannelStatus.OPEN) return;
        Signed storage own = signed[seed % CHANNELS];
        side = side % 2;
        own.paid[side] += units % MAX_STEP;
        uint32 version = uint32(own.bases.length);
        SignedVoucher memory voucher =
            signer.voucher(idOf(seed % CHANNELS), side, version, ++own.sequence, own.paid[side]);
        _push(side == 0 ? own.ofA : own.ofB, voucher);
        calls["pay"] += 1;
    }

    /// Both sign a base of what was paid.
    function rebase(uint256 seed) public {
        if (_status(seed % CHANNELS) != ChannelStatus.OPEN) return;
        Signed storage own = signed[seed % CHANNELS];
        SignedBase memory base =
            signer.base(idOf(seed % CHANNELS), uint32(own.bases.length + 1), own.paid[0], own.paid[1]);
        own.bases.push();
        SignedBase storage kept = own.bases[own.bases.length - 1];
        (kept.version, kept.paidByA, kept.paidByB) = (base.version, base.paidByA, base.paidByB);
        (kept.signatureA, kept.signatureB) = (base.signatureA, base.signatureB);
        calls["rebase"] += 1;
    }

    /// A asks for the close with some state, old or new.
    function challenge(uint256 seed, uint256 base, uint256 voucher) public {
        uint256 i = seed % CHANNELS;
        Grant[] memory none;
        Update memory update = base % 4 == 0 ? _nothing() : _some(i, base, voucher);
        address sender = signer.partyA();
        ChannelConfig memory config = configs[i];
        vm.prank(sender);
        try adjudicator.challenge(config, update, 0, none) {
            money[i].hasActed = false;
            calls["challenge"] += 1;
        } catch {}
    }

    /// A, or anyone, hands some state in, as a checkpoint or an answer.
    function handIn(uint256 seed, uint256 base, uint256 voucher) public {
        uint256 i = seed % CHANNELS;
        Update memory update = _some(i, base, voucher);
        if (_status(i) == ChannelStatus.CLOSING) {
            try adjudicator.respond(configs[i], update) {
                calls["respond"] += 1;
            } catch {}
        } else {
            try adjudicator.checkpoint(configs[i], update) {
                calls["checkpoint"] += 1;
            } catch {}
        }
    }

    /// A signs, alone, what would shut out what it paid: a huge sequence with nothing paid, and locks that nobody endorsed.
    function cheat(uint256 seed, uint64 paid, bool hasLock) public {
        uint256 i = seed % CHANNELS;
        Signed storage own = signed[i];
        Update memory update = _nothing();
        update.vouchers = new SignedVoucher[](1);
        uint32 version = adjudicator.channelOf(idOf(i)).version;
        paid = own.paid[0] == 0 ? 0 : paid % own.paid[0];
        update.vouchers[0] = hasLock
            ? signer.lockedVoucher(idOf(i), version, 2 ** 53 - 1, paid)
            : signer.voucher(idOf(i), 0, version, 2 ** 53 - 1, paid);
        if (_status(i) == ChannelStatus.CLOSING) {
            try adjudicator.respond(configs[i], update) {
                calls["cheat"] += 1;
                if (hasLock) breach = "a lock without its payee";
            } catch {}
        } else {
            try adjudicator.checkpoint(configs[i], update) {
                calls["cheat"] += 1;
                if (hasLock) breach = "a lock without its payee";
            } catch {}
        }
    }

    /// Time goes on. Before it passes a deadline, B's tower acts, if it has not since the close was asked for.
    function passTime(uint256 step, uint256 moment) public {
        uint256 target = block.timestamp + step % (2 * WINDOW);
        for (uint256 i; i < CHANNELS; ++i) {
            ChannelState memory state = adjudicator.channelOf(idOf(i));
            if (state.status != ChannelStatus.CLOSING || money[i].hasActed || target < state.deadline) continue;
            uint256 when = block.timestamp + moment % (state.deadline - block.timestamp);
            uint256 before = block.timestamp;
            vm.warp(when);
            money[i].hasActed = true;
            try adjudicator.respond(configs[i], _newest(i)) {
                calls["tower"] += 1;
            } catch {}
            vm.warp(before);
        }
        vm.warp(target);
    }

    function close(uint256 seed) public {
        uint256 i = seed % CHANNELS;
        Lock[] memory none;
        (uint256 before, ChannelState memory state) = (_held(signer.partyB(), i), adjudicator.channelOf(idOf(i)));
        uint256 all = _held(signer.partyA(), i) + before;
        try adjudicator.close(configs[i], none, none) {
            calls["close"] += 1;
            _ended(i, all);
            _checkShare(i, state, _held(signer.partyB(), i) - before);
            try adjudicator.close(configs[i], none, none) {
                breach = "a second close";
            } catch {}
            _replay(i);
            _renew(i);
        } catch {
            if (state.status == ChannelStatus.CLOSING && block.timestamp >= state.deadline) {
                breach = "a close that is due fails";
            }
        }
    }

    function closeCooperatively(uint256 seed) public {
        uint256 i = seed % CHANNELS;
        Signed storage own = signed[i];
        SignedClose memory both = signer.close(idOf(i), own.paid[0], own.paid[1]);
        (uint256 before, ChannelState memory state) = (_held(signer.partyB(), i), adjudicator.channelOf(idOf(i)));
        uint256 all = _held(signer.partyA(), i) + before;
        try adjudicator.closeCooperatively(configs[i], both) {
            calls["closeCooperatively"] += 1;
            _ended(i, all);
            _checkShare(i, state, _held(signer.partyB(), i) - before);
            _replay(i);
            _renew(i);
        } catch {
            breach = "a close by both fails";
        }
    }

    /// B takes out a part of what it has earned, by agreement.
    function withdraw(uint256 seed, uint64 units) public {
        uint256 i = seed % CHANNELS;
        ChannelState memory state = adjudicator.channelOf(idOf(i));
        uint256 share = _shareOf(i, state);
        if (share == 0) return;
        units = uint64(units % share);
        SignedWithdrawal memory both = signer.withdrawal(idOf(i), state.withdrawalNonce, 1, units);
        try adjudicator.withdraw(configs[i], both) {
            money[i].paidOut += uint256(units) * UNIT;
            calls["withdraw"] += 1;
            try adjudicator.withdraw(configs[i], both) {
                breach = "a second withdrawal";
            } catch {}
        } catch {}
    }

    /// Somebody signs for others.
    function forge(uint256 seed, uint64 paidByA, uint64 paidByB) public {
        uint256 i = seed % CHANNELS;
        Update memory update = _nothing();
        update.base = new SignedBase[](1);
        update.base[0] = signer.forgedBase(idOf(i), type(uint32).max, paidByA % MAX_STEP, paidByB % MAX_STEP);
        try adjudicator.checkpoint(configs[i], update) {
            breach = "a forged base";
        } catch {}
        try adjudicator.respond(configs[i], update) {
            breach = "a forged answer";
        } catch {}
    }

    /// What the contract should hold of an asset.
    function heldOf(uint256 parity) external view returns (uint256 base) {
        for (uint256 i; i < CHANNELS; ++i) {
            if (i % 2 == parity) base += money[i].deposited - money[i].paidOut;
        }
    }

    function _ended(uint256 i, uint256 before) private {
        money[i].closes += 1;
        if (money[i].closes > 1) breach = "a channel paid out twice";
        money[i].paidOut += _held(signer.partyA(), i) + _held(signer.partyB(), i) - before;
        if (money[i].paidOut != money[i].deposited) breach = "a closed channel keeps or makes money";
    }

    function _checkShare(uint256 i, ChannelState memory state, uint256 got) private {
        if (got < _shareOf(i, state) * UNIT) breach = "B got less than the newest state gives it";
    }

    /// What B owns by what both have signed last.
    function _shareOf(uint256 i, ChannelState memory state) private view returns (uint256) {
        int256 held = int256(state.netA) + state.netB;
        int256 share =
            int256(state.netB) + int256(uint256(signed[i].paid[0])) - int256(uint256(signed[i].paid[1]));
        return uint256(share < 0 ? int256(0) : share > held ? held : share);
    }

    /// Nothing that was signed for a channel that ended does anything any more.
    function _replay(uint256 i) private {
        Grant[] memory none;
        try adjudicator.checkpoint(configs[i], _newest(i)) {
            breach = "a checkpoint after the end";
        } catch {}
        try adjudicator.respond(configs[i], _newest(i)) {
            breach = "an answer after the end";
        } catch {}
        ChannelConfig memory config = configs[i];
        address sender = signer.partyA();
        vm.prank(sender);
        try adjudicator.challenge(config, _nothing(), 0, none) {
            breach = "a challenge after the end";
        } catch {}
        try adjudicator.open(config, 0, 0) {
            breach = "an id was used again";
        } catch {}
    }

    /// What B's tower has: the newest base and A's newest voucher under it.
    function _newest(uint256 i) private view returns (Update memory update) {
        Signed storage own = signed[i];
        update = _nothing();
        if (own.bases.length != 0) {
            update.base = new SignedBase[](1);
            update.base[0] = own.bases[own.bases.length - 1];
        }
        if (own.ofA.length != 0) {
            update.vouchers = new SignedVoucher[](1);
            update.vouchers[0] = own.ofA[own.ofA.length - 1];
        }
    }

    function _some(uint256 i, uint256 base, uint256 voucher) private view returns (Update memory update) {
        Signed storage own = signed[i];
        update = _nothing();
        if (own.bases.length != 0 && base % 3 != 0) {
            update.base = new SignedBase[](1);
            update.base[0] = own.bases[base % own.bases.length];
        }
        SignedVoucher[] storage list = voucher % 2 == 0 ? own.ofA : own.ofB;
        if (list.length != 0) {
            update.vouchers = new SignedVoucher[](1);
            update.vouchers[0] = list[voucher % list.length];
        }
    }

    function _nothing() private pure returns (Update memory) {
        return Update(new SignedBase[](0), new SignedVoucher[](0), new Endorsement[](0));
    }

    function _push(SignedVoucher[] storage list, SignedVoucher memory voucher) private {
        list.push();
        SignedVoucher storage kept = list[list.length - 1];
        (kept.payer, kept.version, kept.sequence) = (voucher.payer, voucher.version, voucher.sequence);
        (kept.paid, kept.callsHash, kept.signature) = (voucher.paid, voucher.callsHash, voucher.signature);
    }

    function _held(address owner, uint256 i) private view returns (uint256) {
        return i % 2 == 0 ? owner.balance : token.balanceOf(owner);
    }

    function _status(uint256 i) private view returns (ChannelStatus) {
        return adjudicator.channelOf(idOf(i)).status;
    }
}
