/** Tracestream's client: see README.md. */
export { Client } from "./client.js";
export { ConnectionLost, JobCancelled, JobExpired, JobFailed, NotTracestream, ProblemError, RequestProblem, ServiceProblem, TracestreamError, UnknownJob, } from "./errors.js";
export { flowOfThisEngine } from "./flow.js";
export { MessageStream } from "./stream.js";
export { recordsOf } from "./records.js";
export { LineStream, MessageParserStream } from "./transforms.js";
export { TERMINAL } from "./types.js";
export type Message = import("./types.js").Message;
export type Row = import("./types.js").Row;
export type Column = import("./types.js").Column;
export type JobState = import("./types.js").JobState;
export type Submitted = import("./types.js").Submitted;
export type SubmitRequest = import("./types.js").SubmitRequest;
export type Page = import("./types.js").Page;
export type Offering = import("./types.js").Offering;
export type Connection = import("./follow.js").Connection;
export type ClientOptions = import("./client.js").ClientOptions;
export type StreamOptions = import("./stream.js").StreamOptions;
/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Row} Row */
/** @typedef {import("./types.js").Column} Column */
/** @typedef {import("./types.js").JobState} JobState */
/** @typedef {import("./types.js").Submitted} Submitted */
/** @typedef {import("./types.js").SubmitRequest} SubmitRequest */
/** @typedef {import("./types.js").Page} Page */
/** @typedef {import("./types.js").Offering} Offering */
/** @typedef {import("./follow.js").Connection} Connection */
/** @typedef {import("./client.js").ClientOptions} ClientOptions */
/** @typedef {import("./stream.js").StreamOptions} StreamOptions */
