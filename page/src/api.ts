/** The API as the page's own thread uses it: small documents only, through the client. */
import { Client, type JobState } from "tracestream-client";

export type Job = JobState;
export type Status = JobState["status"];

export interface Offering {
  domains: { name: string; description: string }[];
  aggregations: { name: string; description: string; needs: string[] }[];
  limits: Record<string, number>;
  example_ids: number | null;
}

export const ENDED: ReadonlySet<Status> = new Set<Status>(["complete", "failed", "cancelled"]);
export const EXAMPLE_IDS = "/api/trace/example-ids";


const client = new Client(undefined, { tries: 2 });

/** Where the browser itself saves the answer from. */
export function downloadUrl(id: string): string {
  return client.downloadUrl(id);
}

export async function offering(): Promise<Offering> {
  return (await client.domains()) as Offering;
}

export async function listJobs(limit: number, status: Status | "", after?: string): Promise<Job[]> {
  return (await client.list({ limit, ...(status && { status }), ...(after && { after }) })).jobs;
}

export function showJob(id: string): Promise<Job> {
  return client.status(id);
}

export async function cancelJob(id: string): Promise<void> {
  await client.cancel(id);
}

export function deleteJob(id: string): Promise<void> {
  return client.remove(id);
}
