import { expect } from "chai";
import { ZeroAddress, ZeroHash, id } from "ethers";
import type { ContractTransactionResponse } from "ethers";

import type { ValidationRegistry } from "../../../typechain-types/index.ts";
import { createRegistryScene } from "../../builders/registryScene.ts";
import type { RegistryScene } from "../../builders/registryScene.ts";

const [OWNER, VALIDATOR, OTHER, STRANGER] = [1, 5, 6, 9] as const;
const AGENT = 0;
const REQUEST = id("request");

describe("ValidationRegistry", () => {
  let scene: RegistryScene;
  let validation: ValidationRegistry;
  before(async () => {
    scene = await createRegistryScene();
    ({ validation } = scene);
  });
  beforeEach(() => scene.identity.connect(signer(OWNER))["register()"]());
  afterEach(() => scene.restore());
  after(() => scene.close());

  const signer = (index: number) => scene.signers[index]!;
  const address = (index: number): string => signer(index).address;
  const as = (index: number): ValidationRegistry => validation.connect(signer(index));
  const ask = (hash = REQUEST, validator: number = VALIDATOR): Promise<ContractTransactionResponse> => as(OWNER).validationRequest(address(validator), AGENT, "ipfs://work", hash);
  const answer = (response: number, tag = "", hash = REQUEST, by: number = VALIDATOR): Promise<ContractTransactionResponse> => as(by).validationResponse(hash, response, "ipfs://answer", id("answer"), tag);
  const summary = async (validators: readonly number[] = [], tag = ""): Promise<bigint[]> => [...(await validation.getSummary(AGENT, validators.map(address), tag))] as bigint[];

  describe("validationRequest", () => {
    it("request: is told, and found by hash, agent and validator", async () => {
      await expect(ask()).to.emit(validation, "ValidationRequest").withArgs(address(VALIDATOR), AGENT, "ipfs://work", REQUEST);
      await ask(id("second"), OTHER);
      expect([...(await validation.getValidationStatus(REQUEST))].slice(0, 5)).to.deep.equal([address(VALIDATOR), 0n, 0n, ZeroHash, ""]);
      expect(await validation.getAgentValidations(AGENT)).to.deep.equal([REQUEST, id("second")]);
      expect(await validation.getValidatorRequests(address(VALIDATOR))).to.deep.equal([REQUEST]);
    });

    it("who acts for the agent: may ask, nobody else", async () => {
      const owned = scene.identity.connect(signer(OWNER));
      await owned.setApprovalForAll(address(2), true);
      await owned.approve(address(3), AGENT);
      for (const index of [2, 3]) await as(index).validationRequest(address(VALIDATOR), AGENT, "", id(`by ${index}`));
      for (const index of [0, VALIDATOR, STRANGER]) await expect(as(index).validationRequest(address(VALIDATOR), AGENT, "", REQUEST)).to.be.revertedWith("Not authorized");
    });

    it("agent that does not exist, validator zero: is refused", async () => {
      await expect(as(OWNER).validationRequest(address(VALIDATOR), 1, "", REQUEST)).to.be.revertedWithCustomError(scene.identity, "ERC721NonexistentToken").withArgs(1);
      await expect(as(OWNER).validationRequest(ZeroAddress, AGENT, "", REQUEST)).to.be.revertedWith("bad validator");
    });

    it("hash that is taken: is refused, for everybody and for ever; one that nobody can guess cannot be taken before", async () => {
      await scene.identity.connect(signer(STRANGER))["register()"]();
      // A squatter saw the hash in somebody's plan and asked itself first, with a validator of its own.
      await as(STRANGER).validationRequest(address(STRANGER), 1, "", REQUEST);
      await expect(ask()).to.be.revertedWith("exists");
      await expect(as(STRANGER).validationRequest(address(STRANGER), 1, "", REQUEST)).to.be.revertedWith("exists");
      await as(STRANGER).validationResponse(REQUEST, 0, "", ZeroHash, "");
      // It holds the hash for its own agent only, and says nothing about the other one.
      expect((await validation.getValidationStatus(REQUEST)).agentId).to.equal(1n);
      expect([await summary(), await validation.getAgentValidations(AGENT)]).to.deep.equal([[0n, 0n], []]);
      await ask(id("request with a random part"));
    });

    it("agent that was sold: is asked for by its new owner only", async () => {
      await scene.identity.connect(signer(OWNER)).transferFrom(address(OWNER), address(OTHER), AGENT);
      await expect(ask()).to.be.revertedWith("Not authorized");
      await as(OTHER).validationRequest(address(VALIDATOR), AGENT, "", REQUEST);
    });
  });

  describe("validationResponse", () => {
    it("named validator: answers, and the time of it is kept", async () => {
      await ask();
      const asked = (await validation.getValidationStatus(REQUEST)).lastUpdate;
      expect(asked).to.equal(BigInt(await scene.now()));
      await scene.connection.networkHelpers.time.increase(50);
      await expect(answer(100, "hard")).to.emit(validation, "ValidationResponse").withArgs(address(VALIDATOR), AGENT, REQUEST, 100, "ipfs://answer", id("answer"), "hard");
      expect([...(await validation.getValidationStatus(REQUEST))]).to.deep.equal([address(VALIDATOR), 0n, 100n, id("answer"), "hard", BigInt(await scene.now())]);
    });

    it("anybody else, an unknown hash, more than 100: is refused", async () => {
      await ask();
      for (const index of [0, OWNER, OTHER, STRANGER]) await expect(answer(100, "", REQUEST, index)).to.be.revertedWith("not validator");
      await expect(answer(100, "", id("never asked"))).to.be.revertedWith("unknown");
      for (const response of [101, 255]) await expect(answer(response)).to.be.revertedWith("resp>100");
      await expect(validation.getValidationStatus(id("never asked"))).to.be.revertedWith("unknown");
    });

    it("validator that flips: has its last word counted, once, also after the agent was sold", async () => {
      await ask();
      await answer(100, "a");
      await scene.identity.connect(signer(OWNER)).transferFrom(address(OWNER), address(OTHER), AGENT);
      await answer(0, "b");
      expect([await summary(), await summary([], "a"), await summary([], "b")]).to.deep.equal([[1n, 0n], [0n, 0n], [1n, 0n]]);
      await answer(40, "b");
      expect(await summary()).to.deep.equal([1n, 40n]);
    });
  });

  it("summary: counts answers only, by validator and tag, a validator named twice once", async () => {
    for (const [index, validator] of [VALIDATOR, VALIDATOR, OTHER, OTHER].entries()) await ask(id(String(index)), validator);
    await answer(0, "x", id("0"));
    await answer(75, "y", id("1"));
    await answer(100, "x", id("2"), OTHER);
    expect([await summary(), await summary([VALIDATOR]), await summary([VALIDATOR, VALIDATOR]), await summary([OTHER], "x"), await summary([OTHER], "y"), await summary([STRANGER])])
      .to.deep.equal([[3n, 58n], [2n, 37n], [2n, 37n], [1n, 100n], [0n, 0n], [0n, 0n]]);
  });

  it("registry: names the identities and the version that it stands for", async () => {
    expect(await validation.getIdentityRegistry()).to.equal(await scene.identity.getAddress());
    expect(await validation.getVersion()).to.equal("2.0.0");
  });
});
