/** Asks again and again while somebody looks. */
import { onMounted, onScopeDispose } from "vue";

/** Calls `work` on mounting and `pause()` milliseconds after each end, not while the tab is hidden. Returns a call out of turn. */
export function polled(pause: () => number, work: () => Promise<void>): () => Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let over = false;

  async function round(): Promise<void> {
    clearTimeout(timer);
    if (!document.hidden) await work();
    clearTimeout(timer);
    if (!over) timer = setTimeout(() => void round(), pause());
  }

  const seen = (): void => {
    if (!document.hidden) void round();
  };
  onMounted(() => {
    document.addEventListener("visibilitychange", seen);
    void round();
  });
  onScopeDispose(() => {
    over = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", seen);
  });
  return round;
}
