/**
 * A job's log as lines, from any offset to its end, whatever breaks on the way.
 *
 * Rules:
 * 1. Only the terminal message ends a log. A body that ends without it is a cut, however properly it ended.
 * 2. After a cut the log is asked for again from one behind the last whole line; an incomplete one is thrown away. So no line
 *    comes twice, none is missing, and the order is kept.
 * 3. A try counts when it brought no whole line, not even a keep-alive: a job that waits in a queue is waited for, however often
 *    it is cut. After `tries` of them in a row it is given up.
 * 4. Nothing is read that nobody asked for: one chunk at a time, when the consumer wants a line.
 * 5. The stall time-out runs only while a chunk is waited for: a consumer may take as long as it likes.
 */
export type Line<T = string> = {
    offset: number;
    type: string;
    /**
     * the whole line, without its end
     */
    content: T;
    /**
     * bytes of bodies that had come when this line was whole
     */
    received: number;
};
export type Form<T> = {
    splitter: () => import("./lines.js").Splitter<T>;
    head: (content: T) => {
        offset: number;
        type: string;
    };
};
export type Connection = {
    state: "connecting" | "open" | "waiting" | "ended" | "failed";
    /**
     * the offset that is asked for next
     */
    offset: number;
    /**
     * how often the log was asked for again after a cut
     */
    resumes: number;
    /**
     * that came, of bodies, unpacked
     */
    bytes: number;
    /**
     * milliseconds until the next try (`waiting`)
     */
    wait?: number;
    /**
     * what broke (`waiting`, `failed`)
     */
    error?: unknown;
};
export type FollowOptions = {
    /**
     * where to begin; default 0
     */
    offset?: number;
    /**
     * messages at most
     */
    limit?: number;
    signal?: AbortSignal;
    /**
     * lines of one response, for bounded pulls; without it one response goes to the end
     */
    pullLines?: number;
    /**
     * hears of each change
     */
    onConnection?: (connection: Connection) => void;
};
/**
 * @template [T=string]
 * @typedef {object} Line
 * @property {number} offset
 * @property {string} type
 * @property {T} content the whole line, without its end
 * @property {number} received bytes of bodies that had come when this line was whole
 */
/**
 * @template T
 * @typedef {object} Form what a line's content is
 * @property {() => import("./lines.js").Splitter<T>} splitter
 * @property {(content: T) => {offset: number, type: string}} head
 */
/**
 * @typedef {object} Connection how the stream's connection is
 * @property {"connecting" | "open" | "waiting" | "ended" | "failed"} state
 * @property {number} offset the offset that is asked for next
 * @property {number} resumes how often the log was asked for again after a cut
 * @property {number} bytes that came, of bodies, unpacked
 * @property {number} [wait] milliseconds until the next try (`waiting`)
 * @property {unknown} [error] what broke (`waiting`, `failed`)
 *
 * @typedef {object} FollowOptions
 * @property {number} [offset] where to begin; default 0
 * @property {number} [limit] messages at most
 * @property {AbortSignal} [signal]
 * @property {number} [pullLines] lines of one response, for bounded pulls; without it one response goes to the end
 * @property {(connection: Connection) => void} [onConnection] hears of each change
 */
/** @type {Form<string>} */
export declare const AS_TEXT: Form<string>;
/** @type {Form<Uint8Array>} */
export declare const AS_BYTES: Form<Uint8Array>;
/** @template T */
export declare class Follower<T> {
    #private;
    http: import("./http.js").Http;
    path: string;
    form: Form<T>;
    next: number;
    left: number;
    signal: AbortSignal | undefined;
    pullLines: number | undefined;
    onConnection: ((connection: Connection) => void) | undefined;
    /**
     * @param {import("./http.js").Http} http
     * @param {string} path of the stream
     * @param {Form<T>} form
     * @param {FollowOptions} options
     */
    constructor(http: import("./http.js").Http, path: string, form: Form<T>, { offset, limit, signal, pullLines, onConnection }?: FollowOptions);
    /** @returns {AsyncGenerator<Line<T>[], void, void>} */
    lines(): AsyncGenerator<Line<T>[], void, void>;
}
