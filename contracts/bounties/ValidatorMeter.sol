// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IBountyMeter} from "../interfaces/IBountyMeter.sol";
import {Attested, IUptimeMeter} from "../interfaces/IUptimeMeter.sol";

/// What a bounty says that hires a validator; ABI-encoded, the `params` of `begin`.
struct ValidatorTerms {
    /// The bounty whose operator is to be attested.
    address board;
    uint256 id;
    /// Slashed more often than this, the validator has failed.
    uint64 maxSlashed;
}

/// Pays a validator for attesting: a unit for every value within the tolerance, in a period with a quorum (docs/BOUNTIES.md, section 6). Being
/// hired gives no seat: the panel is the other bounty's.
contract ValidatorMeter is IBountyMeter {
    struct Watch {
        address validator;
        uint64 maxSlashed;
        address board;
        uint64 withinBefore;
        uint64 slashedBefore;
        uint256 id;
    }

    event Begun(address indexed board, uint256 indexed id, address indexed validator, ValidatorTerms terms);

    IUptimeMeter public immutable uptimeMeter;
    mapping(address board => mapping(uint256 id => Watch)) private watches;

    constructor(IUptimeMeter uptimeMeter_) {
        uptimeMeter = uptimeMeter_;
    }

    /// @inheritdoc IBountyMeter
    function begin(uint256 id, address operator, uint256, bytes calldata params) external {
        ValidatorTerms memory terms = abi.decode(params, (ValidatorTerms));
        Attested memory before = uptimeMeter.attestedOf(operator, terms.board, terms.id);
        watches[msg.sender][id] = Watch({
            validator: operator,
            maxSlashed: terms.maxSlashed,
            board: terms.board,
            withinBefore: before.within,
            slashedBefore: before.slashed,
            id: terms.id
        });
        emit Begun(msg.sender, id, operator, terms);
    }

    /// @inheritdoc IBountyMeter
    function unitsOf(address board, uint256 id) external view returns (uint256) {
        Watch memory watch = watches[board][id];
        return uptimeMeter.attestedOf(watch.validator, watch.board, watch.id).within - watch.withinBefore;
    }

    /// @inheritdoc IBountyMeter
    function hasFailed(address board, uint256 id) external view returns (bool) {
        Watch memory watch = watches[board][id];
        return uptimeMeter.attestedOf(watch.validator, watch.board, watch.id).slashed - watch.slashedBefore > watch.maxSlashed;
    }
}
