/** The load, in a process of its own: measures as it is told, always the same way. Started by `bench/sidecar.ts`. */
import type { LoadPlan } from "../BenchPlan.ts";
import { createBuyer } from "../createBuyer.ts";
import type { BenchBuyer, BuyerPlan } from "../createBuyer.ts";
import { runLoad } from "../runLoad.ts";

const buyers = new Map<string, BenchBuyer>();

interface LoadMessage {
  readonly name: string;
  readonly buyer?: BuyerPlan;
  readonly load?: Omit<LoadPlan, "payment">;
}

async function perform({ name, buyer, load }: LoadMessage): Promise<unknown> {
  if (buyer !== undefined) {
    buyers.set(name, await createBuyer(buyer));
    return { made: name };
  }
  const paying = buyers.get(name)!;
  const result = await runLoad(load!, paying.next, () => process.send?.({ begin: name }));
  await paying.settle();
  return { result: { ...result, paidBase: String(paying.paid()) } };
}

process.on("message", (message: LoadMessage) => {
  perform(message).then(
    (answer) => process.send?.(answer as object),
    (error: unknown) => process.send?.({ failed: String((error as Error).stack ?? error) }),
  );
});
process.on("disconnect", () => process.exit(0));
process.send?.({ ready: true });
