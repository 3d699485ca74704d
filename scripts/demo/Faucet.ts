import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";

import { Contract, isAddress, parseEther } from "ethers";
import type { JsonRpcProvider, JsonRpcSigner } from "ethers";

import type { Deployment } from "../../chain/Deployment.ts";

const MAX_GIFT = parseEther("100");
const DEFAULT_GIFT = parseEther("10");
const MAX_BODY_BYTES = 1_000;
const TEST_TOKEN_ABI = ["function mint(address to, uint256 amount)"];

/** Gives test money on the local L1 to whoever asks: `POST /v1/faucet {"address":"0x…","amountBase":"…"}`. */
export class Faucet {
  readonly url: string;
  readonly #server: Server;
  readonly #signer: JsonRpcSigner;
  readonly #deployment: Deployment;
  /** One transaction after the other: the account's nonces stay in order. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(server: Server, url: string, signer: JsonRpcSigner, deployment: Deployment) {
    this.#server = server;
    this.url = url;
    this.#signer = signer;
    this.#deployment = deployment;
  }

  static async start(provider: JsonRpcProvider, deployment: Deployment, port: number): Promise<Faucet> {
    // The last of the node's own accounts: the others are taken by the deployment and the services.
    const accounts = (await provider.send("eth_accounts", [])) as string[];
    const signer = await provider.getSigner(accounts.at(-1)!);
    const server = createServer();
    const faucet = new Faucet(server, `http://127.0.0.1:${port}`, signer, deployment);
    server.on("request", (request: IncomingMessage, response: ServerResponse) => void faucet.#answer(request, response));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", resolve);
    });
    return faucet;
  }

  /** Sends ETH, and test tokens where those are the chain's asset. Returns the transaction's hash. */
  give(address: string, amountBase: bigint): Promise<string> {
    const { asset } = this.#deployment.contracts;
    const work = this.#last.then(async () => {
      const ethWei = asset === undefined ? amountBase : DEFAULT_GIFT;
      const sent = await this.#signer.sendTransaction({ to: address, value: ethWei });
      await sent.wait();
      if (asset !== undefined) {
        const minted = (await new Contract(asset, TEST_TOKEN_ABI, this.#signer).getFunction("mint")(address, amountBase)) as { wait(): Promise<unknown> };
        await minted.wait();
      }
      return sent.hash;
    });
    this.#last = work.catch(() => undefined);
    return work;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = (status: number, body: object): void => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    const refuse = (status: number, code: string, message: string): void => reply(status, { error: { code, message } });
    try {
      if (request.method !== "POST" || request.url !== "/v1/faucet") return refuse(404, "faucet/unknownRoute", "the faucet only knows POST /v1/faucet");
      let text = "";
      for await (const chunk of request.setEncoding("utf8")) {
        text += String(chunk);
        if (text.length > MAX_BODY_BYTES) return refuse(413, "faucet/badRequest", "the request is too long");
      }
      let body: { address?: unknown; amountBase?: unknown };
      try {
        body = JSON.parse(text) as typeof body;
      } catch (error) {
        return refuse(400, "faucet/badRequest", `the request is no JSON: ${String(error)}`);
      }
      const amount = typeof body.amountBase === "string" && /^\d{1,30}$/.test(body.amountBase) ? BigInt(body.amountBase) : DEFAULT_GIFT;
      if (!isAddress(body.address)) return refuse(400, "faucet/badRequest", "`address` must be a 0x address");
      if (amount > MAX_GIFT) return refuse(400, "faucet/badRequest", `the faucet gives at most ${MAX_GIFT} base units at once`);
      return reply(200, { transactionHash: await this.give(body.address, amount) });
    } catch (error) {
      return refuse(500, "faucet/failed", error instanceof Error ? error.message : String(error));
    }
  }
}
