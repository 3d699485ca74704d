import { expect } from "chai";

import { CodedError, hasErrorCode, toError } from "../../../runtime/errors/CodedError.ts";

type Errors = { "shop/closed": { readonly opensAt: number } };
class ShopError<K extends keyof Errors = keyof Errors> extends CodedError<Errors, K> {}

describe("CodedError", () => {
  const error = new ShopError("shop/closed", { opensAt: 8 }, "retry", { what: "The shop is closed", why: "It is night", todo: "Come at 8" });

  it("message: says what, why and what to do when all three are given", () => {
    expect(error.message).to.equal("The shop is closed. It is night. Come at 8.");
  });

  it("code: is told apart from other errors when asked for", () => {
    expect(hasErrorCode(error)).to.equal(true);
    expect(hasErrorCode(error, "shop/closed")).to.equal(true);
    expect(hasErrorCode(error, "shop/open")).to.equal(false);
    expect(hasErrorCode(new Error("shop/closed"))).to.equal(false);
  });

  it("JSON: carries code, reaction and payload when it is sent", () => {
    expect(JSON.parse(JSON.stringify(error))).to.deep.equal({ code: "shop/closed", reaction: "retry", message: error.message, payload: { opensAt: 8 } });
    expect(error.name).to.equal("ShopError");
  });

  it("toError: wraps a thrown text when it is no error", () => {
    expect(toError("lost").message).to.equal("lost");
    expect(toError(error)).to.equal(error);
  });
});
