const HIDDEN = new Set(["level", "time", "service", "msg"]);

function show(value: unknown): string {
  if (typeof value === "string") return /^[^\s"]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value) ?? "undefined";
}

/** Turns a line of JSON from the logger into one a person reads: time, level if it matters, service, sentence, fields. */
export function plainLine(json: string): string {
  const line = JSON.parse(json) as Record<string, unknown>;
  const time = String(line["time"]).slice(11, 19);
  const level = line["level"] === "info" ? "" : ` ${String(line["level"]).toUpperCase()}`;
  let stack = "";
  const fields = Object.entries(line)
    .filter(([name]) => !HIDDEN.has(name))
    .map(([name, value]) => {
      if (typeof value === "object" && value !== null && "stack" in value && "message" in value) {
        if (line["level"] === "error") stack = `\n${String(value.stack)}`;
        return `${name}=${show(value.message)}`;
      }
      return `${name}=${show(value)}`;
    });
  return `${time}${level} ${String(line["service"])}: ${[line["msg"] ?? "", ...fields].filter((part) => part !== "").join(" ")}${stack}\n`;
}
