import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import ts from "typescript";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const AREAS = ["core", "runtime", "derivation", "services", "deploy", "sdk", "sidecar"];
const CODE = /^[a-zA-Z0-9]+\/[a-zA-Z0-9-]+$/;
const REACTIONS = ["retry", "reject", "stop"];

/** What the sources say of one error code of the form `area/name`. */
export interface CatalogEntry {
  readonly code: string;
  readonly reactions: readonly string[];
  readonly whats: readonly string[];
  readonly todos: readonly string[];
}

interface Draft {
  readonly reactions: Set<string>;
  readonly whats: Set<string>;
  readonly todos: Set<string>;
}

function sourceFiles(): ts.SourceFile[] {
  return AREAS.flatMap((area) =>
    readdirSync(join(ROOT, area), { recursive: true })
      .map((name) => join(ROOT, area, String(name)))
      .filter((path) => path.endsWith(".ts"))
      .sort()
      .map((path) => ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true)),
  );
}

/** The text of a literal, with the expressions of a template in ‹ ›; undefined for anything else. */
function textOf(node: ts.Expression): string | undefined {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return undefined;
  const spans = node.templateSpans.map(({ expression, literal }) => `‹${lastName(expression)}›${literal.text}`);
  return node.head.text + spans.join("");
}

/** The name that says most about an expression: `error.message` is its message. */
function lastName(node: ts.Expression): string {
  return /([a-zA-Z]\w*)(?=[^a-zA-Z]*$)/.exec(node.getText())?.[1] ?? "…";
}

function visit(node: ts.Node, use: (node: ts.Node) => void): void {
  use(node);
  ts.forEachChild(node, (child) => visit(child, use));
}

function codeOfName(name: ts.PropertyName | undefined): string | undefined {
  return name !== undefined && ts.isStringLiteralLike(name) && CODE.test(name.text) ? name.text : undefined;
}

/** Comments before a declaration, without their marks. */
function commentOf(node: ts.Node): string | undefined {
  const text = node.getSourceFile().text;
  const leading = ts.getLeadingCommentRanges(text, node.getFullStart())?.at(-1);
  const trailing = ts.getTrailingCommentRanges(text, node.getEnd())?.[0];
  const range = leading ?? trailing;
  if (range === undefined) return undefined;
  return text.slice(range.pos, range.end).replace(/^\/\*\*?|^\/\/|\*\/$/g, "").replace(/\s*\n\s*\*\s?/g, " ").trim();
}

/** Every code that a catalog type, a table of texts or a union of codes declares, with what its throw sites say. */
export function readErrorCatalogs(): CatalogEntry[] {
  const drafts = new Map<string, Draft>();
  const draftOf = (code: string): Draft => {
    const found = drafts.get(code) ?? { reactions: new Set(), whats: new Set(), todos: new Set() };
    drafts.set(code, found);
    return found;
  };
  const addText = (draft: Draft, object: ts.ObjectLiteralExpression): void => {
    for (const property of object.properties) {
      if (!ts.isPropertyAssignment(property)) continue;
      const text = textOf(property.initializer);
      const name = property.name.getText();
      if (text === undefined || text === "") continue;
      if (name === "what" || name === "why" || name === "text") draft.whats.add(text);
      else if (name === "todo") draft.todos.add(text);
      else if (name === "reaction") draft.reactions.add(text);
    }
  };
  const files = sourceFiles();
  for (const file of files.filter(({ fileName }) => /[eE]rrors?\.ts$/.test(fileName))) {
    visit(file, (node) => {
      if (ts.isPropertySignature(node)) {
        const code = codeOfName(node.name);
        const comment = commentOf(node);
        if (code !== undefined) draftOf(code);
        if (code !== undefined && comment !== undefined) draftOf(code).whats.add(comment);
      } else if (ts.isPropertyAssignment(node) && ts.isObjectLiteralExpression(node.initializer)) {
        const code = codeOfName(node.name);
        if (code !== undefined) addText(draftOf(code), node.initializer);
      } else if (ts.isLiteralTypeNode(node) && ts.isStringLiteral(node.literal) && CODE.test(node.literal.text) && ts.isUnionTypeNode(node.parent)) {
        const comment = commentOf(node);
        const draft = draftOf(node.literal.text);
        if (comment !== undefined) draft.whats.add(comment);
      }
    });
  }
  for (const file of files) {
    visit(file, (node) => {
      if (!ts.isNewExpression(node) && !ts.isCallExpression(node)) return;
      const [first, ...rest] = node.arguments ?? [];
      if (first === undefined || !ts.isStringLiteralLike(first) || !drafts.has(first.text)) return;
      const draft = draftOf(first.text);
      for (const argument of rest) {
        if (ts.isStringLiteralLike(argument) && REACTIONS.includes(argument.text)) draft.reactions.add(argument.text);
        if (ts.isObjectLiteralExpression(argument) && argument.properties.some((property) => property.name?.getText() === "what")) {
          const own: Draft = { reactions: new Set(), whats: new Set(), todos: new Set() };
          addText(own, argument);
          if (own.whats.size > 0) draft.whats.add([...own.whats].join(". "));
          for (const todo of own.todos) draft.todos.add(todo);
        }
      }
    });
  }
  return [...drafts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { reactions, whats, todos }]) => ({ code, reactions: [...reactions].sort(), whats: [...whats], todos: [...todos] }));
}
