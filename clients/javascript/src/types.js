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

/** The types of the last message of a log. Without one of them a log is not whole. */
export const TERMINAL = new Set(["complete", "error", "cancelled"]);
