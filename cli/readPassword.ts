import { sdkError } from "../sdk/SdkError.ts";
import { readPasswordFile } from "../sdk/node/loadSigner.ts";

const CONTROL = { ctrlC: "\u0003", ctrlD: "\u0004", backspace: "\u007f", enter: "\r", newline: "\n" };

/** Asks on the terminal without showing what is typed. @throws SdkError `SDK_KEYSTORE` where there is no terminal */
async function askHidden(question: string): Promise<string> {
  const { stdin, stderr } = process;
  if (stdin.isTTY !== true) throw sdkError("SDK_KEYSTORE", "no password: set AGNT2_PASSWORD or AGNT2_PASSWORD_FILE, there is no terminal to ask on");
  stderr.write(question);
  stdin.setRawMode(true);
  stdin.resume();
  stdin.setEncoding("utf8");
  try {
    return await new Promise<string>((resolve, reject) => {
      let typed = "";
      const onData = (chunk: string): void => {
        for (const character of chunk) {
          const isDone = character === CONTROL.enter || character === CONTROL.newline || character === CONTROL.ctrlD;
          if (isDone || character === CONTROL.ctrlC) {
            stdin.off("data", onData);
            if (isDone) resolve(typed);
            else reject(sdkError("SDK_KEYSTORE", "cancelled"));
            return;
          }
          typed = character === CONTROL.backspace ? typed.slice(0, -1) : typed + character;
        }
      };
      stdin.on("data", onData);
    });
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write("\n");
  }
}

/** The keystore's password: from the environment, from a file, or asked for. */
export async function readPassword(given: { password: string | undefined; passwordFile: string | undefined }, isNew = false): Promise<string> {
  if (given.password !== undefined) return given.password;
  if (given.passwordFile !== undefined) return readPasswordFile(given.passwordFile);
  const password = await askHidden("Password: ");
  if (isNew && (await askHidden("Once more: ")) !== password) throw sdkError("SDK_KEYSTORE", "the two passwords differ");
  return password;
}
