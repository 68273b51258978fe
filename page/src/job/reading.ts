/**
 * One reading of a job: from its stream while it is written, or from its pages when it had ended before anybody looked.
 *
 * Lines of records are cut into their records and these kept as the bytes they are; only what is looked at is parsed. What is looked at
 * and not kept comes back through the page API. A paused reading takes nothing, and so the server soon sends nothing.
 */
import { asProblem } from "../problems";
import { encodeBlock } from "./blocks";
import { fetchState, firstLines, lastLines, openLines, pageBytes, type Line } from "./log";
import type { Columns, DomainRead, FromWorker, ReadState, ToWorker } from "./messages";
import { free } from "./memory";
import { countOf, cutRecords, joined, tabSeparated, widest, type Cell, type ParsedRecords, type Records } from "./records";
import { GROUP_ROWS, groupOf, RowStore } from "./store";
import { isWanted, wantedGroups, type Looked } from "./wanted";

/** Bytes of rows that are kept for all domains together. */
const BUDGET = 10_000_000;
const PAGE_GROUPS = 8;
/** Buffers that wait to be used again. */
const SPARES = 4;
const TELL_MS = 250;
const AGAIN_MS = 2000;
/** Nothing came for so long: there is nothing to read at the moment. */
const QUIET_MS = 1500;

/** The domain stands before the records. */
const HEAD_BYTES = 2000;
const DOMAIN = /"domain":("(?:[^"\\]|\\.)*")/;

const decoder = new TextDecoder();

/** The client's words for a connection, in those of the page. */
const SHOWN = { connecting: "connecting", open: "waiting", waiting: "retrying" } as const;

interface View extends Looked {
  domain: string;
}

interface Domain extends DomainRead {
  store: RowStore;
  columns: Columns | null;
}

interface ColumnEntry {
  name: string;
  type?: string;
  json?: string;
}

export class Reading {
  private readonly domains = new Map<string, Domain>();
  private readonly over = new AbortController();
  private readonly state: Omit<ReadState, "domains" | "kept"> = {
    connection: "connecting",
    offset: null,
    resumes: 0,
    bytes: 0,
    lines: 0,
    records: 0,
    ending: null,
    problem: null,
  };
  private budget = BUDGET;
  private view: View | null = null;
  /** What the page has of the domain that it looks at, by group. */
  private readonly sent = new Map<number, { rows: number; version: number }>();
  private readonly spares: ArrayBuffer[] = [];
  private version = 0;
  private gate: { wait: Promise<void>; open: () => void } | null = null;
  private fetching = false;
  private timer: ReturnType<typeof setInterval> | undefined;
  private changed = true;
  private tookAt = 0;

  constructor(
    private readonly job: string,
    private readonly post: (message: FromWorker, transfer?: Transferable[]) => void,
  ) {}

  async run(replay: boolean): Promise<void> {
    this.timer = setInterval(() => this.tick(), TELL_MS);
    while (!(await this.attempt(replay))) await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    clearInterval(this.timer);
    this.changed = true;
    this.tell();
  }

  /** Reads to the end; false when the gateway could not be asked, and nothing is lost by asking from the beginning. */
  private async attempt(replay: boolean): Promise<boolean> {
    let browsing = false;
    try {
      const job = await fetchState(this.job, this.over.signal);
      this.budget = BUDGET / Math.max(1, job.domains.length);
      browsing = ["complete", "failed", "cancelled"].includes(job.status) && !replay;
      await (browsing ? this.browse(job) : this.stream());
      return true;
    } catch (error) {
      if (this.over.signal.aborted) return true;
      const problem = asProblem(error);
      const away = problem.status === 0 || problem.status >= 500;
      if (away && (browsing || !this.state.lines)) {
        this.connected("retrying");
        return false;
      }
      this.state.problem = problem;
      this.connected("failed");
      return true;
    }
  }

  close(): void {
    this.over.abort();
    clearInterval(this.timer);
    this.gate?.open();
  }

  pause(paused: boolean): void {
    if (paused && !this.gate) {
      let open = (): void => undefined;
      const wait = new Promise<void>((resolve) => (open = resolve));
      this.gate = { wait, open };
      this.connected("paused");
    } else if (!paused && this.gate) {
      this.gate.open();
      this.gate = null;
      this.connected("streaming");
    }
  }

