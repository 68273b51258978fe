/** How long to wait before asking again: full jitter, bounded tries. Pure: the dice are handed in. */
export type BackoffOptions = {
    /**
     * attempts in a row that may bring nothing new; default 10
     */
    tries?: number;
    /**
     * milliseconds: the longest first pause; doubles with each try; default 250
     */
    firstPause?: number;
    /**
     * milliseconds; default 30,000
     */
    longestPause?: number;
    /**
     * evenly from 0 to 1; default `Math.random`
     */
    random?: () => number;
};
/**
 * @typedef {object} BackoffOptions
 * @property {number} [tries] attempts in a row that may bring nothing new; default 10
 * @property {number} [firstPause] milliseconds: the longest first pause; doubles with each try; default 250
 * @property {number} [longestPause] milliseconds; default 30,000
 * @property {() => number} [random] evenly from 0 to 1; default `Math.random`
 */
export declare class Backoff {
    #private;
    tries: number;
    firstPause: number;
    longestPause: number;
    random: () => number;
    /** @param {BackoffOptions} [options] */
    constructor({ tries, firstPause, longestPause, random }?: BackoffOptions);
    /** Something new came: the count begins anew. */
    progress(): void;
    /**
     * An attempt is over.
     *
     * @param {boolean} fruitless whether it brought nothing new, and counts
     * @param {number | null} [retryAfter] seconds that the gateway asks for
     * @returns {number | null} milliseconds to wait; null when there is no try left
     */
    next(fruitless: boolean, retryAfter?: number | null): number | null;
}
/**
 * @param {number} milliseconds
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>} rejects with the signal's reason
 */
export declare function sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
