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
import type { ProblemDocument } from "./types.js";
/** @import {ProblemDocument} from "./types.js" */
/** The root of the tree. */
export declare class TracestreamError extends Error {
    /** @param {string} message @param {ErrorOptions} [options] */
    constructor(message: string, options?: ErrorOptions);
}
/** A problem document. */
export declare class ProblemError extends TracestreamError {
    /** The whole document, with the members of its kind (`index`, `known`, `limit` …). @type {Record<string, any>} */
    members: Record<string, any>;
    /** A stable URN, or `about:blank` where the answer was no problem document. */
    type: string;
    status: number;
    title: string;
    detail: string;
    /** Seconds after which to try again, where the gateway says so. */
    retryAfter: number | null;
    /**
     * @param {ProblemDocument} document
     * @param {number} status of the response; of the document where there was no response
     * @param {number | null} [retryAfter] seconds
     */
    constructor(document: ProblemDocument, status: number, retryAfter?: number | null);
}
/** The request can't be answered as it is. */
export declare class RequestProblem extends ProblemError {
}
/** There is no such job. */
export declare class UnknownJob extends RequestProblem {
}
/** The job has expired or was deleted: its log is gone. */
export declare class JobExpired extends RequestProblem {
    /** Where the reader stood: the offset it asked for. @type {number | null} */
    offset: number | null;
}
/** The service can't answer now. */
export declare class ServiceProblem extends ProblemError {
}
/** The job failed; what came before is right as far as it goes. */
export declare class JobFailed extends ProblemError {
    /** @param {ProblemDocument} document */
    constructor(document: ProblemDocument);
}
/** The job was cancelled; what came before is right as far as it goes. */
export declare class JobCancelled extends TracestreamError {
}
/** No connection brought anything new, however often it was tried. `cause` is the last error. */
export declare class ConnectionLost extends TracestreamError {
    /** Where to go on: the offset behind the last message received; null outside of streams. @type {number | null} */
    offset: number | null;
}
/** What answers does not speak like a gateway. */
export declare class NotTracestream extends TracestreamError {
}
/**
 * The error of a response that is not the wanted one.
 *
 * @param {number} status
 * @param {unknown} body what could be parsed of it
 * @param {number | null} retryAfter seconds
 * @returns {ProblemError}
 */
export declare function problemOf(status: number, body: unknown, retryAfter: number | null): ProblemError;
/**
 * Whether asking again may help.
 *
 * @param {unknown} error
 * @returns {error is ServiceProblem | ConnectionLost}
 */
export declare function isPassing(error: unknown): error is ServiceProblem | ConnectionLost;
