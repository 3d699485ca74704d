import { expect } from "chai";
import { Signature, ZeroAddress } from "ethers";
import hre from "hardhat";

import type { SmartWallet, TestDollar } from "../../../typechain-types/index.ts";
import { DOLLAR_NAME, DOLLAR_VERSION, dollarDomain, freshNonce, otherHalf, signDollar } from "../../builders/dollarSigning.ts";
import type { DollarAuthorization, DollarMessage } from "../../builders/dollarSigning.ts";

const TRANSFER = "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)" as const;
const TRANSFER_VRS = "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)" as const;
const RECEIVE = "receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)" as const;
const RECEIVE_VRS = "receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)" as const;
const CANCEL = "cancelAuthorization(address,bytes32,bytes)" as const;
const CANCEL_VRS = "cancelAuthorization(address,bytes32,uint8,bytes32,bytes32)" as const;
const FUNDS = 1_000_000n;
const PRICE = 2_500n;

describe("TestDollar", () => {
  let connection: Awaited<ReturnType<typeof hre.network.create>>;
  let dollar: TestDollar;
  let token: string;
  let now: number;
  let signers: Awaited<ReturnType<typeof connection.ethers.getSigners>>;
  let restore: () => Promise<void>;

  before(async () => {
    connection = await hre.network.create();
    signers = await connection.ethers.getSigners();
    dollar = (await connection.ethers.deployContract("TestDollar")) as unknown as TestDollar;
    token = await dollar.getAddress();
    await dollar.mint(signers[1]!.address, FUNDS);
    now = (await connection.ethers.provider.getBlock("latest"))!.timestamp;
  });
  after(() => connection.close());
  beforeEach(async () => {
    const snapshot = await connection.networkHelpers.takeSnapshot();
    restore = () => snapshot.restore();
  });
  afterEach(() => restore());

  const authorization = (change: Partial<DollarAuthorization> = {}): DollarAuthorization => ({
    from: signers[1]!.address, to: signers[2]!.address, value: PRICE, validAfter: now - 10, validBefore: now + 1_000, nonce: freshNonce(), ...change,
  });
  const valuesOf = ({ from, to, value, validAfter, validBefore, nonce }: DollarAuthorization) => [from, to, value, validAfter, validBefore, nonce] as const;
  const sign = (value: object, message: DollarMessage = "TransferWithAuthorization", domain = dollarDomain(token, 31337)): Promise<string> =>
    signDollar(signers[1]!, domain, message, { ...value });
  const vrs = (signature: string): [number, string, string] => {
    const { v, r, s } = Signature.from(signature);
    return [v, r, s];
  };
  const refused = async (call: Promise<unknown>, error: string): Promise<void> => {
    const thrown = await call.then(() => undefined, (reason: Error) => reason);
    expect(thrown?.message ?? "it went through").to.include(error);
  };

  it("metadata: is what the EIP-712 domain is made of", async () => {
    expect([await dollar.name(), await dollar.version(), await dollar.decimals()]).to.deep.equal([DOLLAR_NAME, DOLLAR_VERSION, 6n]);
    const { TypedDataEncoder } = connection.ethers;
    expect(await dollar.DOMAIN_SEPARATOR()).to.equal(TypedDataEncoder.hashDomain(dollarDomain(token, 31337)));
  });

  it("transferWithAuthorization: pays once in either form, whoever sends it, and tells of it", async () => {
    for (const form of ["bytes", "v,r,s"] as const) {
      const paid = authorization();
      const signature = await sign(paid);
      const before = await dollar.balanceOf(paid.to);
      const call = () => (form === "bytes" ? dollar[TRANSFER](...valuesOf(paid), signature) : dollar[TRANSFER_VRS](...valuesOf(paid), ...vrs(signature)));
      const receipt = (await (await call()).wait())!;
      expect(receipt.logs.map((log) => dollar.interface.parseLog(log)!.name)).to.deep.equal(["AuthorizationUsed", "Transfer"]);
      expect(await dollar.balanceOf(paid.to)).to.equal(before + PRICE);
      expect(await dollar.authorizationState(paid.from, paid.nonce)).to.equal(true);
      await refused(call(), "ERC3009UsedAuthorization");
      await refused(form === "bytes" ? dollar[TRANSFER_VRS](...valuesOf(paid), ...vrs(signature)) : dollar[TRANSFER](...valuesOf(paid), signature), "ERC3009UsedAuthorization");
    }
  });

  it("transferWithAuthorization: refuses another authorization under a nonce that was used", async () => {
    const first = authorization();
    await dollar[TRANSFER](...valuesOf(first), await sign(first));
    const second = { ...first, to: signers[3]!.address, value: PRICE * 2n };
    await refused(dollar[TRANSFER](...valuesOf(second), await sign(second)), "ERC3009UsedAuthorization");
  });

  it("transferWithAuthorization: refuses what is not yet valid, not any more, or was made for ever with a flag in its times", async () => {
    const future = authorization({ validAfter: now + 500 });
    await refused(dollar[TRANSFER](...valuesOf(future), await sign(future)), "ERC3009InvalidAuthorizationTime");
    const past = authorization({ validBefore: now - 1 });
    await refused(dollar[TRANSFER](...valuesOf(past), await sign(past)), "ERC3009InvalidAuthorizationTime");
    const edge = authorization({ validBefore: now + 100 });
    await connection.networkHelpers.time.setNextBlockTimestamp(now + 100);
    await refused(dollar[TRANSFER](...valuesOf(edge), await sign(edge)), "ERC3009InvalidAuthorizationTime");
    const flag = 2n ** 47n;
    const flagged = { ...authorization(), validAfter: flag, validBefore: flag + 1_000_000n };
    await refused(dollar[TRANSFER](flagged.from, flagged.to, PRICE, flagged.validAfter, flagged.validBefore, flagged.nonce, await sign(flagged)), "ERC3009InvalidAuthorizationTime");
  });

  it("transferWithAuthorization: refuses every change of what was signed, and signatures for other tokens, chains and purposes", async () => {
    const paid = authorization();
    const signature = await sign(paid);
    const changes = [{ to: signers[3]!.address }, { value: PRICE + 1n }, { validAfter: now - 11 }, { validBefore: now + 1_001 }, { nonce: freshNonce() }, { from: signers[0]!.address }];
    for (const change of changes) await refused(dollar[TRANSFER](...valuesOf({ ...paid, ...change }), signature), "ERC3009InvalidSignature");
    const domain = dollarDomain(token, 31337);
    const others = [dollarDomain(signers[5]!.address, 31337), dollarDomain(token, 1), { ...domain, version: "2" }, { ...domain, name: "USD Coin" }];
    for (const other of others) await refused(dollar[TRANSFER](...valuesOf(paid), await sign(paid, "TransferWithAuthorization", other)), "ERC3009InvalidSignature");
    await refused(dollar[TRANSFER](...valuesOf(paid), await sign(paid, "ReceiveWithAuthorization")), "ERC3009InvalidSignature");
    expect(await dollar.authorizationState(paid.from, paid.nonce)).to.equal(false);
  });

  it("transferWithAuthorization: refuses the other half of a signature, short ones, and the zero address as payer or payee", async () => {
    const paid = authorization();
    const signature = await sign(paid);
    const { v, r, s } = otherHalf(signature);
    await refused(dollar[TRANSFER_VRS](...valuesOf(paid), v, r, s), "ECDSAInvalidSignatureS");
    await refused(dollar[TRANSFER](...valuesOf(paid), `${r}${s.slice(2)}${v.toString(16)}`), "ERC3009InvalidSignature");
    for (const broken of ["0x", signature.slice(0, -2), `${signature}00`]) await refused(dollar[TRANSFER](...valuesOf(paid), broken), "ERC3009InvalidSignature");
    await refused(dollar[TRANSFER_VRS](...valuesOf({ ...paid, from: ZeroAddress }), 27, r, s), "ECDSAInvalidSignature");
    await refused(dollar[TRANSFER](...valuesOf({ ...paid, from: ZeroAddress }), signature), "ERC3009InvalidSignature");
    const burned = authorization({ to: ZeroAddress });
    await refused(dollar[TRANSFER](...valuesOf(burned), await sign(burned)), "ERC20InvalidReceiver");
  });

  it("transferWithAuthorization: takes nothing, and keeps the nonce, when the payer has too little", async () => {
    const paid = authorization({ value: FUNDS + 1n });
    await refused(dollar[TRANSFER](...valuesOf(paid), await sign(paid)), "ERC20InsufficientBalance");
    expect(await dollar.authorizationState(paid.from, paid.nonce)).to.equal(false);
  });

  it("receiveWithAuthorization: is for the payee alone, so a deposit cannot be sent ahead of the contract that books it", async () => {
    const deposit = authorization();
    const signature = await sign(deposit, "ReceiveWithAuthorization");
    await refused(dollar[TRANSFER](...valuesOf(deposit), signature), "ERC3009InvalidSignature");
    for (const call of [dollar[RECEIVE](...valuesOf(deposit), signature), dollar[RECEIVE_VRS](...valuesOf(deposit), ...vrs(signature))]) await refused(call, "ERC20InvalidReceiver");
    const payee = dollar.connect(signers[2]!);
    await payee[RECEIVE](...valuesOf(deposit), signature);
    await refused(payee[RECEIVE_VRS](...valuesOf(deposit), ...vrs(signature)), "ERC3009UsedAuthorization");
    expect(await dollar.balanceOf(deposit.to)).to.equal(PRICE);
  });

  it("cancelAuthorization: ends what was not used, by its signer alone, and once", async () => {
    const paid = authorization();
    const message = { authorizer: paid.from, nonce: paid.nonce };
    const stranger = await signDollar(signers[4]!, dollarDomain(token, 31337), "CancelAuthorization", message);
    await refused(dollar[CANCEL](paid.from, paid.nonce, stranger), "ERC3009InvalidSignature");
    const signature = await sign(message, "CancelAuthorization");
    await refused(dollar[CANCEL](paid.from, freshNonce(), signature), "ERC3009InvalidSignature");
    await dollar[CANCEL](paid.from, paid.nonce, signature);
    await refused(dollar[TRANSFER](...valuesOf(paid), await sign(paid)), "ERC3009UsedAuthorization");
    await refused(dollar[CANCEL_VRS](paid.from, paid.nonce, ...vrs(signature)), "ERC3009UsedAuthorization");
    expect(await dollar.balanceOf(paid.to)).to.equal(0n);
  });

  it("contracts: pay by ERC-1271, while they say so, and are never taken for their owner", async () => {
    const wallet = (await connection.ethers.deployContract("SmartWallet")) as unknown as SmartWallet;
    const owner = signers[0]!;
    await dollar.mint(await wallet.getAddress(), FUNDS);
    const paid = authorization({ from: await wallet.getAddress() });
    const own = await signDollar(owner, dollarDomain(token, 31337), "TransferWithAuthorization", { ...paid });
    await refused(dollar[TRANSFER](...valuesOf(paid), own), "ERC3009InvalidSignature");
    await refused(dollar[TRANSFER_VRS](...valuesOf(paid), ...vrs(own)), "ERC3009InvalidSignature");
    const { v, r, s } = Signature.from(own);
    const wrapped = `0x71${r.slice(2)}${s.slice(2)}${v.toString(16)}`;
    for (const mode of [1, 2, 3, 4, 5]) {
      await wallet.setMode(mode);
      await refused(dollar[TRANSFER](...valuesOf(paid), wrapped, { gasLimit: 3_000_000 }), "ERC3009InvalidSignature");
    }
    for (const mode of [6, 0]) {
      await wallet.setMode(mode);
      const next = { ...paid, nonce: freshNonce() };
      const signed = Signature.from(await signDollar(owner, dollarDomain(token, 31337), "TransferWithAuthorization", next));
      await dollar[TRANSFER](...valuesOf(next), `0x71${signed.r.slice(2)}${signed.s.slice(2)}${signed.v.toString(16)}`);
    }
    expect(await dollar.balanceOf(paid.to)).to.equal(2n * PRICE);
  });

  it("mint: is anyone's on a local chain, and the deployer's alone on any other", async () => {
    await dollar.connect(signers[7]!).mint(signers[7]!.address, 1n);
    const elsewhere = await hre.network.create({ override: { chainId: 5 } });
    try {
      const [deployer, stranger] = await elsewhere.ethers.getSigners();
      const foreign = (await elsewhere.ethers.deployContract("TestDollar")) as unknown as TestDollar;
      await refused(foreign.connect(stranger!).mint(stranger!.address, 1n), "NotMinter");
      await foreign.connect(deployer!).mint(stranger!.address, 1n);
      expect(await foreign.totalSupply()).to.equal(1n);
    } finally {
      await elsewhere.close();
    }
  });
});
