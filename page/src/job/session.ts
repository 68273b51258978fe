/** One job as a view uses it: its state by asking, its answer by the worker. */
import { computed, onScopeDispose, reactive, ref, shallowReactive, shallowRef } from "vue";
import { ENDED, showJob, type Job } from "../api";
import { loadedWorker } from "../loadedworker";
import { polled } from "../polled";
import { asProblem, type Problem } from "../problems";
import { useKeptRows } from "./keptrows";
import type { Aggregation, Columns, FromWorker, ReadState, ToWorker } from "./messages";

/** What a second of reading and writing moved; `at` in milliseconds. */
export interface Sample {
  at: number;
  read: number;
  written: number | null;
}

const POLL_MS = 1000;
const SLOW_POLL_MS = 5000;
const SAMPLE_MS = 500;
const SAMPLES = 240;
const NOTHING: ReadState = {
  connection: "connecting",
  offset: null,
  resumes: 0,
  bytes: 0,
  lines: 0,
  records: 0,
  kept: 0,
  domains: [],
  ending: null,
  problem: null,
};

export function useJobSession(id: string) {
  const job = shallowRef<Job | null>(null);
  const problem = shallowRef<Problem | null>(null);
  const read = shallowRef<ReadState>(NOTHING);
  const columns = reactive(new Map<string, Columns>());
  const unseen = shallowRef<Problem | null>(null);
  const aggregation = shallowRef<Aggregation | null>(null);
  const paused = ref(false);
  const samples = shallowReactive<Sample[]>([]);
  const copies = new Map<number, { resolve: (text: string) => void; reject: (problem: Problem) => void }>();

  const worker = loadedWorker<FromWorker, ToWorker>(
    () => new Worker(new URL("./worker.ts", import.meta.url), { type: "module" }),
    take,
  );
  const tell = worker.tell;
  const rows = useKeptRows((message) => tell(message, [message.buffer]));
  tell({ kind: "open", job: id, replay: false });

  function take(message: FromWorker): void {
    if (message.kind === "read") {
      read.value = message.state;
    } else if (message.kind === "columns") columns.set(message.domain, message.columns);
    else if (message.kind === "rows") {
      rows.put(message.block);
      unseen.value = null;
    } else if (message.kind === "aggregation") aggregation.value = message.aggregation;
    else if (message.kind === "unseen") unseen.value = message.problem;
    else if (message.text !== null) copies.get(message.ticket)?.resolve(message.text);
    else copies.get(message.ticket)?.reject(message.problem ?? asProblem(""));
  }

  // An ended job changes no more, but may be deleted or expire.
  const pace = (): number => (job.value && ENDED.has(job.value.status) ? SLOW_POLL_MS : POLL_MS);
  const refresh = polled(pace, async () => {
    try {
      job.value = await showJob(id);
      problem.value = null;
    } catch (error) {
      problem.value = asProblem(error);
    }
  });

  let before = { at: performance.now(), read: 0, written: 0 };
  let polledAt = performance.now();
  const sampler = setInterval(() => {
    const at = performance.now();
    const now = { at, read: read.value.bytes, written: job.value?.progress.bytes ?? 0 };
    const live = !read.value.ending && read.value.connection !== "pages" && read.value.connection !== "failed";
    if (live || now.read !== before.read) {
      const seconds = (at - before.at) / 1000;
      const grown = now.written - before.written;
      const written = grown > 0 ? grown / ((at - polledAt) / 1000) : null;
      if (grown > 0 || !job.value) polledAt = at;
      samples.push({ at, read: Math.max(0, now.read - before.read) / seconds, written });
      if (samples.length > SAMPLES) samples.shift();
    }
    before = now;
  }, SAMPLE_MS);

  onScopeDispose(() => {
    clearInterval(sampler);
    worker.end();
  });

  function pause(on: boolean): void {
    paused.value = on;
    tell({ kind: "pause", paused: on });
  }

  /** Reads the whole log again. */
  function replay(): void {
    paused.value = false;
    samples.splice(0);
    read.value = NOTHING;
    rows.clear();
    tell({ kind: "open", job: id, replay: true });
  }

  function look(domain: string, first: number, count: number): void {
    unseen.value = null;
    tell({ kind: "look", domain, first, count });
  }

  let tickets = 0;

  /** Rows as tab-separated text. Rejects with a problem. */
  async function copy(domain: string, first: number, last: number, names: string[]): Promise<string> {
    const ticket = ++tickets;
    tell({ kind: "copy", ticket, domain, first, last, names });
    try {
      return await new Promise<string>((resolve, reject) => copies.set(ticket, { resolve, reject }));
    } finally {
      copies.delete(ticket);
    }
  }

  /** Whether the answer is being read from the stream, so that it can be paused. */
  const reading = computed(() => !["pages", "ended", "failed"].includes(read.value.connection) && !read.value.ending);

  return { job, problem, read, reading, columns, rows, unseen, aggregation, paused, samples, refresh, pause, replay, look, copy };
}

export type JobSession = ReturnType<typeof useJobSession>;
