/** One gateway's HTTP: requests, problems as errors, repeating what is safe to repeat. */
import { ConnectionLost } from "./errors.js";
export type BackoffOptions = import("./backoff.js").BackoffOptions;
export type HttpOptions = {
    /**
     * sent with every request
     */
    headers?: Record<string, string>;
    /**
     * instead of the engine's
     */
    fetch?: (url: string, init: RequestInit) => Promise<Response>;
    credentials?: RequestCredentials;
    /**
     * milliseconds without a byte after which a connection counts as lost; default 30,000: the
     * gateway's keep-alives come every 10 seconds
     */
    stallTimeout?: number;
};
export type Asked = {
    query?: Record<string, string | number | null | undefined>;
    headers?: Record<string, string>;
    /**
     * sent as JSON
     */
    body?: unknown;
    signal?: AbortSignal;
    /**
     * milliseconds until the whole answer must be there; default the stall time-out
     */
    patience?: number;
};
/**
 * @typedef {import("./backoff.js").BackoffOptions} BackoffOptions
 *
 * @typedef {object} HttpOptions
 * @property {Record<string, string>} [headers] sent with every request
 * @property {(url: string, init: RequestInit) => Promise<Response>} [fetch] instead of the engine's
 * @property {RequestCredentials} [credentials]
 * @property {number} [stallTimeout] milliseconds without a byte after which a connection counts as lost; default 30,000: the
 *   gateway's keep-alives come every 10 seconds
 *
 * @typedef {object} Asked
 * @property {Record<string, string | number | null | undefined>} [query]
 * @property {Record<string, string>} [headers]
 * @property {unknown} [body] sent as JSON
 * @property {AbortSignal} [signal]
 * @property {number} [patience] milliseconds until the whole answer must be there; default the stall time-out
 */
export declare const STALL_TIMEOUT = 30000;
export declare class Http {
    #private;
    url: string;
    options: HttpOptions & import("./backoff.js").BackoffOptions;
    stallTimeout: number;
    /**
     * @param {string} [url] the gateway's address, perhaps with a path; default: where the page came from
     * @param {HttpOptions & BackoffOptions} [options]
     */
    constructor(url?: string, options?: HttpOptions & BackoffOptions);
    /**
     * One request, once. The body is still to be read.
     *
     * @param {string} method
     * @param {string} path
     * @param {Asked} [asked]
     * @returns {Promise<Response>} with a status below 300
     * @throws {import("./errors.js").TracestreamError} or the signal's reason
     */
    open(method: string, path: string, { query, headers, body, signal }?: Asked): Promise<Response>;
    /**
     * A request that is safe to repeat, and its JSON body; repeated while that may help.
     *
     * @param {string} method
     * @param {string} path
     * @param {Asked} [asked]
     * @returns {Promise<{response: Response, body: any}>} `body` is null with 204
     */
    json(method: string, path: string, asked?: Asked): Promise<{
        response: Response;
        body: any;
    }>;
}
/**
 * A signal that fires when the caller's does, or, with {@link ConnectionLost}, when nothing came for too long.
 *
 * One timer looks now and then at when the wait began: setting one for each chunk would cost more than the chunk.
 */
export declare class Deadline {
    #private;
    milliseconds: number;
    caller: AbortSignal | undefined;
    /** @param {number} milliseconds @param {AbortSignal} [caller] */
    constructor(milliseconds: number, caller?: AbortSignal);
    get signal(): AbortSignal;
    /** The time begins to run. */
    restart(): void;
    /** The time stands still: the caller is at work, not the gateway. */
    pause(): void;
    /** It is over. */
    clear(): void;
    /** It is over, and what is still open is let go. */
    abort(): void;
}
/** @param {string} message @param {unknown} cause */
export declare function lost(message: string, cause: unknown): ConnectionLost;
/** @param {Response} response @returns {number | null} seconds; dates and nonsense are taken as none */
export declare function retryAfterOf(response: Response): number | null;
