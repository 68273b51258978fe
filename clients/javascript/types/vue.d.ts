/** A job as Vue 3 state: what a page shows of it while its answer streams. */
import type { MaybeRefOrGetter, Ref, ShallowRef } from "vue";
import type { Client } from "./client.js";
import type { Connection } from "./follow.js";
import type { StreamOptions } from "./stream.js";
import type { Aggregation, Cancelled, Column, Complete, Failure, Job, Message, Meta, Row } from "./types.js";
export type DomainState = {
    name: string;
    columns: Column[];
    /**
     * that came so far
     */
    records: number;
    /**
     * known when the domain has ended
     */
    total: number | null;
};
export type TraceJobOptions = Omit<StreamOptions, "signal" | "onConnection"> & {
    onRecords?: (domain: string, records: Row[], first: number) => void | Promise<void>;
    onMessage?: (message: Message) => void | Promise<void>;
};
export type TraceJob = {
    meta: ShallowRef<Meta | null>;
    /**
     * reactive
     */
    domains: Record<string, DomainState>;
    aggregation: ShallowRef<Aggregation | null>;
    /**
     * the last message
     */
    end: ShallowRef<Complete | Failure | Cancelled | null>;
    /**
     * why it stopped before the end
     */
    error: ShallowRef<unknown>;
    connection: ShallowRef<Connection | null>;
    /**
     * behind the last message taken
     */
    offset: Ref<number>;
    paused: Readonly<Ref<boolean>>;
    /**
     * takes nothing more: the server stands still
     */
    pause: () => void;
    resume: () => void;
    /**
     * for good
     */
    stop: () => void;
};
/**
 * @import {MaybeRefOrGetter, Ref, ShallowRef} from "vue"
 * @import {Client} from "./client.js"
 * @import {Connection} from "./follow.js"
 * @import {StreamOptions} from "./stream.js"
 * @import {Aggregation, Cancelled, Column, Complete, Failure, Job, Message, Meta, Row} from "./types.js"
 *
 * @typedef {object} DomainState
 * @property {string} name
 * @property {Column[]} columns
 * @property {number} records that came so far
 * @property {number | null} total known when the domain has ended
 *
 * @typedef {Omit<StreamOptions, "signal" | "onConnection"> & {
 *   onRecords?: (domain: string, records: Row[], first: number) => void | Promise<void>,
 *   onMessage?: (message: Message) => void | Promise<void>,
 * }} TraceJobOptions `onRecords` gets each batch with the number of its first record, from 0 in the domain. The composable keeps no
 *   record. A promise is waited for before more is taken
 *
 * @typedef {object} TraceJob
 * @property {ShallowRef<Meta | null>} meta
 * @property {Record<string, DomainState>} domains reactive
 * @property {ShallowRef<Aggregation | null>} aggregation
 * @property {ShallowRef<Complete | Failure | Cancelled | null>} end the last message
 * @property {ShallowRef<unknown>} error why it stopped before the end
 * @property {ShallowRef<Connection | null>} connection
 * @property {Ref<number>} offset behind the last message taken
 * @property {Readonly<Ref<boolean>>} paused
 * @property {() => void} pause takes nothing more: the server stands still
 * @property {() => void} resume
 * @property {() => void} stop for good
 */
/**
 * Reads a job and shows it. Begins anew when the job changes, stops with the component.
 *
 * @param {Client} client
 * @param {MaybeRefOrGetter<Job | null | undefined>} job nothing is read while it is null
 * @param {TraceJobOptions} [options]
 * @returns {TraceJob}
 */
export declare function useTraceJob(client: Client, job: MaybeRefOrGetter<Job | null | undefined>, { onRecords, onMessage, ...streaming }?: TraceJobOptions): TraceJob;
