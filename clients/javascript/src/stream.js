/** A job's log as a stream of messages. */

import {ahead} from "./ahead.js";
import {flowOfThisEngine} from "./flow.js";
import {AS_TEXT, Follower} from "./follow.js";
import {newParsing} from "./parsing.js";
import {turn} from "./turns.js";

/**
 * @import {Http} from "./http.js"
 * @import {Line, FollowOptions} from "./follow.js"
 * @import {ParserOptions} from "./parser.js"
 * @import {Message} from "./types.js"
 *
 * @typedef {object} FlowOptions
 * @property {import("./flow.js").Flow} [flow] how a reader that stops taking stops the server; default: what this engine needs
 * @property {number} [pullLines] with bounded pulls: lines of one response; at most twice as many are on the way. Default 2
 * @property {boolean} [worker] parses in a worker
 *
 * @typedef {Omit<FollowOptions, "pullLines"> & ParserOptions & FlowOptions} StreamOptions
 */

const PULL_LINES = 2;

/**
 * A `ReadableStream` of messages, to be read by a reader, by `for await`, or piped. It takes nothing from the network that was
 * not asked for. Cancelling it closes the connection.
 *
 * @extends {ReadableStream<Message>}
 */
export class MessageStream extends ReadableStream {
  #place;

  /**
   * @param {Http} http
   * @param {string} path
   * @param {StreamOptions} [options]
   */
  constructor(http, path, options = {}) {
    const place = {next: options.offset ?? 0};
    const stop = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
    const messages = messagesOf(http, path, {...options, signal});
    super(
      {
        async pull(controller) {
          const {value, done} = await messages.next();
          if (done) return controller.close();
          place.next = value.offset + 1;
          controller.enqueue(value);
        },
        async cancel(reason) {
          stop.abort(reason);
          await messages.return?.();
        },
      },
      {highWaterMark: 0},
    );
    this.#place = place;
  }

  /** The offset behind the last message that the consumer took: where another stream would go on. */
  get offset() {
    return this.#place.next;
  }
}

// Where the engine's streams can't be iterated.
if (!(Symbol.asyncIterator in ReadableStream.prototype)) {
  Object.defineProperty(MessageStream.prototype, Symbol.asyncIterator, {
    /** @this {ReadableStream<Message>} */
    async *value() {
      const reader = this.getReader();
      try {
        for (;;) {
          const {value, done} = await reader.read();
          if (done) return;
          yield value;
        }
      } finally {
        await reader.cancel();
      }
    },
  });
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
export async function* linesOf(http, path, form, {flow = flowOfThisEngine(), pullLines = PULL_LINES, ...rest}) {
  const pulls = flow === "pull";
  const follower = new Follower(http, path, form, pulls ? {...rest, pullLines} : rest);
  const lines = oneByOne(follower.lines());
  yield* pulls ? ahead(lines, pullLines) : lines;
}

/**
 * @param {Http} http
 * @param {string} path
 * @param {StreamOptions} options
 * @returns {AsyncGenerator<Message, void, void>}
 */
async function* messagesOf(http, path, options) {
  const {worker = false} = options;
  const parsing = newParsing(worker, options);
  try {
    const parsed = parse(linesOf(http, path, AS_TEXT, options), parsing);
    // The worker is at the next line while the consumer is at this one.
    yield* worker ? ahead(parsed, 1) : parsed;
  } finally {
    parsing.close();
  }
}

/** @template T @param {AsyncGenerator<Line<T>[], void, void>} batches @returns {AsyncGenerator<Line<T>, void, void>} */
async function* oneByOne(batches) {
  for await (const lines of batches) yield* lines;
}

/**
 * @param {AsyncGenerator<Line, void, void>} lines
 * @param {import("./parsing.js").Parsing} parsing
 * @returns {AsyncGenerator<Message, void, void>}
 */
async function* parse(lines, parsing) {
  for await (const line of lines) {
    await turn();
    yield await parsing.parse(line.content);
  }
}
