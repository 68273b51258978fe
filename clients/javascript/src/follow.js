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

import {Backoff, sleep} from "./backoff.js";
import {chunksOf} from "./chunks.js";
import {ConnectionLost, isPassing, JobExpired} from "./errors.js";
import {headOf, headOfBytes} from "./head.js";
import {Deadline, lost} from "./http.js";
import {ByteCutter, newSplitter} from "./lines.js";
import {TERMINAL} from "./types.js";

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
export const AS_TEXT = {splitter: newSplitter, head: headOf};

/** @type {Form<Uint8Array>} */
export const AS_BYTES = {splitter: () => new ByteCutter((line) => line.slice()), head: headOfBytes};

/** @template T */
export class Follower {
  #bytes = 0;
  #resumes = 0;
  #ended = false;
  #fruitless = true;

  /**
   * @param {import("./http.js").Http} http
   * @param {string} path of the stream
   * @param {Form<T>} form
   * @param {FollowOptions} options
   */
  constructor(http, path, form, {offset = 0, limit = Infinity, signal, pullLines, onConnection} = {}) {
    this.http = http;
    this.path = path;
    this.form = form;
    this.next = offset;
    this.left = limit;
    this.signal = signal;
    this.pullLines = pullLines;
    this.onConnection = onConnection;
  }

  /** @returns {AsyncGenerator<Line<T>[], void, void>} */
  async *lines() {
    const backoff = new Backoff(this.http.options);
    try {
      while (!this.#ended && this.left > 0) {
        const failure = yield* this.#attempt(backoff);
        if (failure) await this.#pause(backoff, failure);
      }
      this.#report("ended");
    } catch (error) {
      if (error instanceof JobExpired) error.offset = this.next;
      this.#report("failed", {error});
      throw error;
    }
  }

  /**
   * One response. Returns what broke, if asking again may cure it.
   *
   * @param {Backoff} backoff
   * @returns {AsyncGenerator<Line<T>[], unknown, void>}
   */
  async *#attempt(backoff) {
    const wanted = Math.min(this.left, this.pullLines ?? Infinity);
    const deadline = new Deadline(this.http.stallTimeout, this.signal);
    let got = 0;
    this.#fruitless = true;
    try {
      this.#report("connecting");
      const response = await this.#open(wanted, deadline.signal);
      if (response === null) return null;
      this.#report("open");
      for await (const lines of this.#body(response, deadline)) {
        got += lines.length;
        this.#fruitless = false;
        backoff.progress();
        if (lines.length) yield lines;
        if (this.#ended) return null;
      }
      // Read to its end, so that the connection serves the next pull.
      return got >= wanted ? null : new ConnectionLost("The stream ended without its last message.");
    } catch (error) {
      if (this.signal?.aborted) throw this.signal.reason;
      if (!isPassing(error)) throw error;
      return got >= wanted ? null : error;
    } finally {
      deadline.abort();
    }
  }

  /** @param {number} wanted @param {AbortSignal} signal @returns {Promise<Response | null>} null when nothing will follow */
  async #open(wanted, signal) {
    const query = {offset: this.next, limit: wanted === Infinity ? null : wanted};
    const headers = {Accept: "application/x-ndjson"};
    const response = await this.http.open("GET", this.path, {query, headers, signal});
    if (response.status !== 204 && response.body !== null) return response;
    this.#ended = true;
    return null;
  }

  /**
   * What is new, chunk by chunk; nothing new where a chunk ended a line all the same, such as a keep-alive.
   *
   * @param {Response} response @param {Deadline} deadline @returns {AsyncGenerator<Line<T>[], void, void>}
   */
  async *#body(response, deadline) {
    const nextChunk = chunksOf(/** @type {ReadableStream<Uint8Array>} */ (response.body));
    const splitter = this.form.splitter();
    for (;;) {
      const chunk = await this.#within(deadline, nextChunk);
      if (chunk === undefined) return;
      this.#bytes += chunk.length;
      const before = splitter.ends;
      const lines = this.#accept(splitter.push(chunk));
      if (splitter.ends > before) yield lines;
    }
  }

  /** @param {Deadline} deadline @param {() => Promise<Uint8Array | undefined>} nextChunk */
  async #within(deadline, nextChunk) {
    deadline.restart();
    try {
      return await nextChunk();
    } catch (error) {
      throw deadline.signal.aborted ? deadline.signal.reason : lost("The connection broke", error);
    } finally {
      deadline.pause();
    }
  }

  /** @param {T[]} contents @returns {Line<T>[]} those that are new, up to the last that is wanted */
  #accept(contents) {
    /** @type {Line<T>[]} */
    const lines = [];
    for (const content of contents) {
      const {offset, type} = this.form.head(content);
      if (offset < this.next || this.#ended || this.left <= 0) continue;
      lines.push({offset, type, content, received: this.#bytes});
      this.next = offset + 1;
      this.left -= 1;
      this.#ended = TERMINAL.has(type);
    }
    return lines;
  }

  /** @param {Backoff} backoff @param {unknown} failure */
  async #pause(backoff, failure) {
    const retryAfter = failure instanceof Object && "retryAfter" in failure ? Number(failure.retryAfter) : null;
    const wait = backoff.next(this.#fruitless, retryAfter);
    if (wait === null) throw this.#givenUp(failure);
    this.#resumes += 1;
    this.#report("waiting", {wait, error: failure});
    await sleep(wait, this.signal);
  }

  /** @param {unknown} failure */
  #givenUp(failure) {
    if (!(failure instanceof ConnectionLost)) return failure;
    const error = lost(`Gave up at offset ${this.next}`, failure);
    error.offset = this.next;
    return error;
  }

  /** @param {Connection["state"]} state @param {Partial<Connection>} [more] */
  #report(state, more) {
    this.onConnection?.({state, offset: this.next, resumes: this.#resumes, bytes: this.#bytes, ...more});
  }
}
