/**
 * How a reader that stops taking stops the server.
 *
 * `stream`: one response to the end of the log. What is not read stays in the socket, and TCP tells the gateway: Chromium takes
 * 6–10 MB ahead, Node under 5 MB.
 * `pull`: responses of a few lines each (`limit`), one of them ahead. Firefox reads a response without end into its own
 * memory, read or not, so only what was asked for is a bound. Browsers that were never tried get this too.
 *
 * @typedef {"stream" | "pull"} Flow
 */
export type Flow = "stream" | "pull";
/** @returns {Flow} */
export declare function flowOfThisEngine(): Flow;
