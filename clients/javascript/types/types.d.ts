/**
 * The contract's shapes, as the gateway sends them. Members are named as in the API.
 *
 * @typedef {"queued" | "running" | "extracted" | "complete" | "failed" | "cancelled" | "expired"} Status
 *
 * @typedef {object} Column
 * @property {string} name
 * @property {string} type the database's type
 * @property {string} json what a value looks like: number, string, timestamp …
 * @property {boolean} [exact_as_double] numbers only: false where a double would change some values
 *
 * @typedef {Record<string, any>} Row one record: every column of its domain, in order
 *
 * @typedef {object} Meta
 * @property {number} offset
 * @property {"meta"} type
 * @property {string} job_id
 * @property {string[]} domains
 * @property {number} cid_count
 * @property {number} duplicates_dropped
 * @property {string | null} aggregation
 * @property {number} batch_size
 *
 * @typedef {object} DomainStart
 * @property {number} offset
 * @property {"domain_start"} type
 * @property {string} domain
 * @property {number} total_chunks
 * @property {Column[]} columns
 *
 * @typedef {object} Records
 * @property {number} offset
 * @property {"records"} type
 * @property {string} domain
 * @property {number} batch counts from 1 in each domain
 * @property {Row[]} data
 *
 * @typedef {object} DomainEnd
 * @property {number} offset
 * @property {"domain_end"} type
 * @property {string} domain
 * @property {number} total_records
 * @property {number} total_batches
 * @property {number} null_container_rows
 *
 * @typedef {object} Aggregation
 * @property {number} offset
 * @property {"aggregation"} type
 * @property {string} name
 * @property {any} data
 *
 * @typedef {object} Complete
 * @property {number} offset
 * @property {"complete"} type
 * @property {number} elapsed_seconds
 * @property {number} total_records
 *
 * @typedef {object} Failure
 * @property {number} offset
 * @property {"error"} type
 * @property {ProblemDocument} problem
 *
 * @typedef {object} Cancelled
 * @property {number} offset
 * @property {"cancelled"} type
 * @property {number} elapsed_seconds
 *
 * @typedef {Meta | DomainStart | Records | DomainEnd | Aggregation | Complete | Failure | Cancelled} Message
 *
 * @typedef {object} ProblemDocument RFC 9457
 * @property {string} type
 * @property {string} [title]
 * @property {number} [status]
 * @property {string} [detail]
 *
 * @typedef {object} SubmitRequest
 * @property {string[]} container_ids
 * @property {string[]} domains
 * @property {string} [aggregation]
 * @property {number} [batch_size]
 * @property {number} [ttl_seconds]
 *
 * @typedef {object} Submitted
 * @property {string} job_id
 * @property {Status} status
 * @property {number} cid_count
 * @property {number} duplicates_dropped
 *
 * @typedef {object} DomainProgress
 * @property {number} chunks
 * @property {number} total_chunks
 * @property {number} records
 * @property {number} bytes
 * @property {boolean} ended
 *
 * @typedef {object} Progress
 * @property {number} chunks
 * @property {number} total_chunks
 * @property {number} records
 * @property {number} bytes
 * @property {number | null} eta_seconds
 * @property {number | null} queue_position
 * @property {Record<string, DomainProgress>} domains
 *
 * @typedef {object} JobState
 * @property {string} job_id
 * @property {Status} status
 * @property {Progress} progress
 * @property {number} cid_count
 * @property {number} duplicates_dropped
 * @property {string[]} domains
 * @property {string | null} aggregation
 * @property {number} batch_size
 * @property {number} ttl_seconds
 * @property {number} tries
 * @property {number} end_offset
 * @property {number | null} scn
 * @property {string} submitted_at
 * @property {string | null} started_at
 * @property {string | null} ended_at
 * @property {string | null} expires_at
 * @property {ProblemDocument | null} problem
 *
 * @typedef {object} Answer of a small job that was waited for
 * @property {JobState} job
 * @property {Record<string, Row[]>} domains the records of each
 * @property {any} aggregation
 *
 * @typedef {object} Page
 * @property {string} domain
 * @property {number} offset the record offset of the first record, from 0 in the domain
 * @property {number} limit
 * @property {number | null} total null until the domain has ended
 * @property {Status} status
 * @property {Row[]} data
 * @property {number | null} next the offset of the next page; null behind the last
 * @property {number | null} retry_after seconds after which `next` may have records; null when it has some now
 *
 * @typedef {object} Offering
 * @property {{name: string, description: string}[]} domains
 * @property {{name: string, description: string, needs: string[]}[]} aggregations
 * @property {Record<string, number>} limits
 *
 * @typedef {string | {job_id: string}} Job a job's id, or anything that names it: the answer to a submit, a state
 */
