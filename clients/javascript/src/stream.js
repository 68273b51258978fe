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
  #source;

  /**
   * @param {Http} http
   * @param {string} path
   * @param {StreamOptions} [options]
   */
  constructor(http, path, options = {}) {
    const stop = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
    const source = new Source(messagesOf(http, path, {...options, signal}), stop, options.offset ?? 0);
    super(source, {highWaterMark: 0});
    this.#source = source;
  }

  /** The offset behind the last message that the consumer took: where another stream would go on. */
  get offset() {
    return this.#source.offset;
  }

  /**
   * As every ReadableStream's, but past the engine's queue, where it is empty anyway: what goes through that of Chromium stays in
   * memory until a full collection, and copying it about takes a twentieth of a reading's time (docs/decisions/0017).
   *
   * @override
   * @param {{preventCancel?: boolean}} [options]
   * @returns {AsyncGenerator<Message, undefined, void>}
   */
  async *values({preventCancel = false} = {}) {
    const reader = this.getReader();
    let ended = false;
    try {
      for (;;) {
        const {value, done} = await (this.#source.owes ? reader.read() : this.#source.take());
        if (done) break;
        yield value;
      }
      ended = true;
    } finally {
      const closing = ended || !preventCancel ? reader.cancel() : undefined;
      reader.releaseLock();
      await closing;
    }
    return undefined;
  }

  /** @override @param {{preventCancel?: boolean}} [options] */
  [Symbol.asyncIterator](options) {
    return this.values(options);
  }
}

/** Where the stream's messages come from. @implements {UnderlyingDefaultSource<Message>} */
class Source {
  #messages;
  #stop;
  #pulling = false;
  /** @type {ReadableStreamDefaultController<Message> | undefined} */
  #controller;

  /** @param {AsyncGenerator<Message, void, void>} messages @param {AbortController} stop @param {number} offset */
  constructor(messages, stop, offset) {
    this.#messages = messages;
    this.#stop = stop;
    this.offset = offset;
  }

  /** Whether a message was asked for that nobody has taken: its reader let go before it came. */
  get owes() {
    return this.#pulling || (this.#controller?.desiredSize ?? 0) < 0;
  }

  /** The next message. What goes wrong breaks the stream for whoever reads it later too. */
  async take() {
    try {
      const result = await this.#messages.next();
      if (!result.done) this.offset = result.value.offset + 1;
      return result;
    } catch (error) {
      this.#controller?.error(error);
      throw error;
    }
  }

  /** @param {ReadableStreamDefaultController<Message>} controller */
  start(controller) {
    this.#controller = controller;
  }

  /** @param {ReadableStreamDefaultController<Message>} controller */
  async pull(controller) {
    this.#pulling = true;
    const {value, done} = await this.take();
    if (done) controller.close();
    else controller.enqueue(value);
    this.#pulling = false;
  }

  /** @param {unknown} reason */
  async cancel(reason) {
    this.#stop.abort(reason);
    await this.#messages.return();
  }
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