  look(domain: string, first: number, count: number): void {
    const before = this.view?.domain === domain ? this.view : null;
    if (!before) this.sent.clear();
    this.view = { domain, first, count, backwards: before !== null && first < before.first };
    this.domains.get(domain)?.store.look(first + count / 2);
    this.show();
  }

  /** The page shows a block no more. */
  takeBack({ domain, index, version, buffer }: Extract<ToWorker, { kind: "back" }>): void {
    if (domain === this.view?.domain && this.sent.get(index)?.version === version) this.sent.delete(index);
    if (this.spares.length < SPARES) this.spares.push(buffer);
  }

  /** Answers rows as tab-separated text, those too that have to be fetched. */
  async copy({ ticket, domain: name, first, last, names }: Extract<ToWorker, { kind: "copy" }>): Promise<void> {
    try {
      const domain = this.domain(name);
      const rows: Cell[][] = [];
      const end = Math.min(last + 1, domain.rows);
      for (let row = first; row < end; row = (groupOf(row) + 1) * GROUP_ROWS) {
        const index = groupOf(row);
        const group = domain.store.group(index) ?? (await this.load(domain, index)) ?? domain.store.group(index);
        if (!group) break;
        const places = names.map((name) => group.names.indexOf(name));
        const from = index * GROUP_ROWS;
        for (const cells of group.rows.slice(row - from, end - from)) rows.push(places.map((place) => cells[place] ?? null));
      }
      this.post({ kind: "copied", ticket, text: tabSeparated(names, rows), problem: null });
    } catch (error) {
      this.post({ kind: "copied", ticket, text: null, problem: asProblem(error) });
    }
  }

  private async stream(): Promise<void> {
    const lines = openLines(this.job, {
      signal: this.over.signal,
      onConnection: ({ state, resumes }) => {
        this.state.resumes = resumes;
        if (state !== "ended" && state !== "failed") this.connected(SHOWN[state]);
      },
    });
    for await (const line of lines) {
      this.take(line);
      while (this.gate) await this.gate.wait;
    }
    if (!this.over.signal.aborted) this.connected("ended");
  }

  private async browse(job: Awaited<ReturnType<typeof fetchState>>): Promise<void> {
    for await (const line of firstLines(this.job, this.over.signal)) if (line.type === "domain_start") this.take(line);
    for (const [name, counts] of Object.entries(job.progress.domains)) {
      const domain = this.domain(name);
      domain.store.count = domain.rows = counts.records;
      domain.ended = counts.ended;
    }
    if (job.aggregation && job.status === "complete") {
      for await (const line of lastLines(this.job, job.end_offset, this.over.signal)) {
        if (line.type === "aggregation") this.take(line);
      }
    }
    this.state.problem = job.problem && asProblem(job.problem);
    this.state.ending = job.status === "failed" ? "error" : (job.status as "complete" | "cancelled");
    this.state.bytes = this.state.lines = 0;
    this.state.offset = null;
    this.connected("pages");
    this.show();
  }

  private take(line: Line): void {
    this.changed = true;
    this.state.offset = line.offset;
    this.state.bytes = line.received;
    this.state.lines += 1;
    this.tookAt = performance.now();
    if (this.state.connection === "waiting") this.connected("streaming");
    if (line.type === "records") {
      this.records(line);
      free(line.content);
      return;
    }
    const message = JSON.parse(decoder.decode(line.content)) as Record<string, unknown>;
    if (line.type === "domain_start") this.start(message);
    else if (line.type === "domain_end") this.domain(String(message.domain)).ended = true;
    else if (line.type === "aggregation") {
      this.post({ kind: "aggregation", aggregation: { name: String(message.name), data: message.data } });
    } else if (line.type === "complete" || line.type === "error" || line.type === "cancelled") {
      this.state.ending = line.type;
      if (line.type === "error") this.state.problem = asProblem(message.problem);
    }
  }

  private records(line: Line): void {
    const domain = this.domain(domainOf(line.content));
    const records = cutRecords(line.content);
    const before = domain.rows;
    domain.store.append(records);
    domain.records += countOf(records);
    domain.rows = domain.store.count;
    this.state.records += countOf(records);
    if (this.view?.domain === domain.name && isWanted(this.view, before)) this.show();
  }

