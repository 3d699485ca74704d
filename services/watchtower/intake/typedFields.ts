/** Fields of an EIP-712 type as `eth_signTypedData_v4` takes them. */
export function typedFields(type: string): { name: string; type: string }[] {
  const inner = type.slice(type.indexOf("(") + 1, -1);
  return inner.split(",").map((field) => {
    const [kind = "", name = ""] = field.split(" ");
    return { name, type: kind };
  });
}
