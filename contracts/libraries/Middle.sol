// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// The middle of a few values.
library Middle {
    /// Sorts `values` in place, by insertion: meant for 16 at most.
    /// @return lower at least half of the values, and more than half with itself, are not below it
    /// @return upper the same from above; of an odd number both are the median. Both 0 for none
    function middlesOf(uint16[] memory values) internal pure returns (uint16 lower, uint16 upper) {
        uint256 count = values.length;
        if (count == 0) return (0, 0);
        for (uint256 i = 1; i < count; ++i) {
            uint16 value = values[i];
            uint256 j = i;
            for (; j != 0 && values[j - 1] > value; --j) values[j] = values[j - 1];
            values[j] = value;
        }
        return (values[(count - 1) / 2], values[count / 2]);
    }
}
