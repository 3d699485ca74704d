// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    ChannelConfig,
    ChannelState,
    ChannelStatus,
    Endorsement,
    Grant,
    IChannelAdjudicator,
    Recorded,
    SignedBase,
    SignedVoucher,
    Update
} from "../interfaces/IChannelAdjudicator.sol";
import {Bond, ITowerBond, Receipt} from "../interfaces/ITowerBond.sol";
import {CompactSignature} from "../libraries/CompactSignature.sol";
import {EtherCredit} from "../libraries/EtherCredit.sol";
import {ChannelDigests} from "./ChannelDigests.sol";
import {ChannelLocks} from "./ChannelLocks.sol";

/// Bonds of watchtowers. See `ITowerBond`.
contract TowerBond is ITowerBond {
    address public constant BURN_ADDRESS = EtherCredit.BURN_ADDRESS;

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

    /// What the adjudicator has of the other side's payments, under the version of the receipt.
    struct Paid {
        /// Of the last voucher that was endorsed to change the locks; 0 if there was none, and so no locks.
        uint64 endorsedSequence;
        /// The most that was recorded.
        uint64 highest;
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
        EtherCredit.send(to, amountWei);
    }

    /// @inheritdoc ITowerBond
    function slash(
        address tower,
        Receipt calldata receipt,
        bytes calldata signature,
        ChannelConfig calldata config,
        Update calldata state
    ) external {
        _checkReceipt(_bonded(tower), receipt, signature);
        bytes32 channelId = adjudicator.channelIdOf(config);
        if (channelId != receipt.channelId) revert WrongChannel(channelId, receipt.channelId);
        _requireBelow(receipt, config, state);
        _take(tower, channelId, receipt.side == 0 ? config.partyA : config.partyB);
    }

    /// @inheritdoc ITowerBond
    function withdrawCredit(address to) external {
        uint256 amountWei = EtherCredit.take(credit);
        emit CreditPaid(msg.sender, to, amountWei);
        EtherCredit.send(to, amountWei);
    }

    /// @inheritdoc ITowerBond
    function withdrawBurned() external {
        uint256 amountWei = burned;
        burned = 0;
        EtherCredit.sendBurned(amountWei);
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
        bytes32 structHash = keccak256(abi.encode(RECEIPT_TYPEHASH, receipt));
        return keccak256(abi.encodePacked(bytes2(0x1901), domainSeparator(), structHash));
    }

    function _bonded(address tower) private view returns (Bond storage entry) {
        entry = bonds[tower];
        if (entry.isSlashed) revert TowerSlashed(tower);
        if (entry.bondedAt == 0) revert NotBonded(tower);
    }

    function _take(address tower, bytes32 channelId, address harmed) private {
        uint256 amountWei = bonds[tower].amountWei;
        uint256 rewardWei = amountWei / 2;
        delete bonds[tower];
        bonds[tower].isSlashed = true;
        credit[harmed] += rewardWei;
        burned += amountWei - rewardWei;
        emit Slashed(tower, channelId, harmed, rewardWei, amountWei - rewardWei);
    }

    /// Of the same version, what is shown could still have been handed in, and pays more than anything that was.
    function _requireBelow(Receipt calldata receipt, ChannelConfig calldata config, Update calldata state)
        private
        view
    {
        ChannelState memory mark = _checkMark(receipt, config.windowSeconds);
        Paid memory paid = _paidOf(receipt);
        Look memory look = Look(
            receipt.channelId, adjudicator.domainSeparator(), config.partyA, config.partyB, mark.deadline
        );
        bool isLasting = _checkState(receipt, state, look, paid.endorsedSequence);
        bool isBelow = mark.version < receipt.version
            || (mark.version == receipt.version && isLasting && paid.highest < receipt.paid);
        if (!isBelow) revert NotBelow(mark.version, paid.endorsedSequence, paid.highest);
    }

    function _checkReceipt(Bond storage entry, Receipt calldata receipt, bytes calldata signature) private view {
        if (receipt.side > 1) revert BadSide(receipt.side);
        address signer = _recover(receiptDigest(receipt), signature);
        if (signer == address(0) || signer != entry.signer) revert BadReceipt(signer, entry.signer);
        bool isTooLong = receipt.until > uint256(receipt.from) + maxMandateSeconds;
        if (receipt.from < entry.bondedAt || isTooLong) revert OutsideBond(receipt.from, receipt.until);
    }

    /// How the channel ended: by one side's wish, all within the mandate.
    function _checkMark(Receipt calldata receipt, uint32 windowSeconds)
        private
        view
        returns (ChannelState memory mark)
    {
        mark = adjudicator.channelOf(receipt.channelId);
        if (mark.status != ChannelStatus.CLOSED || !mark.isUnilateral) revert NotClosed(receipt.channelId);
        uint256 begunAt = mark.deadline - windowSeconds - (mark.isExtended ? windowSeconds / 2 : 0);
        if (begunAt < receipt.from || mark.deadline > receipt.until) revert OutsideMandate(begunAt, mark.deadline);
    }

    function _paidOf(Receipt calldata receipt) private view returns (Paid memory) {
        Recorded memory recorded = adjudicator.recordedOf(receipt.channelId);
        return receipt.side == 0
            ? Paid(recorded.sequenceB, recorded.highestPaidByB)
            : Paid(recorded.sequenceA, recorded.highestPaidByA);
    }

    /// The state of the receipt, as the adjudicator would have taken it until the deadline.
    /// @return isLasting whether its voucher would still have been taken under the version that was recorded last
    function _checkState(Receipt calldata receipt, Update calldata state, Look memory look, uint64 endorsedSequence)
        private
        view
        returns (bool isLasting)
    {
        if (state.base.length != (receipt.version == 0 ? 0 : 1)) revert WrongEvidence("base");
        if (state.vouchers.length != (receipt.sequence == 0 ? 0 : 1)) revert WrongEvidence("vouchers");
        uint64 basePaid;
        if (receipt.version != 0) {
            SignedBase calldata base = state.base[0];
            if (base.version != receipt.version) revert WrongEvidence("base.version");
            basePaid = receipt.side == 0 ? base.paidByB : base.paidByA;
            bytes32 digest = ChannelDigests.ofBase(look.channelDomain, look.channelId, base);
            _checkParty(look, look.partyA, digest, base.signatureA, base.grantA, base.paidByA);
            _checkParty(look, look.partyB, digest, base.signatureB, base.grantB, base.paidByB);
        }
        if (receipt.sequence == 0) {
            if (basePaid != receipt.paid) revert WrongEvidence("base.paid");
            return false;
        }
        bytes32 locksHash = ChannelLocks.hashOf(state.vouchers[0].locks);
        bytes32 voucherDigest = _checkVoucher(receipt, state.vouchers[0], look, basePaid, locksHash);
        bool isEndorsed = state.endorsements.length != 0;
        if (isEndorsed) _checkEndorsement(receipt, state.endorsements[0], look, voucherDigest);
        else if (locksHash != 0) revert WrongEvidence("endorsements");
        return isEndorsed ? endorsedSequence < receipt.sequence : endorsedSequence == 0;
    }

    function _checkVoucher(
        Receipt calldata receipt,
        SignedVoucher calldata voucher,
        Look memory look,
        uint64 basePaid,
        bytes32 locksHash
    ) private view returns (bytes32 digest) {
        if (voucher.payer != 1 - receipt.side) revert WrongEvidence("voucher.payer");
        if (voucher.version != receipt.version) revert WrongEvidence("voucher.version");
        if (voucher.sequence != receipt.sequence) revert WrongEvidence("voucher.sequence");
        if (voucher.paid != receipt.paid || voucher.paid < basePaid) revert WrongEvidence("voucher.paid");
        digest = ChannelDigests.ofVoucher(look.channelDomain, look.channelId, voucher, locksHash);
        address party = receipt.side == 0 ? look.partyB : look.partyA;
        uint256 total = voucher.paid + ChannelLocks.sumOf(voucher.locks);
        _checkParty(look, party, digest, voucher.signature, voucher.grant, total);
    }

    /// The payee's say that the voucher may change the locks.
    function _checkEndorsement(
        Receipt calldata receipt,
        Endorsement calldata endorsement,
        Look memory look,
        bytes32 digest
    ) private view {
        if (endorsement.payer != 1 - receipt.side) revert WrongEvidence("endorsement.payer");
        address party = receipt.side == 0 ? look.partyA : look.partyB;
        _checkParty(look, party, digest, endorsement.signature, endorsement.grant, 0);
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
        if (grant.signature.length == 0) {
            if (adjudicator.isGrantRegistered(look.channelId, party, grant.key, grant.cap, grant.expiry)) return;
            revert GrantUnknown(party, grant.key);
        }
        bytes32 grantDigest =
            ChannelDigests.ofGrant(look.channelDomain, look.channelId, grant.key, grant.cap, grant.expiry);
        if (_recover(grantDigest, grant.signature) != party) revert BadSignature(grantDigest, party);
    }

    /// The zero address for what is no compact signature.
    function _recover(bytes32 digest, bytes calldata signature) private pure returns (address) {
        if (signature.length != 64) return address(0);
        return CompactSignature.recover(digest, uint256(bytes32(signature[:32])), uint256(bytes32(signature[32:])));
    }
}
