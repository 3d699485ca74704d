import { expect } from "chai";
import { AbiCoder, Interface, ZeroAddress, ZeroHash, keccak256, zeroPadValue } from "ethers";

import type { CodeVerifier, TestToken } from "../../../typechain-types/index.ts";
import type { CodeSpecStruct } from "../../../typechain-types/bounties/CodeVerifier.ts";
import { JobScene, errorOf } from "../../builders/jobScene.ts";

const SPEC_TYPE = ["tuple(bytes32 codeHash, bytes callData, bytes32 returnHash)"];
const DECIMALS = new Interface(["function decimals() view returns (uint8)"]).encodeFunctionData("decimals");
const EIGHTEEN = keccak256(zeroPadValue("0x12", 32));

describe("CodeVerifier", () => {
  let scene: JobScene;
  let verifier: CodeVerifier;
  let deployed: string;
  let spec: { codeHash: string; callData: string; returnHash: string };
  let restore: () => Promise<void>;

  before(async () => {
    scene = await JobScene.start();
    verifier = await scene.deploy<CodeVerifier>("CodeVerifier");
    deployed = await (await scene.deploy<TestToken>("TestToken")).getAddress();
    spec = { codeHash: keccak256(await codeAt(deployed)), callData: DECIMALS, returnHash: EIGHTEEN };
    restore = await scene.mark();
  });
  afterEach(() => restore());
  after(() => scene.stop());

  const codeAt = (address: string): Promise<string> => scene.connection.ethers.provider.getCode(address);
  const encode = (of: CodeSpecStruct): string => AbiCoder.defaultAbiCoder().encode(SPEC_TYPE, [of]);
  const word = (address: string): string => zeroPadValue(address, 32);
  const verify = (deliverable: string, asked = spec, brought = encode(asked)) => verifier.verify(1n, ZeroAddress, deliverable, keccak256(encode(asked)), brought);
  /** A contract with this code, whatever it does. */
  async function place(code: string): Promise<string> {
    const address = "0x00000000000000000000000000000000000c0de5";
    await scene.connection.networkHelpers.setCode(address, code);
    return address;
  }

  it("verify: says yes to the code that was asked for, wherever it is", async () => {
    expect(await verify(word(deployed))).to.equal(true);
    const again = await (await scene.deploy<TestToken>("TestToken")).getAddress();
    expect(await verify(word(again))).to.equal(true);
    expect(await verifier.specHashOf(spec)).to.equal(keccak256(encode(spec)));
  });

  it("verify: refuses other code, no code, and what is no address", async () => {
    const other = await (await scene.deploy("FeeToken")).getAddress();
    expect(await errorOf(verify(word(other)))).to.equal("WrongCode");
    expect(await errorOf(verify(word(scene.of("provider"))))).to.equal("WrongCode");
    expect(await errorOf(verify(`0x01${word(deployed).slice(4)}`))).to.equal("NotAnAddress");
  });

  it("verify: refuses accounts without code, whichever hash is asked for", async () => {
    const empty = { ...spec, callData: "0x", returnHash: keccak256("0x") };
    expect(await errorOf(verify(word(`0x${"99".repeat(20)}`), { ...empty, codeHash: ZeroHash }))).to.equal("WrongCode");
    expect(await errorOf(verify(word(scene.of("provider")), { ...empty, codeHash: keccak256("0x") }))).to.equal("WrongCode");
  });

  it("verify: refuses a specification that is not the one of the job", async () => {
    expect(await errorOf(verify(word(deployed), spec, encode({ ...spec, callData: "0x" })))).to.equal("WrongSpec");
    expect(await errorOf(verify(word(deployed), spec, "0x"))).to.not.equal("none");
  });

  it("verify: refuses another answer, and a call that fails", async () => {
    expect(await errorOf(verify(word(deployed), { ...spec, returnHash: ZeroHash }))).to.equal("WrongAnswer");
    expect(await errorOf(verify(word(deployed), { ...spec, callData: "0x12345678" }))).to.equal("CallFailed");
  });

  for (const [what, code, error] of [
    // PUSH2 4097 PUSH0 RETURN
    ["answers with one byte too many", "0x6110015ff3", "ReturnTooLong"],
    // PUSH3 100000 PUSH0 REVERT
    ["reverts with a bomb", "0x620186a05ffd", "CallFailed"],
    // JUMPDEST PUSH0 JUMP
    ["burns all its gas", "0x5b5f56", "CallFailed"],
    // PUSH1 1 PUSH0 SSTORE
    ["changes state", "0x60015f55", "CallFailed"],
  ] as const) {
    it(`verify: refuses a contract that ${what}`, async () => {
      const address = await place(code);
      const asked = { codeHash: keccak256(code), callData: "0x", returnHash: keccak256("0x") };
      expect(await errorOf(verify(word(address), asked))).to.equal(error);
    });
  }

  it("verify: takes an answer of 4,096 bytes, and of none", async () => {
    for (const [code, length] of [["0x6110005ff3", 4_096], ["0x00", 0]] as const) {
      const address = await place(code);
      expect(await verify(word(address), { codeHash: keccak256(code), callData: "0x", returnHash: keccak256(`0x${"00".repeat(length)}`) })).to.equal(true);
    }
  });

  it("verify: with little gas says neither yes nor no", async () => {
    const call = verifier.verify(1n, ZeroAddress, word(deployed), keccak256(encode(spec)), encode(spec), { gasLimit: 300_000 });
    expect(await errorOf(call)).to.equal("TooLittleGas");
  });

  it("check: tells a provider whether it will be paid", async () => {
    await verifier.check(deployed, spec);
    expect(await errorOf(verifier.check(deployed, { ...spec, codeHash: ZeroHash }))).to.equal("WrongCode");
  });

  it("a job: is paid to whom was hired, when anyone shows the contract", async () => {
    const options = { evaluator: await verifier.getAddress(), terms: { isVerified: true, arbiter: ZeroAddress, specHash: keccak256(encode(spec)) } };
    const jobId = await scene.funded(options);
    await scene.as("provider").submit(jobId, word(deployed), "0x");
    expect(await errorOf(scene.as("stranger").completeVerified(jobId, encode({ ...spec, returnHash: ZeroHash })))).to.equal("WrongSpec");
    await scene.as("stranger").completeVerified(jobId, encode(spec));
    expect(await scene.credits()).to.deep.equal({ provider: 9_750n, treasury: 250n });
  });
});
