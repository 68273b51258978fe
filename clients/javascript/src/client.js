/** One gateway. Every method throws the errors of `errors.js`, or the reason of an aborted signal. */

import {AS_BYTES, AS_TEXT} from "./follow.js";
import {Http} from "./http.js";
import {recordsOf} from "./records.js";
import {linesOf, MessageStream} from "./stream.js";

/**
 * @import {Answer, Job, JobState, Offering, Page, Row, Status, SubmitRequest, Submitted} from "./types.js"
 * @import {StreamOptions} from "./stream.js"
 *
 * @typedef {import("./http.js").HttpOptions & import("./backoff.js").BackoffOptions & import("./stream.js").FlowOptions} ClientOptions
 *
 * @typedef {object} Abortable
 * @property {AbortSignal} [signal]
 */

const JOBS = "/api/trace/jobs";

export class Client {
  #http;
  #flow;

  /**
   * @param {string} [url] the gateway's address; default: where the page came from
   * @param {ClientOptions} [options]
   */
  constructor(url, options = {}) {
    this.#http = new Http(url, options);
    const {flow, pullLines, worker} = options;
    this.#flow = {flow, pullLines, worker};
  }

  /** The gateway's address, without a slash at its end. */
  get url() {
    return this.#http.url;
  }

  /**
   * Starts a job. Repeated by itself where the connection breaks: the key makes that one job.
   *
   * @param {SubmitRequest} request
   * @param {Abortable & {key?: string}} [options] `key`: the Idempotency-Key; default a new one
   * @returns {Promise<Submitted>}
   */
  async submit(request, {key = newKey(), signal} = {}) {
    const headers = {"Idempotency-Key": key};
    return (await this.#http.json("POST", JOBS, {body: request, headers, signal})).body;
  }

  /**
   * Starts a small job and waits for its answer, `wait` seconds at most (1 to 60). Not ended by then, or too large for one answer:
   * what `submit` gives, and the job goes on. A job that failed is thrown as JobFailed.
   *
   * @param {SubmitRequest} request
   * @param {number} wait seconds
   * @param {Abortable & {key?: string}} [options]
   * @returns {Promise<Answer | Submitted>} an answer has the member `job`
   */
  async submitAndWait(request, wait, {key = newKey(), signal} = {}) {
    const headers = {"Idempotency-Key": key, Prefer: `wait=${wait}`, Accept: "application/json"};
    const patience = this.#http.stallTimeout + wait * 1000;
    return (await this.#http.json("POST", JOBS, {body: request, headers, signal, patience})).body;
  }

  /**
   * A job's state and progress.
   *
   * @param {Job} job
   * @param {Abortable} [options]
   * @returns {Promise<JobState>}
   */
  async status(job, {signal} = {}) {
    return (await this.#http.json("GET", pathOf(job), {signal})).body;
  }

  /**
   * Jobs, the newest first.
   *
   * @param {Abortable & {limit?: number, after?: string, status?: Status}} [options] `after`: the last job id of the page before
   * @returns {Promise<{jobs: JobState[], next: string | null}>} `next`: what `after` has to be for the next page
   */
  async list({limit, after, status, signal} = {}) {
    const {response, body} = await this.#http.json("GET", JOBS, {query: {limit, after, status}, signal});
    return {...body, next: nextOf(response)?.get("after") ?? null};
  }

  /**
   * Stops a job; what was written stays readable.
   *
   * @param {Job} job
   * @param {Abortable} [options]
   * @returns {Promise<JobState>}
   */
  async cancel(job, {signal} = {}) {
    return (await this.#http.json("POST", `${pathOf(job)}/cancel`, {signal})).body;
  }

  /**
   * Stops a job if need be, and removes its log.
   *
   * @param {Job} job
   * @param {Abortable} [options]
   * @returns {Promise<void>}
   */
  async remove(job, {signal} = {}) {
    await this.#http.json("DELETE", pathOf(job), {signal});
  }

  /**
   * A longer or shorter life of the log, counted from the job's end.
   *
   * @param {Job} job
   * @param {number} seconds
   * @param {Abortable} [options]
   * @returns {Promise<JobState>}
   */
  async setTtl(job, seconds, {signal} = {}) {
    return (await this.#http.json("PATCH", pathOf(job), {body: {ttl_seconds: seconds}, signal})).body;
  }

  /**
   * Records of a domain by their number, from 0.
   *
   * @param {Job} job
   * @param {string} domain
   * @param {Abortable & {offset?: number, limit?: number}} [options]
   * @returns {Promise<Page>}
   */
  async page(job, domain, {offset, limit, signal} = {}) {
    const query = {domain, offset, limit};
    const {response, body} = await this.#http.json("GET", `${pathOf(job)}/result`, {query, signal});
    const next = nextOf(response)?.get("offset");
    const retryAfter = response.headers.get("Retry-After");
    return {...body, next: next == null ? null : Number(next), retry_after: retryAfter == null ? null : Number(retryAfter)};
  }

  /**
   * What can be asked for.
   *
   * @param {Abortable} [options]
   * @returns {Promise<Offering>}
   */
  async domains({signal} = {}) {
    return (await this.#http.json("GET", "/api/trace/domains", {signal})).body;
  }

  /**
   * The job's log from `offset` to its end. It resumes by itself; no message comes twice, none is missing.
   *
   * @param {Job} job
   * @param {StreamOptions} [options]
   * @returns {MessageStream}
   */
  stream(job, options = {}) {
    return new MessageStream(this.#http, `${pathOf(job)}/stream`, {...given(this.#flow), ...options});
  }

  /**
   * The lines of the job's log, unparsed: what `stream` is made from, with the same promises.
   *
   * @param {Job} job
   * @param {StreamOptions} [options]
   * @returns {AsyncGenerator<import("./follow.js").Line, void, void>}
   */
  lines(job, options = {}) {
    return linesOf(this.#http, `${pathOf(job)}/stream`, AS_TEXT, {...given(this.#flow), ...options});
  }

  /**
   * The same lines as bytes, for those who look into few of them.
   *
   * @param {Job} job
   * @param {StreamOptions} [options]
   * @returns {AsyncGenerator<import("./follow.js").Line<Uint8Array>, void, void>}
   */
  lineBytes(job, options = {}) {
    return linesOf(this.#http, `${pathOf(job)}/stream`, AS_BYTES, {...given(this.#flow), ...options});
  }

  /**
   * The job's records, of one domain or of all. A job that does not complete ends them with an error.
   *
   * @param {Job} job
   * @param {Omit<StreamOptions, "limit"> & {domain?: string}} [options]
   * @returns {ReadableStream<Row>}
   */
  records(job, {domain, ...options} = {}) {
    return this.stream(job, options).pipeThrough(recordsOf(domain));
  }

  /**
   * The address that a browser saves the log from, as a file, without the page's memory.
   *
   * @param {Job} job
   * @returns {string}
   */
  downloadUrl(job) {
    return `${this.url}${pathOf(job)}/stream?download=1`;
  }
}

/** @param {Job} job */
function pathOf(job) {
  return `/api/trace/job/${encodeURIComponent(typeof job === "string" ? job : job.job_id)}`;
}

/** @param {Response} response @returns {URLSearchParams | null} the query of `Link: <…>; rel="next"` */
function nextOf(response) {
  const match = /<[^>?]*\?([^>]*)>\s*;\s*rel="?next"?/.exec(response.headers.get("Link") ?? "");
  return match ? new URLSearchParams(match[1]) : null;
}

/** Random, also where there is no `crypto.randomUUID`: pages over plain HTTP from another host. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @template {object} T @param {T} options @returns {Partial<T>} without those that are undefined */
function given(options) {
  return /** @type {Partial<T>} */ (Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)));
}
