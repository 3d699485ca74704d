import tseslint from "typescript-eslint";

import { importDirection } from "./scripts/eslint/importDirection.ts";

const IMPURE = "core/ is pure: the caller passes in what it needs.";

/** Only `config.ts` files read the environment, only programs exit. */
const processUse = {
  env: { object: "process", property: "env", message: "Only config.ts files read the environment." },
  exit: { object: "process", property: "exit", message: "Only main.ts, the CLI and scripts end the process." },
};

const syntax = {
  interfacePrefix: {
    selector: "TSInterfaceDeclaration[id.name=/^I[A-Z][a-z]/]",
    message: "No I prefix on TypeScript interfaces.",
  },
  // The block is not empty for ESLint when it holds a comment; a comment is not a reaction.
  swallowedError: { selector: "CatchClause > BlockStatement[body.length=0]", message: "Do not swallow errors." },
};

export default tseslint.config(
  {
    ignores: [
      "node_modules/",
      "artifacts/",
      "cache/",
      "typechain-types/",
      "dist/",
      "coverage/",
      "deployments/",
      "**/assembly/**",
      "**/generated/**",
    ],
  },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.recommended],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/await-thenable": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
    },
  },
  {
    files: ["**/*.ts", "**/*.mjs", "**/*.js"],
    plugins: { agnt2: { rules: { "import-direction": importDirection } } },
    rules: {
      "agnt2/import-direction": "error",
      "max-lines": ["error", { max: 500 }],
      "no-empty": "error",
      "no-var": "error",
      "prefer-const": "error",
      eqeqeq: "error",
      "no-restricted-syntax": ["error", syntax.interfacePrefix, syntax.swallowedError],
      "no-restricted-properties": ["error", processUse.env, processUse.exit],
      "no-warning-comments": ["error", { terms: ["todo", "fixme", "xxx", "hack"], location: "anywhere" }],
    },
  },
  {
    files: ["**/main.ts", "cli/**", "scripts/**"],
    rules: { "no-restricted-properties": ["error", processUse.env] },
  },
  { files: ["**/config.ts", "**/*.config.ts"], rules: { "no-restricted-properties": ["error", processUse.exit] } },
  { files: ["test/**", "scripts/bootstrap.mjs"], rules: { "no-restricted-properties": "off" } },
  {
    files: ["core/**/*.ts"],
    rules: {
      "no-restricted-globals": [
        "error",
        ...["process", "Date", "performance", "setTimeout", "setInterval", "crypto", "fetch", "console"].map((name) => ({
          name,
          message: IMPURE,
        })),
      ],
      "no-restricted-properties": ["error", { object: "Math", property: "random", message: IMPURE }],
      "no-restricted-syntax": [
        "error",
        syntax.interfacePrefix,
        syntax.swallowedError,
        { selector: ":function[async=true]", message: IMPURE },
        { selector: "AwaitExpression", message: IMPURE },
      ],
    },
  },
  {
    // Chai's property assertions (`expect(x).to.be.true`) are expressions.
    files: ["test/**/*.ts"],
    rules: { "@typescript-eslint/no-unused-expressions": "off" },
  },
);
