/**
 * Every error of this client, by what can be done about it.
 *
 *     TracestreamError
 *     ├── ProblemError           the gateway answered with a problem document (RFC 9457)
 *     │   ├── RequestProblem     4xx: change the request
 *     │   │   ├── UnknownJob     404 unknown-job
 *     │   │   └── JobExpired     410 job-expired: the log is gone
 *     │   ├── ServiceProblem     429 and 5xx: try again later
 *     │   └── JobFailed          the job's own problem
 *     ├── JobCancelled           the records are not all there: somebody stopped the job
 *     ├── ConnectionLost         the tries are used up without a new line
 *     └── NotTracestream         what answers is no gateway
 *
 * When the caller aborts, the signal's reason is thrown as it is.
 */

/** @import {ProblemDocument} from "./types.js" */

/** The root of the tree. */
export class TracestreamError extends Error {
  /** @param {string} message @param {ErrorOptions} [options] */
  constructor(message, options) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** A problem document. */
export class ProblemError extends TracestreamError {
  /**
   * @param {ProblemDocument} document
   * @param {number} status of the response; of the document where there was no response
   * @param {number | null} [retryAfter] seconds
   */
  constructor(document, status, retryAfter = null) {
    super(sentence(document, status));
    /** The whole document, with the members of its kind (`index`, `known`, `limit` …). @type {Record<string, any>} */
    this.members = document;
    /** A stable URN, or `about:blank` where the answer was no problem document. */
    this.type = document.type;
    this.status = status;
    this.title = document.title ?? "";
    this.detail = document.detail ?? "";
    /** Seconds after which to try again, where the gateway says so. */
    this.retryAfter = retryAfter;
  }
}

/** The request can't be answered as it is. */
export class RequestProblem extends ProblemError {}

/** There is no such job. */
export class UnknownJob extends RequestProblem {}

/** The job has expired or was deleted: its log is gone. */
export class JobExpired extends RequestProblem {
  /** Where the reader stood: the offset it asked for. @type {number | null} */
  offset = null;
}

/** The service can't answer now. */
export class ServiceProblem extends ProblemError {}

/** The job failed; what came before is right as far as it goes. */
export class JobFailed extends ProblemError {
  /** @param {ProblemDocument} document */
  constructor(document) {
    super(document, document.status ?? 500);
  }
}

/** The job was cancelled; what came before is right as far as it goes. */
export class JobCancelled extends TracestreamError {}

/** No connection brought anything new, however often it was tried. `cause` is the last error. */
export class ConnectionLost extends TracestreamError {
  /** Where to go on: the offset behind the last message received; null outside of streams. @type {number | null} */
  offset = null;
}

/** What answers does not speak like a gateway. */
export class NotTracestream extends TracestreamError {}

/** What a job can fail of, behind the last colon of the type: asking again would be answered the same. */
const OF_JOBS = new Set([
  "source",
  "record-too-large",
  "job-too-large",
  "tries-exhausted",
  "aggregation-failed",
  "result-timeout",
  "command-lost",
]);

/**
 * The error of a response that is not the wanted one.
 *
 * @param {number} status
 * @param {unknown} body what could be parsed of it
 * @param {number | null} retryAfter seconds
 * @returns {ProblemError}
 */
export function problemOf(status, body, retryAfter) {
  const document = isProblem(body) ? body : {type: "about:blank", title: `The gateway answered ${status}`};
  if (OF_JOBS.has(document.type.slice(document.type.lastIndexOf(":") + 1))) return new JobFailed(document);
  if (status === 429 || status >= 500) return new ServiceProblem(document, status, retryAfter);
  if (document.type.endsWith(":job-expired")) return new JobExpired(document, status, retryAfter);
  if (document.type.endsWith(":unknown-job")) return new UnknownJob(document, status, retryAfter);
  return new RequestProblem(document, status, retryAfter);
}

/**
 * Whether asking again may help.
 *
 * @param {unknown} error
 * @returns {error is ServiceProblem | ConnectionLost}
 */
export function isPassing(error) {
  return error instanceof ServiceProblem || error instanceof ConnectionLost;
}

/** @param {unknown} body @returns {body is ProblemDocument} */
function isProblem(body) {
  return typeof body === "object" && body !== null && "type" in body && typeof body.type === "string";
}

/** @param {ProblemDocument} document @param {number} status */
function sentence(document, status) {
  const title = document.title ?? `The gateway answered ${status}`;
  return document.detail ? `${title}: ${document.detail}` : `${title}.`;
}
