/**
 * Holds the container IDs of one submit, so that the page's thread never does: reads texts and files, counts, sends the request.
 */
import { Client } from "tracestream-client";
import { asProblem, type Problem } from "./problems";
import { parseIds, type Duplicate, type ParsedIds } from "./ids";

export type IdsRequest =
  | { kind: "text"; text: string }
  | { kind: "file"; file: File }
  | { kind: "address"; url: string }
  | { kind: "submit"; rest: Record<string, unknown>; key: string };

export interface IdsSummary {
  kind: "summary";
  count: number;
  duplicates: number;
  examples: Duplicate[];
  preview: string[];
}

/** The job's id, or why there is none; `line` is where the ID that a refusal speaks of stands in what was pasted. */
export interface SubmitOutcome {
  kind: "submitted";
  job: string | null;
  problem: Problem | null;
  line: number | null;
}

export type IdsAnswer = IdsSummary | SubmitOutcome | { kind: "unreadable"; reason: string };

const PREVIEW = 6;
const NOTHING: ParsedIds = { ids: [], lines: new Uint32Array(), duplicates: 0, examples: [] };

const client = new Client(undefined, { tries: 4 });
let held = NOTHING;

self.onmessage = async (event: MessageEvent<IdsRequest>) => {
  try {
    post(await answer(event.data));
  } catch (error) {
    post({ kind: "unreadable", reason: error instanceof Error ? error.message : String(error) });
  }
};

async function answer(request: IdsRequest): Promise<IdsAnswer> {
  if (request.kind === "submit") return submit(request.rest, request.key);
  held = NOTHING;
  held = parseIds(await text(request));
  return {
    kind: "summary",
    count: held.ids.length,
    duplicates: held.duplicates,
    examples: held.examples,
    preview: held.ids.slice(0, PREVIEW),
  };
}

async function text(request: Exclude<IdsRequest, { kind: "submit" }>): Promise<string> {
  if (request.kind === "text") return request.text;
  if (request.kind === "file") return request.file.text();
  const response = await fetch(request.url);
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  return response.text();
}

async function submit(rest: Record<string, unknown>, key: string): Promise<SubmitOutcome> {
  const request = { container_ids: held.ids, domains: [], ...rest };
  try {
    const answer = await client.submit(request, { key });
    return { kind: "submitted", job: answer.job_id, problem: null, line: null };
  } catch (error) {
    const problem = asProblem(error);
    const line = typeof problem.index === "number" ? (held.lines[problem.index] ?? null) : null;
    return { kind: "submitted", job: null, problem, line };
  }
}

function post(message: IdsAnswer): void {
  self.postMessage(message);
}
