/** A job as Vue 3 state: what a page shows of it while its answer streams. */

import {onScopeDispose, ref, shallowReactive, shallowRef, toValue, watch} from "vue";

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
export function useTraceJob(client, job, {onRecords, onMessage, ...streaming} = {}) {
  const meta = shallowRef(/** @type {Meta | null} */ (null));
  const domains = shallowReactive(/** @type {Record<string, DomainState>} */ ({}));
  const aggregation = shallowRef(/** @type {Aggregation | null} */ (null));
  const end = shallowRef(/** @type {Complete | Failure | Cancelled | null} */ (null));
  const error = shallowRef(/** @type {unknown} */ (null));
  const connection = shallowRef(/** @type {Connection | null} */ (null));
  const offset = ref(0);
  const paused = ref(false);
  /** @type {AbortController | null} */
  let running = null;
  /** @type {() => void} */
  let goOn = () => {};

  function clear() {
    for (const name of Object.keys(domains)) delete domains[name];
    meta.value = aggregation.value = end.value = error.value = connection.value = null;
    offset.value = streaming.offset ?? 0;
  }

  /** @param {Job} wanted @param {AbortSignal} signal */
  async function read(wanted, signal) {
    const onConnection = (/** @type {Connection} */ now) => {
      if (!signal.aborted) connection.value = now;
    };
    try {
      const stream = client.stream(wanted, {...streaming, signal, onConnection});
      for await (const message of stream) {
        if (signal.aborted) return;
        await take(message);
        offset.value = stream.offset;
        while (paused.value && !signal.aborted) await new Promise((resolve) => (goOn = () => resolve(undefined)));
      }
    } catch (caught) {
      if (!signal.aborted) error.value = caught;
    }
  }

  /** @param {Message} message */
  async function take(message) {
    await onMessage?.(message);
    if (message.type === "meta") meta.value = message;
    else if (message.type === "domain_start") {
      domains[message.domain] = {name: message.domain, columns: message.columns, records: 0, total: null};
    } else if (message.type === "records") await takeRecords(message.domain, message.data);
    else if (message.type === "domain_end") change(message.domain, {total: message.total_records});
    else if (message.type === "aggregation") aggregation.value = message;
    else if (message.type === "complete" || message.type === "error" || message.type === "cancelled") end.value = message;
  }

  /** @param {string} domain @param {Row[]} records */
  async function takeRecords(domain, records) {
    const first = domains[domain]?.records ?? 0;
    await onRecords?.(domain, records, first);
    change(domain, {records: first + records.length});
  }

  /** @param {string} domain @param {Partial<DomainState>} changes */
  function change(domain, changes) {
    const now = domains[domain] ?? {name: domain, columns: [], records: 0, total: null};
    domains[domain] = {...now, ...changes};
  }

  function pause() {
    paused.value = true;
  }

  function resume() {
    paused.value = false;
    goOn();
  }

  function stop() {
    running?.abort();
    running = null;
    goOn();
  }

  const jobId = () => {
    const now = toValue(job);
    return typeof now === "object" && now !== null ? now.job_id : now;
  };
  watch(
    jobId,
    (wanted) => {
      stop();
      clear();
      if (!wanted) return;
      running = new AbortController();
      void read(wanted, running.signal);
    },
    {immediate: true},
  );
  onScopeDispose(stop);
  return {meta, domains, aggregation, end, error, connection, offset, paused, pause, resume, stop};
}
