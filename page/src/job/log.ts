/** A job's log and pages, as bytes: what the reading needs of the client, which resumes by itself. */
import { Client, type Connection as ClientConnection, type JobState } from "tracestream-client";
import { asProblem } from "../problems";

export interface Line {
  offset: number;
  type: string;
  content: Uint8Array;
  /** Bytes that had come when it was whole. */
  received: number;
}

const client = new Client();

export function fetchState(job: string, signal: AbortSignal): Promise<JobState> {
  return client.status(job, { signal });
}

/** The lines from the beginning on, to the terminal one. Nothing is read ahead of what is taken. */
export function openLines(
  job: string,
  options: { signal: AbortSignal; onConnection: (connection: ClientConnection) => void },
): AsyncIterable<Line> {
  return client.lineBytes(job, options);
}

/** The first two lines: what was asked for, and the first domain's columns. */
export function firstLines(job: string, signal: AbortSignal): AsyncIterable<Line> {
  return client.lineBytes(job, { limit: 2, signal });
}

/** The last two lines of an ended job's log: the aggregation, where there is one, stands before the terminal line. */
export function lastLines(job: string, end: number, signal: AbortSignal): AsyncIterable<Line> {
  return client.lineBytes(job, { offset: Math.max(0, end - 2), signal });
}

/** The bytes of a page: parsed by the client, its numbers would be doubles. */
export async function pageBytes(
  job: string,
  domain: string,
  offset: number,
  limit: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const query = new URLSearchParams({ domain, offset: String(offset), limit: String(limit) });
  const response = await fetch(`/api/trace/job/${encodeURIComponent(job)}/result?${query}`, { signal });
  if (response.ok) return new Uint8Array(await response.arrayBuffer());
  const text = await response.text();
  throw text.startsWith("{") ? asProblem(JSON.parse(text)) : new Error(response.statusText);
}
