import { createSign, generateKeyPairSync } from "node:crypto";

/** A certificate that signs itself, and its key, both PEM. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
}

function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const length = content.length < 128 ? [content.length] : content.length < 256 ? [0x81, content.length] : [0x82, content.length >> 8, content.length & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

const OID = {
  commonName: "0603550403",
  ecdsaWithSha256: "06082a8648ce3d040302",
  subjectAltName: "0603551d11",
} as const;

const oid = (name: keyof typeof OID): Buffer => Buffer.from(OID[name], "hex");
const time = (date: Date): Buffer => der(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, "").slice(2, 14)}Z`));

/** For localhost and 127.0.0.1 (X.509, RFC 5280; P-256), good from yesterday to tomorrow. */
export function testCertificate(): TestCertificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = der(0x30, oid("ecdsaWithSha256"));
  const name = der(0x30, der(0x31, der(0x30, oid("commonName"), der(0x0c, Buffer.from("localhost")))));
  const now = Date.now();
  const names = der(0x30, der(0x82, Buffer.from("localhost")), der(0x87, Buffer.from([127, 0, 0, 1])));
  const body = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    algorithm,
    name,
    der(0x30, time(new Date(now - 86_400_000)), time(new Date(now + 86_400_000))),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, der(0x30, der(0x30, oid("subjectAltName"), der(0x04, names)))),
  );
  const signature = createSign("sha256").update(body).sign(privateKey);
  const certificate = der(0x30, body, algorithm, der(0x03, Buffer.from([0]), signature));
  const lines = certificate.toString("base64").match(/.{1,64}/g)!.join("\n");
  return { cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`, key: privateKey.export({ type: "pkcs8", format: "pem" }).toString() };
}