  private start(message: Record<string, unknown>): void {
    const columns = (message.columns ?? []) as ColumnEntry[];
    const domain = this.domain(String(message.domain));
    this.columns(domain, {
      names: columns.map((column) => column.name),
      types: columns.map((column) => column.type ?? ""),
      numeric: columns.map((column) => column.json === "number" || column.json === "integer"),
      widest: [],
    });
  }

  private columns(domain: Domain, columns: Columns): void {
    domain.columns = columns;
    this.post({ kind: "columns", domain: domain.name, columns });
  }

  private domain(name: string): Domain {
    let found = this.domains.get(name);
    if (!found) {
      const store = new RowStore(this.budget);
      found = { name, records: 0, rows: 0, ended: false, store, columns: null };
      this.domains.set(name, found);
      this.changed = true;
    }
    return found;
  }

  /** Sends the page what it lacks of what it looks at and is about to, and fetches what is not kept. */
  private show(): void {
    const view = this.view;
    const domain = view && this.domains.get(view.domain);
    if (!view || !domain) return;
    let missing = -1;
    for (const index of wantedGroups(view, domain.rows)) {
      if (this.sent.get(index)?.rows === domain.store.rowsIn(index)) continue;
      const group = domain.store.group(index);
      if (group) this.send(domain, index, group);
      else if (missing < 0) missing = index;
    }
    if (missing >= 0) void this.fetch(domain, missing);
  }

  private send(domain: Domain, index: number, { names, numeric, rows }: ParsedRecords): void {
    if (!domain.columns?.widest.length) {
      this.columns(domain, { ...(domain.columns ?? { names, types: [], numeric }), widest: widest(rows) });
    }
    const version = ++this.version;
    this.sent.set(index, { rows: rows.length, version });
    const buffer = encodeBlock(rows, names.length, this.spares.pop());
    const block = { domain: domain.name, index, version, rows: rows.length, columns: names.length, buffer };
    this.post({ kind: "rows", block }, [buffer]);
  }

  private async fetch(domain: Domain, index: number): Promise<void> {
    if (this.fetching) return;
    this.fetching = true;
    try {
      await this.load(domain, index);
    } catch (error) {
      if (this.over.signal.aborted) return;
      this.post({ kind: "unseen", problem: asProblem(error) });
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    } finally {
      this.fetching = false;
    }
    this.changed = true;
    this.show();
    this.tell();
  }

  /** Brings a group, and the next ones, back through the page API. */
  private async load(domain: Domain, index: number): Promise<undefined> {
    const first = index * GROUP_ROWS;
    const parts: Records[] = [];
    let got = 0;
    // A page may be cut by its size, so a group can take several.
    do {
      const wanted = PAGE_GROUPS * GROUP_ROWS - got;
      const found = cutRecords(await pageBytes(this.job, domain.name, first + got, wanted, this.over.signal));
      if (!countOf(found)) break;
      parts.push(found);
      got += countOf(found);
    } while (got < GROUP_ROWS && first + got < domain.rows);
    domain.store.insert(first, joined(parts));
  }

  private connected(connection: ReadState["connection"]): void {
    this.state.connection = this.gate && connection !== "failed" ? "paused" : connection;
    this.changed = true;
    this.tell();
  }

  private tick(): void {
    const quiet = performance.now() - this.tookAt > QUIET_MS;
    if (quiet && this.state.connection === "streaming") this.connected("waiting");
    this.tell();
  }

  private tell(): void {
    if (!this.changed || this.over.signal.aborted) return;
    this.changed = false;
    const domains = [...this.domains.values()].map(({ name, records, rows, ended }) => ({ name, records, rows, ended }));
    const kept = [...this.domains.values()].reduce((sum, domain) => sum + domain.store.bytes, 0);
    this.post({ kind: "read", state: { ...this.state, domains, kept } });
  }
}

/** The domain of a line of records, from its head. */
function domainOf(line: Uint8Array): string {
  return String(JSON.parse(DOMAIN.exec(decoder.decode(line.subarray(0, HEAD_BYTES)))?.[1] ?? '""'));
}
