/** A strict reading of a JSON schema: an answer with a field that it does not name is wrong too. */
export function sealedSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(sealedSchema);
  if (typeof schema !== "object" || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, sealedSchema(value)]));
  const isClosable = copy["type"] === "object" && copy["properties"] !== undefined && copy["additionalProperties"] === undefined;
  return isClosable ? { ...copy, additionalProperties: false } : copy;
}
