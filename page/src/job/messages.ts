/** What the page and the worker of one job say to each other. */
import type { Problem } from "../problems";

export type Connection =
  | "connecting"
  | "streaming"
  | "waiting"
  | "paused"
  | "retrying"
  | "pages"
  | "ended"
  | "failed";

export interface DomainRead {
  name: string;
  /** Records that the page has taken. */
  records: number;
  /** Rows that can be shown. */
  rows: number;
  ended: boolean;
}

export type Ending = "complete" | "error" | "cancelled";

/** How far the reading is. Bytes are those of the lines taken. */
export interface ReadState {
  connection: Connection;
  offset: number | null;
  resumes: number;
  bytes: number;
  lines: number;
  records: number;
  kept: number;
  domains: DomainRead[];
  ending: Ending | null;
  problem: Problem | null;
}

export interface Columns {
  names: string[];
  types: string[];
  numeric: boolean[];
  /** How wide the widest of the first values is, in half-width characters; empty until there are some. */
  widest: number[];
}

/** The rows of a group as far as they have come; of a group that grows, the newest version counts. */
export interface RowBlock {
  domain: string;
  index: number;
  version: number;
  rows: number;
  columns: number;
  buffer: ArrayBuffer;
}

export interface Aggregation {
  name: string;
  data: unknown;
}

export type ToWorker =
  | { kind: "open"; job: string; replay: boolean }
  | { kind: "pause"; paused: boolean }
  | { kind: "look"; domain: string; first: number; count: number }
  | { kind: "back"; domain: string; index: number; version: number; buffer: ArrayBuffer }
  | { kind: "copy"; ticket: number; domain: string; first: number; last: number; names: string[] };

export type FromWorker =
  | { kind: "read"; state: ReadState }
  | { kind: "columns"; domain: string; columns: Columns }
  | { kind: "rows"; block: RowBlock }
  | { kind: "aggregation"; aggregation: Aggregation }
  | { kind: "unseen"; problem: Problem }
  | { kind: "copied"; ticket: number; text: string | null; problem: Problem | null };
