// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// The counted batches of one operator: their indices, which only grow, four to a word.
struct WorkLog {
    /// How many.
    uint64 count;
    /// L1 time of the last of them.
    uint64 lastAt;
    mapping(uint256 word => uint256) indices;
}

/// Which batches of an operator count (docs/BOUNTIES.md, section 2): the first one in each slot.
library WorkLibrary {
    uint256 private constant PER_WORD = 4;
    uint256 private constant INDEX_BITS = 64;

    /// Notes a batch of now. A batch in the slot of the last counted one costs the read of one word.
    function note(WorkLog storage log, uint64 batchIndex, uint256 slotSeconds) internal {
        (uint64 count, uint64 lastAt) = (log.count, log.lastAt);
        if (count != 0 && lastAt / slotSeconds == block.timestamp / slotSeconds) return;
        (log.count, log.lastAt) = (count + 1, uint64(block.timestamp));
        log.indices[count / PER_WORD] |= uint256(batchIndex) << ((count % PER_WORD) * INDEX_BITS);
    }

    /// How many counted batches have an index below `batchEnd`: a binary search, one word a round.
    function countBelow(WorkLog storage log, uint64 batchEnd) internal view returns (uint256) {
        (uint256 low, uint256 high) = (0, log.count);
        while (low < high) {
            uint256 middle = (low + high) / 2;
            uint64 index = uint64(log.indices[middle / PER_WORD] >> ((middle % PER_WORD) * INDEX_BITS));
            if (index < batchEnd) low = middle + 1;
            else high = middle;
        }
        return low;
    }
}
