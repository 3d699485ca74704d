// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    CHANNEL_BASE_TYPEHASH,
    CHANNEL_CLOSE_TYPEHASH,
    CHANNEL_VOUCHER_TYPEHASH,
    CHANNEL_WITHDRAWAL_TYPEHASH
} from "../../../contracts/generated/Constants.sol";
import {
    Grant,
    Lock,
    SignedBase,
    SignedClose,
    SignedVoucher,
    SignedWithdrawal
} from "../../../contracts/interfaces/IChannelAdjudicator.sol";
import {vm} from "./Vm.sol";

/// Signs for two parties, with plain encodings of its own.
contract ChannelSigner {
    uint256 private constant KEY_A = 0xA11CE;
    uint256 private constant KEY_B = 0xB0B;
    uint256 private constant KEY_OTHER = 0xBAD;

    bytes32 private immutable domain;
    address public immutable partyA = vm.addr(KEY_A);
    address public immutable partyB = vm.addr(KEY_B);

    constructor(bytes32 domain_) {
        domain = domain_;
    }

    function base(bytes32 id, uint32 version, uint64 paidByA, uint64 paidByB)
        external
        view
        returns (SignedBase memory)
    {
        return _base(id, version, paidByA, paidByB, KEY_A);
    }

    function forgedBase(bytes32 id, uint32 version, uint64 paidByA, uint64 paidByB)
        external
        view
        returns (SignedBase memory)
    {
        return _base(id, version, paidByA, paidByB, KEY_OTHER);
    }

    function voucher(bytes32 id, uint8 payer, uint32 version, uint64 sequence, uint64 paid)
        external
        view
        returns (SignedVoucher memory)
    {
        return _voucher(id, payer, version, sequence, paid, new Lock[](0));
    }

    /// A's, with a lock that nobody can win.
    function lockedVoucher(bytes32 id, uint32 version, uint64 sequence, uint64 paid)
        external
        view
        returns (SignedVoucher memory)
    {
        Lock[] memory locks = new Lock[](1);
        locks[0] = Lock(bytes32(uint256(1)), 1, type(uint40).max);
        return _voucher(id, 0, version, sequence, paid, locks);
    }

    function close(bytes32 id, uint64 paidByA, uint64 paidByB) external view returns (SignedClose memory) {
        bytes32 hash = keccak256(abi.encode(CHANNEL_CLOSE_TYPEHASH, id, paidByA, paidByB));
        return SignedClose(
            paidByA, paidByB, _sign(KEY_A, hash), _sign(KEY_B, hash), new Grant[](0), new Grant[](0)
        );
    }

    function withdrawal(bytes32 id, uint32 nonce, uint8 side, uint64 amount)
        external
        view
        returns (SignedWithdrawal memory)
    {
        uint40 until = type(uint40).max;
        bytes32 hash = keccak256(abi.encode(CHANNEL_WITHDRAWAL_TYPEHASH, id, nonce, side, amount, until));
        return SignedWithdrawal(nonce, side, amount, until, _sign(KEY_A, hash), _sign(KEY_B, hash));
    }

    function _base(bytes32 id, uint32 version, uint64 paidByA, uint64 paidByB, uint256 keyA)
        private
        view
        returns (SignedBase memory)
    {
        bytes32 hash = keccak256(abi.encode(CHANNEL_BASE_TYPEHASH, id, version, paidByA, paidByB));
        return SignedBase(
            version, paidByA, paidByB, _sign(keyA, hash), _sign(KEY_B, hash), new Grant[](0), new Grant[](0)
        );
    }

    function _voucher(
        bytes32 id,
        uint8 payer,
        uint32 version,
        uint64 sequence,
        uint64 paid,
        Lock[] memory locks
    ) private view returns (SignedVoucher memory) {
        bytes32 locksHash = locks.length == 0 ? bytes32(0) : keccak256(abi.encode(locks));
        bytes32 callsHash = bytes32(uint256(sequence));
        bytes32 hash = keccak256(
            abi.encode(CHANNEL_VOUCHER_TYPEHASH, id, payer, version, sequence, paid, locksHash, callsHash)
        );
        bytes memory signature = _sign(payer == 0 ? KEY_A : KEY_B, hash);
        return SignedVoucher(payer, version, sequence, paid, locks, callsHash, signature, new Grant[](0));
    }

    function _sign(uint256 key, bytes32 structHash) private view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(key, keccak256(abi.encodePacked(hex"1901", domain, structHash)));
        return abi.encodePacked(r, uint256(s) | uint256(v - 27) << 255);
    }
}
