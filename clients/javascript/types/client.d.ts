/** One gateway. Every method throws the errors of `errors.js`, or the reason of an aborted signal. */
import { MessageStream } from "./stream.js";
import type { Answer, Job, JobState, Offering, Page, Row, Status, SubmitRequest, Submitted } from "./types.js";
import type { StreamOptions } from "./stream.js";
export type ClientOptions = import("./http.js").HttpOptions & import("./backoff.js").BackoffOptions & import("./stream.js").FlowOptions;
export type Abortable = {
    signal?: AbortSignal;
};
export declare class Client {
    #private;
    /**
     * @param {string} [url] the gateway's address; default: where the page came from
     * @param {ClientOptions} [options]
     */
    constructor(url?: string, options?: ClientOptions);
    /** The gateway's address, without a slash at its end. */
    get url(): string;
    /**
     * Starts a job. Repeated by itself where the connection breaks: the key makes that one job.
     *
     * @param {SubmitRequest} request
     * @param {Abortable & {key?: string}} [options] `key`: the Idempotency-Key; default a new one
     * @returns {Promise<Submitted>}
     */
    submit(request: SubmitRequest, { key, signal }?: Abortable & {
        key?: string;
    }): Promise<Submitted>;
    /**
     * Starts a small job and waits for its answer, `wait` seconds at most (1 to 60). Not ended by then, or too large for one answer:
     * what `submit` gives, and the job goes on. A job that failed is thrown as JobFailed.
     *
     * @param {SubmitRequest} request
     * @param {number} wait seconds
     * @param {Abortable & {key?: string}} [options]
     * @returns {Promise<Answer | Submitted>} an answer has the member `job`
     */
    submitAndWait(request: SubmitRequest, wait: number, { key, signal }?: Abortable & {
        key?: string;
    }): Promise<Answer | Submitted>;
    /**
     * A job's state and progress.
     *
     * @param {Job} job
     * @param {Abortable} [options]
     * @returns {Promise<JobState>}
     */
    status(job: Job, { signal }?: Abortable): Promise<JobState>;
    /**
     * Jobs, the newest first.
     *
     * @param {Abortable & {limit?: number, after?: string, status?: Status}} [options] `after`: the last job id of the page before
     * @returns {Promise<{jobs: JobState[], next: string | null}>} `next`: what `after` has to be for the next page
     */
    list({ limit, after, status, signal }?: Abortable & {
        limit?: number;
        after?: string;
        status?: Status;
    }): Promise<{
        jobs: JobState[];
        next: string | null;
    }>;
    /**
     * Stops a job; what was written stays readable.
     *
     * @param {Job} job
     * @param {Abortable} [options]
     * @returns {Promise<JobState>}
     */
    cancel(job: Job, { signal }?: Abortable): Promise<JobState>;
    /**
     * Stops a job if need be, and removes its log.
     *
     * @param {Job} job
     * @param {Abortable} [options]
     * @returns {Promise<void>}
     */
    remove(job: Job, { signal }?: Abortable): Promise<void>;
    /**
     * A longer or shorter life of the log, counted from the job's end.
     *
     * @param {Job} job
     * @param {number} seconds
     * @param {Abortable} [options]
     * @returns {Promise<JobState>}
     */
    setTtl(job: Job, seconds: number, { signal }?: Abortable): Promise<JobState>;
    /**
     * Records of a domain by their number, from 0.
     *
     * @param {Job} job
     * @param {string} domain
     * @param {Abortable & {offset?: number, limit?: number}} [options]
     * @returns {Promise<Page>}
     */
    page(job: Job, domain: string, { offset, limit, signal }?: Abortable & {
        offset?: number;
        limit?: number;
    }): Promise<Page>;
    /**
     * What can be asked for.
     *
     * @param {Abortable} [options]
     * @returns {Promise<Offering>}
     */
    domains({ signal }?: Abortable): Promise<Offering>;
    /**
     * The job's log from `offset` to its end. It resumes by itself; no message comes twice, none is missing.
     *
     * @param {Job} job
     * @param {StreamOptions} [options]
     * @returns {MessageStream}
     */
    stream(job: Job, options?: StreamOptions): MessageStream;
    /**
     * The lines of the job's log, unparsed: what `stream` is made from, with the same promises.
     *
     * @param {Job} job
     * @param {StreamOptions} [options]
     * @returns {AsyncGenerator<import("./follow.js").Line, void, void>}
     */
    lines(job: Job, options?: StreamOptions): AsyncGenerator<import("./follow.js").Line, void, void>;
    /**
     * The same lines as bytes, for those who look into few of them.
     *
     * @param {Job} job
     * @param {StreamOptions} [options]
     * @returns {AsyncGenerator<import("./follow.js").Line<Uint8Array>, void, void>}
     */
    lineBytes(job: Job, options?: StreamOptions): AsyncGenerator<import("./follow.js").Line<Uint8Array>, void, void>;
    /**
     * The job's records, of one domain or of all. A job that does not complete ends them with an error.
     *
     * @param {Job} job
     * @param {Omit<StreamOptions, "limit"> & {domain?: string}} [options]
     * @returns {ReadableStream<Row>}
     */
    records(job: Job, { domain, ...options }?: Omit<StreamOptions, "limit"> & {
        domain?: string;
    }): ReadableStream<Row>;
    /**
     * The address that a browser saves the log from, as a file, without the page's memory.
     *
     * @param {Job} job
     * @returns {string}
     */
    downloadUrl(job: Job): string;
}
