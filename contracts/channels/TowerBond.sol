// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    CHANNEL_BASE_TYPEHASH,
    CHANNEL_GRANT_TYPEHASH,
    CHANNEL_VOUCHER_TYPEHASH
} from "../generated/Constants.sol";
import {
    ChannelConfig,
    ChannelState,
    ChannelStatus,
    Grant,
    IChannelAdjudicator,
    Recorded,
    SignedBase,
    SignedVoucher,
    Update
} from "../interfaces/IChannelAdjudicator.sol";
import {Bond, ITowerBond, Receipt} from "../interfaces/ITowerBond.sol";
import {CompactSignature} from "../libraries/CompactSignature.sol";

/// Bonds of watchtowers. See `ITowerBond`.
contract TowerBond is ITowerBond {
    address public constant BURN_ADDRESS = 0x000000000000000000000000000000000000dEaD;

    bytes32 private constant RECEIPT_TYPEHASH = keccak256(
        "Receipt(bytes32 channelId,uint8 side,uint32 version,uint64 sequence,uint64 paid,uint40 from,uint40 until)"
    );
    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    /// What is needed to look at one channel's signatures.
    struct Look {
        bytes32 channelId;
        bytes32 channelDomain;
        address partyA;
        address partyB;
        uint40 deadline;
    }

    /// @inheritdoc ITowerBond
    IChannelAdjudicator public immutable adjudicator;
    /// @inheritdoc ITowerBond
    uint256 public immutable minBondWei;
    /// @inheritdoc ITowerBond
    uint32 public immutable maxMandateSeconds;
    /// @inheritdoc ITowerBond
    uint32 public immutable unbondingSeconds;

    mapping(address tower => Bond) private bonds;
    /// @inheritdoc ITowerBond
    mapping(address owner => uint256) public credit;
    /// @inheritdoc ITowerBond
    uint256 public burned;

    constructor(IChannelAdjudicator adjudicator_, uint256 minBondWei_, uint32 maxMandateSeconds_, uint32 unbondingSeconds_) {
        if (unbondingSeconds_ <= maxMandateSeconds_) revert UnbondingTooShort(unbondingSeconds_, maxMandateSeconds_);
        (adjudicator, minBondWei) = (adjudicator_, minBondWei_);
        (maxMandateSeconds, unbondingSeconds) = (maxMandateSeconds_, unbondingSeconds_);
    }

    /// @inheritdoc ITowerBond
    function bond(address signer) external payable {
        if (msg.value < minBondWei) revert BondTooSmall(msg.value, minBondWei);
        if (signer == address(0)) revert ZeroSigner();
        Bond storage entry = bonds[msg.sender];
        if (entry.isSlashed) revert TowerSlashed(msg.sender);
        if (entry.bondedAt != 0) revert AlreadyBonded(msg.sender);

        (entry.signer, entry.amountWei, entry.bondedAt) = (signer, uint128(msg.value), uint40(block.timestamp));
        emit Bonded(msg.sender, signer, msg.value);
    }

    /// @inheritdoc ITowerBond
    function addBond() external payable {
        Bond storage entry = _bonded(msg.sender);
        entry.amountWei += uint128(msg.value);
        emit BondAdded(msg.sender, msg.value);
    }

    /// @inheritdoc ITowerBond
    function unbond() external {
        Bond storage entry = _bonded(msg.sender);
        if (entry.payableAt != 0) revert AlreadyUnbonding(msg.sender);
        uint40 payableAt = uint40(block.timestamp + unbondingSeconds);
        entry.payableAt = payableAt;
        emit Unbonding(msg.sender, payableAt);
    }

    /// @inheritdoc ITowerBond
    function withdraw(address to) external {
        Bond storage entry = _bonded(msg.sender);
        (uint40 payableAt, uint256 amountWei) = (entry.payableAt, entry.amountWei);
        if (payableAt == 0 || block.timestamp < payableAt) revert BondLocked(msg.sender, payableAt);
        delete bonds[msg.sender];
        emit BondPaid(msg.sender, to, amountWei);
        _pay(to, amountWei);
    }

    /// @inheritdoc ITowerBond
    function slash(
        address tower,
        Receipt calldata receipt,
        bytes calldata signature,
        ChannelConfig calldata config,
        Update calldata state
    ) external {
        Bond storage entry = _bonded(tower);
        _checkReceipt(entry, receipt, signature);
        bytes32 channelId = adjudicator.channelIdOf(config);
        if (channelId != receipt.channelId) revert WrongChannel(channelId, receipt.channelId);
        uint40 deadline = _checkMark(receipt, config.windowSeconds);
        _checkState(receipt, state, Look(channelId, adjudicator.domainSeparator(), config.partyA, config.partyB, deadline));

        uint256 amountWei = entry.amountWei;
        uint256 rewardWei = amountWei / 2;
        address harmed = receipt.side == 0 ? config.partyA : config.partyB;
        delete bonds[tower];
        bonds[tower].isSlashed = true;
        credit[harmed] += rewardWei;
        burned += amountWei - rewardWei;
        emit Slashed(tower, channelId, harmed, rewardWei, amountWei - rewardWei);
    }

    /// @inheritdoc ITowerBond
    function withdrawCredit(address to) external {
        uint256 amountWei = credit[msg.sender];
        if (amountWei == 0) revert NoCredit(msg.sender);
        credit[msg.sender] = 0;
        emit CreditPaid(msg.sender, to, amountWei);
        _pay(to, amountWei);
    }

    /// @inheritdoc ITowerBond
    function withdrawBurned() external {
        uint256 amountWei = burned;
        if (amountWei == 0) revert NothingBurned();
        burned = 0;
        _pay(BURN_ADDRESS, amountWei);
    }

    /// @inheritdoc ITowerBond
    function bondOf(address tower) external view returns (Bond memory) {
        return bonds[tower];
    }

    /// @inheritdoc ITowerBond
    function domainSeparator() public view returns (bytes32) {
        return keccak256(abi.encode(DOMAIN_TYPEHASH, keccak256("agnt2 tower"), keccak256("1"), block.chainid, address(this)));
    }

    /// @inheritdoc ITowerBond
    function receiptDigest(Receipt calldata receipt) public view returns (bytes32) {
        return _digest(domainSeparator(), keccak256(abi.encode(RECEIPT_TYPEHASH, receipt)));
    }

    function _bonded(address tower) private view returns (Bond storage entry) {
        entry = bonds[tower];
        if (entry.isSlashed) revert TowerSlashed(tower);
        if (entry.bondedAt == 0) revert NotBonded(tower);
    }

    function _checkReceipt(Bond storage entry, Receipt calldata receipt, bytes calldata signature) private view {
        if (receipt.side > 1) revert BadSide(receipt.side);
        address signer = _recover(receiptDigest(receipt), signature);
        if (signer == address(0) || signer != entry.signer) revert BadReceipt(signer, entry.signer);
        bool isTooLong = receipt.until > uint256(receipt.from) + maxMandateSeconds;
        if (receipt.from < entry.bondedAt || isTooLong) revert OutsideBond(receipt.from, receipt.until);
    }

    /// How the channel ended: by one side's wish, all within the mandate, and below what was promised.
    function _checkMark(Receipt calldata receipt, uint32 windowSeconds) private view returns (uint40) {
        ChannelState memory mark = adjudicator.channelOf(receipt.channelId);
        if (mark.status != ChannelStatus.CLOSED || !mark.isUnilateral) revert NotClosed(receipt.channelId);
        uint256 begunAt = mark.deadline - windowSeconds - (mark.isExtended ? windowSeconds / 2 : 0);
        if (begunAt < receipt.from || mark.deadline > receipt.until) revert OutsideMandate(begunAt, mark.deadline);

        Recorded memory recorded = adjudicator.recordedOf(receipt.channelId);
        (uint64 sequence, uint64 paid) = receipt.side == 0
            ? (recorded.sequenceB, recorded.paidByB)
            : (recorded.sequenceA, recorded.paidByA);
        // A voucher with a higher sequence and less paid than what is recorded could not have been handed in.
        bool isBelow = mark.version < receipt.version
            || (mark.version == receipt.version && sequence < receipt.sequence && paid <= receipt.paid);
        if (!isBelow) revert NotBelow(mark.version, sequence, paid);
        return mark.deadline;
    }

    /// The state of the receipt, as the adjudicator would have taken it until the deadline.
    function _checkState(Receipt calldata receipt, Update calldata state, Look memory look) private view {
        if (state.base.length != (receipt.version == 0 ? 0 : 1)) revert WrongEvidence("base");
        if (state.vouchers.length != (receipt.sequence == 0 ? 0 : 1)) revert WrongEvidence("vouchers");
        uint64 basePaid;
        if (receipt.version != 0) {
            SignedBase calldata base = state.base[0];
            if (base.version != receipt.version) revert WrongEvidence("base.version");
            basePaid = receipt.side == 0 ? base.paidByB : base.paidByA;
            bytes32 digest = _digest(
                look.channelDomain,
                keccak256(abi.encode(CHANNEL_BASE_TYPEHASH, look.channelId, base.version, base.paidByA, base.paidByB))
            );
            _checkParty(look, look.partyA, digest, base.signatureA, base.grantA, base.paidByA);
            _checkParty(look, look.partyB, digest, base.signatureB, base.grantB, base.paidByB);
        }
        if (receipt.sequence == 0) {
            if (basePaid != receipt.paid) revert WrongEvidence("base.paid");
            return;
        }
        _checkVoucher(receipt, state.vouchers[0], look, basePaid);
    }

    function _checkVoucher(Receipt calldata receipt, SignedVoucher calldata voucher, Look memory look, uint64 basePaid) private view {
        if (voucher.payer != 1 - receipt.side) revert WrongEvidence("voucher.payer");
        if (voucher.version != receipt.version) revert WrongEvidence("voucher.version");
        if (voucher.sequence != receipt.sequence) revert WrongEvidence("voucher.sequence");
        if (voucher.paid != receipt.paid || voucher.paid < basePaid) revert WrongEvidence("voucher.paid");
        uint256 total = voucher.paid;
        for (uint256 i = 0; i < voucher.locks.length; ++i) total += voucher.locks[i].amount;
        bytes32 locksHash = voucher.locks.length == 0 ? bytes32(0) : keccak256(abi.encode(voucher.locks));
        bytes32 digest = _digest(
            look.channelDomain,
            keccak256(
                abi.encode(
                    CHANNEL_VOUCHER_TYPEHASH,
                    look.channelId,
                    voucher.payer,
                    voucher.version,
                    voucher.sequence,
                    voucher.paid,
                    locksHash,
                    voucher.callsHash
                )
            )
        );
        address party = receipt.side == 0 ? look.partyB : look.partyA;
        _checkParty(look, party, digest, voucher.signature, voucher.grant, total);
    }

    /// Signed by the party itself, or by a key that it granted, for so much and for so long. Never by a contract's own say.
    function _checkParty(
        Look memory look,
        address party,
        bytes32 digest,
        bytes calldata signature,
        Grant[] calldata grants,
        uint256 total
    ) private view {
        address expected = grants.length == 0 ? party : grants[0].key;
        if (expected == address(0) || _recover(digest, signature) != expected) revert BadSignature(digest, expected);
        if (grants.length == 0) return;

        Grant calldata grant = grants[0];
        if (grant.expiry < look.deadline) revert GrantExpired(grant.key, grant.expiry);
        if (total > grant.cap) revert GrantCapExceeded(grant.key, total, grant.cap);
        if (adjudicator.isGrantRegistered(look.channelId, party, grant.key, grant.cap, grant.expiry)) return;
        bytes32 grantDigest = _digest(
            look.channelDomain,
            keccak256(abi.encode(CHANNEL_GRANT_TYPEHASH, look.channelId, grant.key, grant.cap, grant.expiry))
        );
        if (_recover(grantDigest, grant.signature) != party) revert BadSignature(grantDigest, party);
    }

    function _digest(bytes32 domain, bytes32 structHash) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(bytes2(0x1901), domain, structHash));
    }

    /// The zero address for what is no compact signature.
    function _recover(bytes32 digest, bytes calldata signature) private pure returns (address) {
        if (signature.length != 64) return address(0);
        return CompactSignature.recover(digest, uint256(bytes32(signature[:32])), uint256(bytes32(signature[32:])));
    }

    function _pay(address to, uint256 amountWei) private {
        (bool isPaid,) = to.call{value: amountWei}("");
        if (!isPaid) revert PaymentFailed(to, amountWei);
    }
}
