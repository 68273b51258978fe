/** A number that grows often, followed at once where it matters and else once in a while. */
import { onScopeDispose, ref, watch, type Ref } from "vue";

const PAUSE_MS = 1000;

/**
 * Laying out so many rows anew for each batch that arrives would be work and memory for nothing while nobody is near the end: only the
 * scroll bar shows it. `near` says whether the number that is followed now is about to be seen; `follow` brings it up to the day, for whoever goes to a place beyond it.
 */
export function useSettled(source: () => number, near: (settled: number) => boolean): { settled: Ref<number>; follow: () => void } {
  const settled = ref(source());
  let timer: ReturnType<typeof setTimeout> | undefined;

  function follow(): void {
    clearTimeout(timer);
    timer = undefined;
    settled.value = source();
  }

  watch(source, (now) => {
    if (now < settled.value || near(settled.value)) follow();
    else timer ??= setTimeout(follow, PAUSE_MS);
  });
  onScopeDispose(() => clearTimeout(timer));
  return { settled, follow };
}
