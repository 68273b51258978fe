/**
 * The layers by themselves, as WHATWG streams, for NDJSON from anywhere:
 *
 *     response.body.pipeThrough(new LineStream()).pipeThrough(new MessageParserStream())
 *
 * What waits between them is bounded by `highWaterMark`, in bytes (of a text: its UTF-16 units), and a line more.
 */
import type { Message } from "./types.js";
/** Bytes → lines. Blank lines are passed over; a last line without an end counts. @extends {TransformStream<Uint8Array, string>} */
export declare class LineStream extends TransformStream<Uint8Array, string> {
    /** @param {{highWaterMark?: number}} [options] */
    constructor({ highWaterMark }?: {
        highWaterMark?: number;
    });
}
/** Lines → messages. @extends {TransformStream<string, Message>} */
export declare class MessageParserStream extends TransformStream<string, Message> {
    /** @param {import("./parser.js").ParserOptions & {highWaterMark?: number}} [options] */
    constructor({ highWaterMark, ...options }?: import("./parser.js").ParserOptions & {
        highWaterMark?: number;
    });
}
