/** What is agreed on and signed by one side or both; parts that are not there yet are empty. By side. */
export interface Signed<T> {
  readonly value: T;
  readonly signatures: [Uint8Array, Uint8Array];
  readonly signers: [Uint8Array, Uint8Array];
}
