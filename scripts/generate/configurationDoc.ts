import { configMarkdown } from "../../runtime/config/printConfig.ts";
import { apiSettings } from "../../services/api/config.ts";
import { challengerSettings } from "../../services/challenger/config.ts";
import { facilitatorSettings } from "../../services/facilitator/config.ts";
import { proberSettings } from "../../services/prober/config.ts";
import { sequencerSettings } from "../../services/sequencer/config.ts";
import { watchtowerSettings } from "../../services/watchtower/config.ts";
import { sidecarSettings } from "../../sidecar/config.ts";
import type { GeneratedFile } from "./Protocol.ts";

/** docs/CONFIGURATION.md: the settings of every service, from the tables that the services read. */
export function generateConfigurationDoc(): GeneratedFile[] {
  const text = [
    "# Configuration",
    "",
    "Generated from the tables in `services/*/config.ts` and `sidecar/config.ts` by `npm run generate`. A flag (`--data-dir`) wins over the environment, that over the JSON file that `SEQUENCER_CONFIG`, `API_CONFIG`, `CHALLENGER_CONFIG`, `WATCHTOWER_CONFIG`, `PROBER_CONFIG` or `FACILITATOR_CONFIG` names, that over the default. Secrets are shown as `***` wherever settings are printed.",
    "",
    "## Sequencer (`node services/sequencer/main.ts`)",
    "",
    configMarkdown(sequencerSettings).trim(),
    "",
    "## API and replica (`node services/api/main.ts`)",
    "",
    configMarkdown(apiSettings).trim(),
    "",
    "## Challenger (`node services/challenger/main.ts`)",
    "",
    configMarkdown(challengerSettings).trim(),
    "",
    "## Watchtower (`node services/watchtower/main.ts`)",
    "",
    configMarkdown(watchtowerSettings).trim(),
    "",
    "## Prober (`node services/prober/main.ts`)",
    "",
    configMarkdown(proberSettings).trim(),
    "",
    "## Facilitator (`node services/facilitator/main.ts`)",
    "",
    configMarkdown(facilitatorSettings).trim(),
    "",
    "## Sidecar (`npx agnt2 sidecar`, `node sidecar/main.ts`)",
    "",
    "The file that `--config` or `SIDECAR_CONFIG` names is YAML (or JSON, which is a part of it): settings by the names of their flags in camel case, and `routes` as [SIDECAR.md](SIDECAR.md) section 6 has them.",
    "",
    configMarkdown(sidecarSettings).trim(),
    "",
  ].join("\n");
  return [{ path: "docs/CONFIGURATION.md", text }];
}
