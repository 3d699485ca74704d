// A web service as anybody would write it: it knows nothing of payments.
import { createServer } from "node:http";

let served = 0;

createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, "http://localhost");
  const json = (status, body) => {
    const text = JSON.stringify(body);
    response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
    response.end(text);
  };
  if (pathname === "/count") return json(200, { served });
  if (pathname === "/fail") return json(500, { error: "broken" });
  if (pathname === "/stream") {
    response.writeHead(200, { "content-type": "text/event-stream" });
    let number = 0;
    const timer = setInterval(() => {
      response.write(`data: {"number":${(number += 1)}}\n\n`);
      if (number < 3) return;
      clearInterval(timer);
      response.end();
    }, 20);
    return undefined;
  }
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    served += 1;
    json(200, { path: pathname, number: searchParams.get("n"), said: Buffer.concat(pieces).toString(), payer: request.headers["agnt2-payer"] ?? null });
  });
  return undefined;
}).listen(Number(process.argv[2]), "127.0.0.1");
