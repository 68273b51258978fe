/** The worker that holds the container IDs, as the submit form uses it. */
import { onScopeDispose, ref, shallowRef, type Ref } from "vue";
import type { IdsAnswer, IdsRequest, IdsSummary, SubmitOutcome } from "./ids.worker";
import { loadedWorker } from "./loadedworker";

export interface Ids {
  summary: Ref<IdsSummary | null>;
  reading: Ref<boolean>;
  unreadable: Ref<string>;
  read(request: Exclude<IdsRequest, { kind: "submit" }>): Promise<void>;
  submit(rest: Record<string, unknown>): Promise<SubmitOutcome>;
}

export function useIds(): Ids {
  const waiting: ((answer: IdsAnswer) => void)[] = [];
  const worker = loadedWorker<IdsAnswer, IdsRequest>(
    () => new Worker(new URL("./ids.worker.ts", import.meta.url), { type: "module" }),
    (answer) => waiting.shift()?.(answer),
  );
  onScopeDispose(worker.end);

  const summary = shallowRef<IdsSummary | null>(null);
  const reading = ref(false);
  const unreadable = ref("");
  let newest = 0;
  // One key for as long as nothing was changed: a submit that is repeated because its outcome is unknown names the same job.
  let key = newKey();
  let sent = "";

  /** The worker answers in order. */
  function ask(request: IdsRequest): Promise<IdsAnswer> {
    worker.tell(request);
    return new Promise((resolve) => waiting.push(resolve));
  }

  async function read(request: Exclude<IdsRequest, { kind: "submit" }>): Promise<void> {
    const number = ++newest;
    reading.value = true;
    unreadable.value = "";
    sent = "";
    const answer = await ask(request);
    if (number !== newest) return;
    reading.value = false;
    summary.value = answer.kind === "summary" ? answer : null;
    if (answer.kind === "unreadable") unreadable.value = answer.reason;
  }

  async function submit(rest: Record<string, unknown>): Promise<SubmitOutcome> {
    const shape = JSON.stringify(rest);
    if (shape !== sent) key = newKey();
    sent = shape;
    const answer = await ask({ kind: "submit", rest, key });
    if (answer.kind === "submitted") {
      if (!answer.problem || (answer.problem.status >= 400 && answer.problem.status < 500)) sent = "";
      return answer;
    }
    throw new Error(answer.kind === "unreadable" ? answer.reason : "");
  }

  return { summary, reading, unreadable, read, submit };
}

/** Random, also where the page's address is not secure and there is no randomUUID. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(16).padStart(8, "0")).join("");
}
