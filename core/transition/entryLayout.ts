/** While an entry executes, `ctx.view` holds its two addresses: the byte offset of the sender. */
export const SENDER_AT = 0;
/** Byte offset of the account. */
export const ACCOUNT_AT = 20;
