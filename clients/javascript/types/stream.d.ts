/** A job's log as a stream of messages. */
import type { Http } from "./http.js";
import type { Line, FollowOptions } from "./follow.js";
import type { ParserOptions } from "./parser.js";
import type { Message } from "./types.js";
export type FlowOptions = {
    /**
     * how a reader that stops taking stops the server; default: what this engine needs
     */
    flow?: import("./flow.js").Flow;
    /**
     * with bounded pulls: lines of one response; at most twice as many are on the way. Default 2
     */
    pullLines?: number;
    /**
     * parses in a worker
     */
    worker?: boolean;
};
export type StreamOptions = Omit<FollowOptions, "pullLines"> & ParserOptions & FlowOptions;
/**
 * A `ReadableStream` of messages, to be read by a reader, by `for await`, or piped. It takes nothing from the network that was
 * not asked for. Cancelling it closes the connection.
 *
 * @extends {ReadableStream<Message>}
 */
export declare class MessageStream extends ReadableStream<Message> {
    #private;
    /**
     * @param {Http} http
     * @param {string} path
     * @param {StreamOptions} [options]
     */
    constructor(http: Http, path: string, options?: StreamOptions);
    /** The offset behind the last message that the consumer took: where another stream would go on. */
    get offset(): number;
    /**
     * As every ReadableStream's, but past the engine's queue, where it is empty anyway: what goes through that of Chromium stays in
     * memory until a full collection, and copying it about takes a twentieth of a reading's time (docs/decisions/0017).
     *
     * @override
     * @param {{preventCancel?: boolean}} [options]
     * @returns {AsyncGenerator<Message, undefined, void>}
     */
    values({ preventCancel }?: {
        preventCancel?: boolean;
    }): AsyncGenerator<Message, undefined, void>;
    /** @override @param {{preventCancel?: boolean}} [options] */
    [Symbol.asyncIterator](options?: {
        preventCancel?: boolean;
    }): AsyncGenerator<Message, undefined, void>;
}
/**
 * The log's lines as they are, for those who keep or pass them on unparsed.
 *
 * @template T
 * @param {Http} http
 * @param {string} path
 * @param {import("./follow.js").Form<T>} form
 * @param {StreamOptions} options
 * @returns {AsyncGenerator<Line<T>, void, void>}
 */
export declare function linesOf<T>(http: Http, path: string, form: import("./follow.js").Form<T>, { flow, pullLines, ...rest }: StreamOptions): AsyncGenerator<Line<T>, void, void>;
