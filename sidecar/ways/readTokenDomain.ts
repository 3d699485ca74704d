import { Contract } from "ethers";
import type { Provider } from "ethers";

/** What buyers sign payments in a token under, beside chain and address. */
export interface TokenDomain {
  readonly name: string;
  readonly version: string;
}

const TOKEN = ["function name() view returns (string)", "function version() view returns (string)", "function eip712Domain() view returns (bytes1, string, string, uint256, address, bytes32, uint256[])"];
const MAX_TEXT = 200;

/** The EIP-712 domain of a token: by EIP-5267 where it has that (its name need not be the token's), otherwise by `name` and `version`. */
export async function readTokenDomain(provider: Provider, asset: string): Promise<TokenDomain> {
  const token = new Contract(asset, TOKEN, provider);
  let domain: TokenDomain;
  try {
    const [, name, version] = (await token.getFunction("eip712Domain")()) as [string, string, string];
    domain = { name, version };
  } catch {
    // No EIP-5267. An outage fails here as well.
    domain = { name: (await token.getFunction("name")()) as string, version: (await token.getFunction("version")()) as string };
  }
  if (domain.name.length > MAX_TEXT || domain.version.length > MAX_TEXT) throw new Error(`the token ${asset} has a name or version that nobody would sign`);
  return domain;
}
