/** One gateway's HTTP: requests, problems as errors, repeating what is safe to repeat. */

import {Backoff, sleep} from "./backoff.js";
import {ConnectionLost, isPassing, NotTracestream, problemOf} from "./errors.js";

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

export const STALL_TIMEOUT = 30_000;

export class Http {
  /**
   * @param {string} [url] the gateway's address, perhaps with a path; default: where the page came from
   * @param {HttpOptions & BackoffOptions} [options]
   */
  constructor(url = globalThis.location?.origin, options = {}) {
    if (!url) throw new TypeError("Name the gateway's address: new Client(\"http://…\")");
    this.url = url.replace(/\/+$/, "");
    this.options = options;
    this.stallTimeout = options.stallTimeout ?? STALL_TIMEOUT;
  }

  /**
   * One request, once. The body is still to be read.
   *
   * @param {string} method
   * @param {string} path
   * @param {Asked} [asked]
   * @returns {Promise<Response>} with a status below 300
   * @throws {import("./errors.js").TracestreamError} or the signal's reason
   */
  async open(method, path, {query, headers, body, signal} = {}) {
    const {fetch: ask = globalThis.fetch.bind(globalThis), credentials} = this.options;
    /** @type {RequestInit} */
    const init = {method, headers: {...this.options.headers, ...headers}};
    if (signal) init.signal = signal;
    if (credentials) init.credentials = credentials;
    if (body !== undefined) {
      init.body = JSON.stringify(body);
      init.headers = {...init.headers, "Content-Type": "application/json"};
    }
    const response = await this.#translated(() => ask(this.url + path + queryOf(query), init), signal);
    if (response.status < 300) return response;
    const text = await this.#translated(() => response.text(), signal);
    throw problemOf(response.status, parsed(text), retryAfterOf(response));
  }

  /**
   * A request that is safe to repeat, and its JSON body; repeated while that may help.
   *
   * @param {string} method
   * @param {string} path
   * @param {Asked} [asked]
   * @returns {Promise<{response: Response, body: any}>} `body` is null with 204
   */
  async json(method, path, asked = {}) {
    const backoff = new Backoff(this.options);
    for (;;) {
      try {
        return await this.#once(method, path, asked);
      } catch (error) {
        const wait = isPassing(error) ? backoff.next(true, "retryAfter" in error ? error.retryAfter : null) : null;
        if (wait === null) throw error;
        await sleep(wait, asked.signal);
      }
    }
  }

  /** @param {string} method @param {string} path @param {Asked} asked */
  async #once(method, path, asked) {
    const deadline = new Deadline(asked.patience ?? this.stallTimeout, asked.signal);
    try {
      const signal = deadline.signal;
      const response = await this.open(method, path, {...asked, signal});
      if (response.status === 204) return {response, body: null};
      const text = await this.#translated(() => response.text(), signal);
      const body = parsed(text);
      if (typeof body !== "object" || body === null) throw new NotTracestream(`${this.url} does not answer with JSON.`);
      return {response, body};
    } finally {
      deadline.clear();
    }
  }

  /**
   * @template T
   * @param {() => Promise<T>} work
   * @param {AbortSignal} [signal]
   * @returns {Promise<T>}
   */
  async #translated(work, signal) {
    try {
      return await work();
    } catch (error) {
      throw signal?.aborted ? signal.reason : lost(`The connection to ${this.url} broke`, error);
    }
  }
}

/**
 * A signal that fires when the caller's does, or, with {@link ConnectionLost}, when nothing came for too long.
 *
 * One timer looks now and then at when the wait began: setting one for each chunk would cost more than the chunk.
 */
export class Deadline {
  #controller = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {number | null} */
  #since = null;
  #forward = () => this.#controller.abort(this.caller?.reason);

  /** @param {number} milliseconds @param {AbortSignal} [caller] */
  constructor(milliseconds, caller) {
    this.milliseconds = milliseconds;
    this.caller = caller;
    if (caller?.aborted) this.#forward();
    caller?.addEventListener("abort", this.#forward, {once: true});
    this.restart();
  }

  get signal() {
    return this.#controller.signal;
  }

  /** The time begins to run. */
  restart() {
    this.#since = performance.now();
    if (this.#timer === undefined) this.#look(this.milliseconds);
  }

  /** The time stands still: the caller is at work, not the gateway. */
  pause() {
    this.#since = null;
  }

  /** It is over. */
  clear() {
    clearTimeout(this.#timer);
    this.caller?.removeEventListener("abort", this.#forward);
  }

  /** It is over, and what is still open is let go. */
  abort() {
    this.clear();
    this.#controller.abort();
  }

  /** @param {number} wait */
  #look(wait) {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#since === null) return;
      const left = this.#since + this.milliseconds - performance.now();
      if (left > 0) this.#look(left);
      else this.#controller.abort(new ConnectionLost(`Nothing came for ${this.milliseconds / 1000} seconds.`));
    }, wait);
  }
}

/** @param {string} message @param {unknown} cause */
export function lost(message, cause) {
  const why = cause instanceof Error ? ` (${cause.message})` : "";
  return new ConnectionLost(`${message}${why}.`, {cause});
}

/** @param {Response} response @returns {number | null} seconds; dates and nonsense are taken as none */
export function retryAfterOf(response) {
  const value = response.headers.get("Retry-After") ?? "";
  return /^\d{1,6}$/.test(value) ? Number(value) : null;
}

/** @param {Asked["query"]} query */
function queryOf(query = {}) {
  const given = Object.entries(query).flatMap(([name, value]) => (value == null ? [] : [[name, String(value)]]));
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

/** @param {string} text @returns {unknown} */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