export type Status = "queued" | "running" | "extracted" | "complete" | "failed" | "cancelled" | "expired";
export type Column = {
    name: string;
    /**
     * the database's type
     */
    type: string;
    /**
     * what a value looks like: number, string, timestamp …
     */
    json: string;
    /**
     * numbers only: false where a double would change some values
     */
    exact_as_double?: boolean;
};
export type Row = Record<string, any>;
export type Meta = {
    offset: number;
    type: "meta";
    job_id: string;
    domains: string[];
    cid_count: number;
    duplicates_dropped: number;
    aggregation: string | null;
    batch_size: number;
};
export type DomainStart = {
    offset: number;
    type: "domain_start";
    domain: string;
    total_chunks: number;
    columns: Column[];
};
export type Records = {
    offset: number;
    type: "records";
    domain: string;
    /**
     * counts from 1 in each domain
     */
    batch: number;
    data: Row[];
};
export type DomainEnd = {
    offset: number;
    type: "domain_end";
    domain: string;
    total_records: number;
    total_batches: number;
    null_container_rows: number;
};
export type Aggregation = {
    offset: number;
    type: "aggregation";
    name: string;
    data: any;
};
export type Complete = {
    offset: number;
    type: "complete";
    elapsed_seconds: number;
    total_records: number;
};
export type Failure = {
    offset: number;
    type: "error";
    problem: ProblemDocument;
};
export type Cancelled = {
    offset: number;
    type: "cancelled";
    elapsed_seconds: number;
};
export type Message = Meta | DomainStart | Records | DomainEnd | Aggregation | Complete | Failure | Cancelled;
export type ProblemDocument = {
    type: string;
    title?: string;
    status?: number;
    detail?: string;
};
export type SubmitRequest = {
    container_ids: string[];
    domains: string[];
    aggregation?: string;
    batch_size?: number;
    ttl_seconds?: number;
};
export type Submitted = {
    job_id: string;
    status: Status;
    cid_count: number;
    duplicates_dropped: number;
};
export type DomainProgress = {
    chunks: number;
    total_chunks: number;
    records: number;
    bytes: number;
    ended: boolean;
};
export type Progress = {
    chunks: number;
    total_chunks: number;
    records: number;
    bytes: number;
    eta_seconds: number | null;
    queue_position: number | null;
    domains: Record<string, DomainProgress>;
};
export type JobState = {
    job_id: string;
    status: Status;
    progress: Progress;
    cid_count: number;
    duplicates_dropped: number;
    domains: string[];
    aggregation: string | null;
    batch_size: number;
    ttl_seconds: number;
    tries: number;
    end_offset: number;
    scn: number | null;
    submitted_at: string;
    started_at: string | null;
    ended_at: string | null;
    expires_at: string | null;
    problem: ProblemDocument | null;
};
export type Answer = {
    job: JobState;
    /**
     * the records of each
     */
    domains: Record<string, Row[]>;
    aggregation: any;
};
export type Page = {
    domain: string;
    /**
     * the record offset of the first record, from 0 in the domain
     */
    offset: number;
    limit: number;
    /**
     * null until the domain has ended
     */
    total: number | null;
    status: Status;
    data: Row[];
    /**
     * the offset of the next page; null behind the last
     */
    next: number | null;
    /**
     * seconds after which `next` may have records; null when it has some now
     */
    retry_after: number | null;
};
export type Offering = {
    domains: {
        name: string;
        description: string;
    }[];
    aggregations: {
        name: string;
        description: string;
        needs: string[];
    }[];
    limits: Record<string, number>;
};
export type Job = string | {
    job_id: string;
};
/** The types of the last message of a log. Without one of them a log is not whole. */
export declare const TERMINAL: Set<string>;
