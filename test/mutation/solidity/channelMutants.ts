import { inFile } from "../Mutant.ts";
import type { Mutant } from "../Mutant.ts";

/** Altered Solidity of the rules of channels: each check that stands before somebody's money. */
export const solidityChannelMutants: readonly Mutant[] = [
  ...inFile("libraries/transition/Machine.sol", [
    ["M-7", "register.set(REGISTER_RECORDS_HASH, 0);", ""],
    ["M-7", "register.set(REGISTER_SIGNATURE_VS, 0);", ""],
  ]),
  ...inFile("libraries/transition/CarrySignature.sol", [["SG-1", "register.set(REGISTER_SIGNATURE_VS, step.record.get(R_SIGNATURE_SIGNATURE_VS));", ""]]),
  ...inFile("libraries/ChannelDomain.sol", [
    ["CH-1", "block.chainid", "uint256(1)"],
    ["CH-1", "block.chainid, adjudicator)", "block.chainid, address(0))"],
  ]),
  ...inFile("libraries/transition/Channels.sol", [
    ["CH-1", "partyA, partyB, address(0)", "partyB, partyA, address(0)"],
    ["CH-1", "channel.get(CHANNEL_WINDOW), uint256(0), step.id", "channel.get(CHANNEL_WINDOW), uint256(0), uint256(1)"],
    ["CH-2", "if (recovered == address(0)) return false;", ""],
    ["CH-2", "if (uint160(recovered) != channel.get(side == 0 ? CHANNEL_KEY_A : CHANNEL_KEY_B)) return false;", ""],
    ["CH-2", "if (step.l2Time > channel.get(side == 0 ? CHANNEL_EXPIRY_A : CHANNEL_EXPIRY_B)) return false;", ""],
    ["CH-2", "return total <= channel.get(side == 0 ? CHANNEL_CAP_A : CHANNEL_CAP_B);", "return true;"],
    ["CH-2", "recovered != address(0) && recovered == _ownerOf(step, side)", "recovered != address(0)"],
    ["CH-3", "share = share > paidByB ? share - paidByB : 0;", "unchecked { share = share - paidByB; }"],
    ["CH-3", "if (share > held) share = held;", ""],
    ["CH-3", "Slots.free(step, KIND_CHANNEL, channel, step.slot);", ""],
    ["CH-4", "(channel.get(CHANNEL_A), channel.get(CHANNEL_B))", "(channel.get(CHANNEL_B), channel.get(CHANNEL_A))"],
  ]),
  ...inFile("libraries/transition/ChannelOpen.sol", [
    ["CH-5", "if (partner == step.agent) return E_SELF;", ""],
    ["CH-6", "window == 0 || ", ""],
    ["CH-7", "if (failure != OK) return failure;", ""],
  ]),
  ...inFile("libraries/transition/ChannelFund.sol", [
    ["CH-8", "if (side > 1) return E_MALFORMED;", ""],
    ["CH-9", "if (channel.get(CHANNEL_STATUS) != CHANNEL_STATUS_OPEN) return E_CHANNEL_CLOSING;", ""],
    ["CH-9", "if (failure != OK) return failure;", ""],
  ]),
  ...inFile("libraries/transition/ChannelClose.sol", [
    ["CH-10", "if (mode > CLOSE_MODE_COOPERATIVE) return E_MALFORMED;", ""],
    ["CH-10", "if (paidByA > MAX_UNITS || paidByB > MAX_UNITS) return E_AMOUNT;", ""],
    ["CH-11", "if (channel.get(CHANNEL_STATUS) != CHANNEL_STATUS_CLOSING) return E_NOT_DUE;", ""],
    ["CH-11", "if (step.l2Time < channel.get(CHANNEL_DEADLINE)) return E_NOT_DUE;", ""],
    ["CH-12", "if (!Channels.isParty(step)) return E_NOT_PARTY;", ""],
    ["CH-12", "if (step.signer != SIGNER_OWNER) return E_OWNER_ONLY;", ""],
    ["CH-12", "other == 0 ? paidByA : paidByB", "paidByA"],
    ["CH-12", "if (!Channels.isSigned(step, channel, other, digest, other == 0 ? paidByA : paidByB)) return E_SIGNATURE;", ""],
  ]),
  ...inFile("libraries/transition/ChannelChallenge.sol", [
    ["CH-13", "if (!Channels.isParty(step)) return E_NOT_PARTY;", ""],
    ["CH-13", "if (channel.get(CHANNEL_STATUS) != CHANNEL_STATUS_OPEN) return E_CHANNEL_CLOSING;", ""],
  ]),
  ...inFile("libraries/transition/ChannelUpdate.sol", [
    ["CH-14", "if (!isClean) return (E_MALFORMED, update);", ""],
    ["CH-15", "fits ? OK : E_AMOUNT", "OK"],
    ["CH-16", "if (isClosing && step.l2Time >= channel.get(CHANNEL_DEADLINE)) return E_DEADLINE;", ""],
    ["CH-17", "if (!_isNewer(channel, update)) return E_STALE;", ""],
    ["CH-17", "return update.version == known && ", "return "],
    ["CH-18", "if (!Channels.isSigned(step, channel, update.side, digest, update.total)) return E_SIGNATURE;", ""],
    ["CH-18", "update.total,\n                    uint256(0),", "update.total,\n                    uint256(1),"],
    ["CH-19", "channel.set(_totalOf(update.side), update.total);", "channel.set(_totalOf(0), update.total);"],
    ["CH-20", "_approval(digest, 1 - update.side)", "_approval(digest, update.side)"],
    ["CH-20", "channel.set(CHANNEL_VERSION, update.version);", ""],
    ["CH-20", "abi.encodePacked(digest, uint8(side))", "abi.encodePacked(digest)"],
    ["CH-21", "if (flags & CHANNEL_FLAG_EXTENDED != 0) return;", ""],
    ["CH-21", "if (step.l2Time + window / 4 < deadline) return;", ""],
    ["CH-21", "if (isClosing) _extend(step, channel);", "_extend(step, channel);"],
  ]),
  ...inFile("libraries/transition/ChannelGrant.sol", [
    ["CH-22", "if (step.l2Time > expiry) return E_DEADLINE;", ""],
    ["CH-23", "if (!Channels.isOwnerSigned(step, side, digest)) return E_SIGNATURE;", ""],
    ["CH-23", "channel.set(side == 0 ? CHANNEL_CAP_A : CHANNEL_CAP_B, cap);", ""],
  ]),
  ...inFile("libraries/transition/ChannelExport.sol", [
    ["CH-24", "if (!Channels.isParty(step)) return E_NOT_PARTY;", ""],
    ["CH-24", "if (step.signer != SIGNER_OWNER) return E_OWNER_ONLY;", ""],
    ["CH-24", "if (channel.get(CHANNEL_STATUS) != CHANNEL_STATUS_OPEN) return E_CHANNEL_CLOSING;", ""],
    ["CH-24", "if (held == 0) return E_AMOUNT;", ""],
    ["CH-25", "if (!Channels.isOwnerSigned(step, Channels.otherSide(step), digest)) return E_SIGNATURE;", ""],
    ["CH-26", "uint160(step.adjudicator)", "uint160(0)"],
    ["CH-26", "withdrawal.set(WITHDRAWAL_CONTEXT_HASH, uint256(_hash(channel)));", ""],
    ["CH-26", "Slots.free(step, KIND_CHANNEL, channel, step.slot);", ""],
  ]),
  ...inFile("libraries/transition/RecordRules.sol", [
    ["R-2", "op <= OP_SIGNATURE", "op < OP_SIGNATURE"],
    ["R-4", "return isClean ? OK : E_MALFORMED;", "return OK;"],
  ]),
];
