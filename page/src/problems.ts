/** Problem documents (RFC 9457), and which field of the form one speaks of. Pure. */

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  index?: number;
  [member: string]: unknown;
}

export type Field = "container_ids" | "domains" | "aggregation" | "batch_size" | "ttl_seconds" | "form";

const PREFIX = "urn:tracestream:problem:";
const FIELDS: Record<string, Field> = {
  "invalid-container-id": "container_ids",
  "too-many-container-ids": "container_ids",
  "body-too-large": "container_ids",
  "missing-container-ids": "container_ids",
  "unknown-domain": "domains",
  "missing-domain": "domains",
  "unknown-aggregation": "aggregation",
};
const MEMBER = /\b(container_ids|domains|aggregation|batch_size|ttl_seconds)\b/;

/** The last part of a problem's type. */
export function kindOf(problem: Problem): string {
  return problem.type.startsWith(PREFIX) ? problem.type.slice(PREFIX.length) : problem.type;
}

/** The field to show it beside. A body that is refused as a whole names the member in its sentence. */
export function fieldOf(problem: Problem): Field {
  const known = FIELDS[kindOf(problem)];
  if (known) return known;
  const member = kindOf(problem) === "invalid-body" ? MEMBER.exec(problem.detail)?.[1] : undefined;
  return (member as Field | undefined) ?? "form";
}

/** Whatever went wrong, as a problem that can be shown: the client's errors hold the document they came from. */
export function asProblem(error: unknown): Problem {
  if (isProblem(error) && !(error instanceof Error)) return error;
  const inner = (error as { members?: unknown } | null)?.members;
  if (isProblem(inner)) return inner;
  const detail = error instanceof Error ? error.message : String(error);
  return { type: "about:blank", title: "", status: 0, detail };
}

/** What the form itself says of a field that was left empty. */
export function missing(kind: "missing-container-ids" | "missing-domain", title: string): Problem {
  return { type: PREFIX + kind, title, status: 0, detail: "" };
}

export function isProblem(value: unknown): value is Problem {
  const one = value as Partial<Problem> | null;
  return typeof one === "object" && one !== null && typeof one.type === "string" && typeof one.detail === "string";
}
