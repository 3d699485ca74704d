// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IdentityRegistry} from "../../contracts/agents/IdentityRegistry.sol";
import {RegistryProxy} from "../../contracts/agents/RegistryProxy.sol";
import {ReputationRegistry} from "../../contracts/agents/ReputationRegistry.sol";
import {ValidationRegistry} from "../../contracts/agents/ValidationRegistry.sol";
import {IIdentityRegistry} from "../../contracts/interfaces/IIdentityRegistry.sol";
import {vm} from "./invariants/Vm.sol";

/// Summaries against plain sums, and what no input may do.
contract RegistriesTest {
    uint256 private constant COUNT = 10;
    address private constant OWNER = address(0xa11ce);
    IdentityRegistry private identity;
    ReputationRegistry private reputation;
    ValidationRegistry private validation;
    address[] private clients;

    function setUp() public {
        bytes memory data = abi.encodeCall(IdentityRegistry.initialize, (address(this)));
        identity = IdentityRegistry(address(new RegistryProxy(address(new IdentityRegistry()), data)));
        IIdentityRegistry known = IIdentityRegistry(address(identity));
        data = abi.encodeCall(ReputationRegistry.initialize, (known, address(this)));
        reputation = ReputationRegistry(address(new RegistryProxy(address(new ReputationRegistry()), data)));
        data = abi.encodeCall(ValidationRegistry.initialize, (known, address(this)));
        validation = ValidationRegistry(address(new RegistryProxy(address(new ValidationRegistry()), data)));
        vm.prank(OWNER);
        identity.register();
        for (uint160 i = 1; i <= 3; ++i) clients.push(address(i));
    }

    function testFuzz_getSummary_isTheMeanOfWhatIsNotRevoked(
        int128[COUNT] memory values,
        uint8[COUNT] memory decimals,
        uint8[COUNT] memory who,
        uint16 revoked
    ) public {
        uint256[19] memory having;
        int256 sum;
        int256 count;
        uint64[3] memory lastIndex;
        for (uint256 i = 0; i < COUNT; ++i) {
            (uint256 client, uint8 places) = (who[i] % 3, decimals[i] % 19);
            int128 value = int128(values[i] % (1e38 + 1));
            vm.prank(clients[client]);
            reputation.giveFeedback(0, value, places, "", "", "", "", 0);
            ++lastIndex[client];
            if ((revoked >> i) & 1 == 1) {
                vm.prank(clients[client]);
                reputation.revokeFeedback(0, lastIndex[client]);
                continue;
            }
            ++having[places];
            ++count;
            sum += int256(value) * int256(10 ** (18 - uint256(places)));
        }
        (uint64 counted, int128 mean, uint8 meanDecimals) = reputation.getSummary(0, clients, "", "");
        require(int256(uint256(counted)) == count, "count");
        if (count == 0) {
            require(mean == 0 && meanDecimals == 0, "nothing");
            return;
        }
        for (uint8 places = 0; places < 19; ++places) {
            require(having[meanDecimals] >= having[places], "mode");
            if (places < meanDecimals) require(having[meanDecimals] > having[places], "fewest of equals");
        }
        int256 expected = sum / (count * int256(10 ** (18 - uint256(meanDecimals))));
        if (expected > type(int128).max) expected = type(int128).max;
        if (expected < type(int128).min) expected = type(int128).min;
        require(mean == expected, "mean");
    }

    function testFuzz_giveFeedback_takesWhatIsWithinTheLimits(int128 value, uint8 decimals) public {
        bool isWithin = value >= -1e38 && value <= 1e38 && decimals <= 18;
        vm.prank(clients[0]);
        try reputation.giveFeedback(0, value, decimals, "a", "b", "", "", 0) {
            require(isWithin, "beyond");
            (int128 kept, uint8 places,,,) = reputation.readFeedback(0, clients[0], 1);
            require(kept == value && places == decimals, "kept");
        } catch {
            require(!isWithin, "refused");
            require(reputation.getLastIndex(0, clients[0]) == 0, "trace");
        }
    }

    function testFuzz_validation_lastWordOfEachRequestCounts(uint8[COUNT] memory responses, uint8[COUNT] memory which) public {
        uint256[3] memory last;
        bool[3] memory isAnswered;
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(OWNER);
            validation.validationRequest(clients[i], 0, "", bytes32(i));
        }
        for (uint256 i = 0; i < COUNT; ++i) {
            (uint256 request, uint8 response) = (which[i] % 3, responses[i] % 101);
            vm.prank(clients[request]);
            validation.validationResponse(bytes32(request), response, "", 0, "");
            (last[request], isAnswered[request]) = (response, true);
        }
        (uint256 sum, uint256 count) = (0, 0);
        for (uint256 i = 0; i < 3; ++i) if (isAnswered[i]) (sum, count) = (sum + last[i], count + 1);
        (uint64 counted, uint8 mean) = validation.getSummary(0, new address[](0), "");
        require(counted == count && mean == sum / count, "mean");
    }

    function testFuzz_wallet_isNobodysAfterATransfer(uint160 to, uint8 turns) public {
        address owner = OWNER;
        for (uint256 i = 0; i <= turns % 4; ++i) {
            address next = address(uint160(uint256(keccak256(abi.encode(to, i % 2)))));
            vm.prank(owner);
            identity.transferFrom(owner, next, 0);
            require(identity.getAgentWallet(0) == address(0) && identity.getMetadata(0, "agentWallet").length == 0, "wallet");
            require(identity.ownerOf(0) == next && identity.isAuthorizedOrOwner(next, 0), "owner");
            require(owner == next || !identity.isAuthorizedOrOwner(owner, 0), "former owner");
            owner = next;
        }
    }
}
