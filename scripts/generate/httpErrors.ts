import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import ts from "typescript";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Servers whose refusals are written where they are made: status, code, message, and what to do. */
const SOURCES = ["services/sequencer/intake/HttpServer.ts", "scripts/demo/Faucet.ts"];
const CODE = /^([A-Z][A-Z_]+|faucet\/[a-zA-Z]+)$/;

/** Codes that are chosen by the status of an error from elsewhere. */
const BY_STATUS: readonly HttpErrorText[] = [
  { code: "BAD_REQUEST", status: "400", what: "the request cannot be read", todo: "correct the request" },
  { code: "TOO_LARGE", status: "413", what: "the request is larger than any may be", todo: "send one bundle a request" },
  { code: "INTERNAL", status: "500", what: "the server made a mistake", todo: "see the server's log; asking again may help" },
];

/** A refusal of a service over HTTP. */
export interface HttpErrorText {
  readonly code: string;
  readonly status: string;
  readonly what: string;
  readonly todo: string;
}

function plainText(node: ts.Expression | undefined): string {
  if (node === undefined) return "";
  if (ts.isStringLiteralLike(node)) return node.text;
  return ts.isTemplateExpression(node) ? node.head.text + node.templateSpans.map(({ literal }) => `‹…›${literal.text}`).join("") : "";
}

/** Every refusal that is made with a status and a code, once a code. */
export function readHttpErrors(): HttpErrorText[] {
  const found = new Map<string, HttpErrorText>(BY_STATUS.map((text) => [text.code, text]));
  for (const path of SOURCES) {
    const visit = (node: ts.Node): void => {
      ts.forEachChild(node, visit);
      if (!ts.isNewExpression(node) && !ts.isCallExpression(node)) return;
      const [status, code, what, todo] = node.arguments ?? [];
      if (status === undefined || !ts.isNumericLiteral(status) || code === undefined || !ts.isStringLiteralLike(code) || !CODE.test(code.text)) return;
      if (!found.has(code.text)) found.set(code.text, { code: code.text, status: status.text, what: plainText(what), todo: plainText(todo) });
    };
    visit(ts.createSourceFile(path, readFileSync(join(ROOT, path), "utf8"), ts.ScriptTarget.Latest, true));
  }
  return [...found.values()].sort((a, b) => (a.code < b.code ? -1 : 1));
}
