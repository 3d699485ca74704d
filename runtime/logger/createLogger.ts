import { pino } from "pino";

import { plainLine } from "./plainLine.ts";
import { redact, redactUrl } from "./redact.ts";
import type { Logger, LogLevel } from "./Logger.ts";

/** Where lines go; `isTTY` decides between plain text and JSON. */
export interface LogOutput {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

export interface LoggerOptions {
  readonly service: string;
  readonly level: LogLevel;
  readonly output: LogOutput;
  /** Overrides what `output.isTTY` says. */
  readonly format?: "plain" | "json";
}

/**
 * A structured logger: one JSON object a line, or plain text when a person is watching. Secrets are taken out by name and
 * from URLs, at every depth, in fields and in the message.
 */
export function createLogger(options: LoggerOptions): Logger {
  const plain = (options.format ?? (options.output.isTTY ? "plain" : "json")) === "plain";
  const stream = plain ? { write: (line: string) => void options.output.write(plainLine(line)) } : options.output;
  const logger = pino(
    {
      level: options.level,
      base: { service: options.service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => redact(fields) as Record<string, unknown>,
      },
      // An Error given in place of the fields arrives under `err`, redacted by the formatter above.
      serializers: { err: (error: unknown) => error },
      hooks: {
        logMethod(args, method) {
          // For an error alone pino takes its message for the line's, past the formatter.
          const [first, ...rest] = args as unknown[];
          const all = first instanceof Error && rest.length === 0 ? [first, first.message] : args;
          method.apply(this, all.map((arg) => (typeof arg === "string" ? redactUrl(arg) : arg)) as typeof args);
        },
      },
    },
    stream as { write(text: string): void },
  );
  // The fields of children do not go through the formatters; a child inherits this method for its own children.
  const child = logger.child;
  logger.child = function (this: typeof logger, bindings: object, childOptions?: object) {
    return child.call(this, redact(bindings) as typeof bindings, childOptions);
  } as typeof child;
  return logger as unknown as Logger;
}

/** A logger that says nothing, for tests and libraries. */
export const silentLogger: Logger = pino({ level: "silent" }) as unknown as Logger;
