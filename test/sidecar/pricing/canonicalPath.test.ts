import { expect } from "chai";

import { canonicalPath, PATH_PROBLEMS } from "../../../sidecar/pricing/canonicalPath.ts";

describe("paths that prices are matched against", () => {
  const READ: readonly (readonly [string, string])[] = [
    ["/", "/"],
    ["/?a=..//", "/"],
    ["/a", "/a"],
    ["/a/", "/a"],
    ["/a/?x=%2f", "/a"],
    ["/Translate", "/translate"],
    ["/%74ranslate", "/translate"],
    ["/%54RANSLATE/", "/translate"],
    ["/a;v=1/b;w", "/a/b"],
    ["/a%3bv=1", "/a"],
    ["/a%20b", "/a b"],
    ["/caf%c3%a9", "/caf\u00c3\u00a9"],
    ["/100%25", "/100%"],
    ["/.well-known/agent-card.json", "/.well-known/agent-card.json"],
    ["/a.b/..c/c..", "/a.b/..c/c.."],
    ["/a*b:c", "/a*b:c"],
  ];
  for (const [target, path] of READ) {
    it(`canonicalPath: reads ${target} as ${JSON.stringify(path)}`, () => expect(canonicalPath(target)).to.equal(path));
  }

  const REFUSED: readonly string[] = [
    "", "*", "a", "http://other/a", "//", "//a", "/a//b", "/a//", "/.", "/..", "/...", "/../a", "/a/..", "/a/../b", "/a/./b", "/a/..?x", "/..;/a", "/a/..;x=1/b", "/a/..%3bx/b", "/%20/a",
    "/a/..%20/b", "/;/a", "/a/;b/c", "/;x", "/a\\b", "/a%5cb", "/a%5Cb", "/%2e%2e/a", "/%2E/a", "/a%2fb", "/a%2Fb", "/a%00", "/a%0a", "/a%1f", "/a%7f", "/%252e%252e/a", "/%25%32%65", "/a%2525", "/a%",
    "/a%2", "/a%zz", "/a%2g", "/%c0%ae", "/%C1%9c", "/%f5%80", "/%ff", "/a#b", "/a?x#y", "/a b", "/a\tb", "/a\0b", "/a\x7fb", "/caf\u00e9", "/\uff0fa", "/a?x=\u00e9", "/a?x=\r\n",
  ];
  for (const target of REFUSED) {
    it(`canonicalPath: refuses ${JSON.stringify(target)}`, () => {
      const read = canonicalPath(target);
      expect(typeof read).to.equal("object");
      expect(PATH_PROBLEMS).to.include(read);
    });
  }

  it("canonicalPath: reads every spelling of a path alike, and its own result as itself", () => {
    const spell = (path: string, seed: number): string =>
      [...path].map((letter, at) => (letter === "/" || letter === "." ? letter : [letter, letter.toUpperCase(), `%${letter.charCodeAt(0).toString(16).padStart(2, "0")}`][(seed >> at % 16) % 3]!)).join("");
    for (const path of ["/translate", "/a/b/c", "/v1/models.json", "/x-y_z~1"]) {
      expect(canonicalPath(path)).to.equal(path);
      for (let seed = 1; seed < 2_000; seed += 7) for (const tail of ["", "/", "?q", "/?q", ";p"]) expect(canonicalPath(spell(path, seed) + tail)).to.equal(path);
    }
  });

  it("canonicalPath: takes no longer for a longer line than for its length", () => {
    const read = canonicalPath(`/${"a%41;x/".repeat(50_000)}`);
    expect(read).to.equal(`/${"aa/".repeat(50_000).slice(0, -1)}`);
  });
});
