import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";

import { temporaryFolder } from "./loneCore.ts";

/** A file system of its own in a folder, so small that a test can fill it. */
export interface SmallDisk {
  resize(mib: number): void;
  remove(): void;
}

/** @throws when this process may not mount: root may */
export function mountSmallDisk(dir: string, mib: number): SmallDisk {
  mkdirSync(dir, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${mib}m`, "tmpfs", dir], { stdio: "ignore" });
  return {
    resize: (newMib) => void execFileSync("mount", ["-o", `remount,size=${newMib}m`, dir]),
    remove: () => void execFileSync("umount", ["-l", dir]),
  };
}

/** Whether this process may mount. */
export function canMount(): boolean {
  const { path, remove } = temporaryFolder("mount");
  try {
    mountSmallDisk(path, 1).remove();
    return true;
  } catch {
    return false;
  } finally {
    remove();
  }
}
