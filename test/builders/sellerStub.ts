import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

import type { PaymentRequired, PaymentRequirements } from "@x402/core/types";
import { decodePaymentSignatureHeader, encodePaymentRequiredHeader, encodePaymentResponseHeader } from "@x402/core/http";

export const STUB_NETWORK = "eip155:31337";
export const STUB_ASSET = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
export const STUB_PAYEE = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

/** What a seller asks in these tests, but for what a test changes. */
export function stubRequirement(change: Partial<PaymentRequirements> = {}): PaymentRequirements {
  return { scheme: "exact", network: STUB_NETWORK, asset: STUB_ASSET, amount: "1000", payTo: STUB_PAYEE, maxTimeoutSeconds: 60, extra: { name: "Test Dollar", version: "1" }, ...change };
}

export function stubOffer(url: string, accepts: readonly PaymentRequirements[], error?: string): PaymentRequired {
  return { x402Version: 2, resource: { url }, accepts: [...accepts], ...(error === undefined ? {} : { error }) };
}

/** A payment as the stub saw it. */
export interface SeenPayment {
  readonly accepted: PaymentRequirements;
  readonly nonce: string;
  readonly value: string;
  readonly to: string;
  readonly validBefore: number;
}

export interface SellerStub {
  readonly origin: string;
  readonly port: number;
  /** Each payment that came, in order, also repeated ones. */
  readonly payments: SeenPayment[];
  /** Requests in all. */
  requests: number;
  /** What it asks; may be changed while it runs. */
  accepts: PaymentRequirements[];
  stop(): Promise<void>;
}

export interface StubExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly payment: SeenPayment | undefined;
  readonly stub: SellerStub;
  /** Answers 402 with what is asked now. */
  ask(error?: string): void;
  /** Answers as if the money had moved. */
  sell(status?: number, body?: string, headers?: Record<string, string>): void;
}

function read(request: IncomingMessage): SeenPayment | undefined {
  const header = request.headers["payment-signature"];
  if (header === undefined) return undefined;
  const { accepted, payload } = decodePaymentSignatureHeader(String(header));
  const { nonce, value, to, validBefore } = payload["authorization"] as { nonce: string; value: string; to: string; validBefore: string };
  return { accepted, nonce, value, to, validBefore: Number(validBefore) };
}

/** A seller that does what a test says; by default it asks, and answers whoever pays what it asks now. No chain is behind it. */
export async function startSellerStub(behave?: (exchange: StubExchange) => void | Promise<void>): Promise<SellerStub> {
  const sockets = new Set<Socket>();
  const honest = ({ payment, stub, ask, sell }: StubExchange): void => {
    const isTaken = payment !== undefined && stub.accepts.some((asked) => JSON.stringify(asked) === JSON.stringify(payment.accepted));
    if (isTaken) sell();
    else ask(payment === undefined ? undefined : "payment/unknown-requirement");
  };
  const server: Server = createServer((request, response) => {
    stub.requests += 1;
    const payment = read(request);
    if (payment !== undefined) stub.payments.push(payment);
    const exchange: StubExchange = {
      request, response, payment, stub,
      ask: (error) => response.writeHead(402, { "payment-required": encodePaymentRequiredHeader(stubOffer(`${stub.origin}${request.url}`, stub.accepts, error)) }).end("pay"),
      sell: (status = 200, body = "sold", headers = {}) => {
        const settled = encodePaymentResponseHeader({ success: true, transaction: `0x${"11".repeat(32)}`, network: STUB_NETWORK, payer: "" });
        response.writeHead(status, { "content-length": Buffer.byteLength(body), "payment-response": settled, ...headers }).end(body);
      },
    };
    request.resume();
    void (async () => (behave ?? honest)(exchange))();
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const stub: SellerStub = {
    origin: `http://127.0.0.1:${port}`, port, payments: [], requests: 0, accepts: [stubRequirement()],
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
  return stub;
}
