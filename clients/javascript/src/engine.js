/** What runs this. */

/** Node.js, and no browser. */
export const IS_NODE = typeof globalThis.process?.versions?.node === "string";
