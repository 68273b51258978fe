/**
 * The layers by themselves, as WHATWG streams, for NDJSON from anywhere:
 *
 *     response.body.pipeThrough(new LineStream()).pipeThrough(new MessageParserStream())
 *
 * What waits between them is bounded by `highWaterMark`, in bytes (of a text: its UTF-16 units), and a line more.
 */

import {newSplitter} from "./lines.js";
import {Parser} from "./parser.js";

/** @import {Message} from "./types.js" */

const BYTES = 64 * 1024;

/** Bytes → lines. Blank lines are passed over; a last line without an end counts. @extends {TransformStream<Uint8Array, string>} */
export class LineStream extends TransformStream {
  /** @param {{highWaterMark?: number}} [options] */
  constructor({highWaterMark = BYTES} = {}) {
    const splitter = newSplitter();
    super(
      {
        transform(chunk, controller) {
          for (const line of splitter.push(chunk)) controller.enqueue(line);
        },
        flush(controller) {
          for (const line of splitter.end()) controller.enqueue(line);
        },
      },
      {highWaterMark, size: (chunk) => chunk.byteLength},
      {highWaterMark: 0, size: (line) => line.length},
    );
  }
}

/** Lines → messages. @extends {TransformStream<string, Message>} */
export class MessageParserStream extends TransformStream {
  /** @param {import("./parser.js").ParserOptions & {highWaterMark?: number}} [options] */
  constructor({highWaterMark = BYTES, ...options} = {}) {
    const parser = new Parser(options);
    super(
      {transform: (line, controller) => controller.enqueue(parser.parse(line))},
      {highWaterMark, size: (line) => line.length},
      {highWaterMark: 0},
    );
  }
}
