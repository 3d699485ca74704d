import type { VectorFile } from "./Vector.ts";

/** One line a setup step and a part of a case, so that a difference shows where it is. */
export function formatVectorFile(file: VectorFile): string {
  const line = (value: unknown): string => JSON.stringify(value).replaceAll('":', '": ').replaceAll(',"', ', "').replaceAll("},{", "}, {");
  const setup = (file.setup ?? []).map((step) => `    ${line(step)}`);
  const cases = file.cases.map((vector) => {
    const parts = Object.entries(vector).map(([key, value]) => `      "${key}": ${line(value)}`);
    return `    {\n${parts.join(",\n")}\n    }`;
  });
  const parts = [`  "about": ${JSON.stringify(file.about)}`];
  if (setup.length > 0) parts.push(`  "setup": [\n${setup.join(",\n")}\n  ]`);
  parts.push(`  "cases": [\n${cases.join(",\n")}\n  ]`);
  return `{\n${parts.join(",\n")}\n}\n`;
}
