/** How far one element is scrolled, for a virtualizer of its rows and one of its columns. */
import type { Virtualizer } from "@tanstack/vue-virtual";

type Tell = (offset: number, isScrolling: boolean) => void;
type Side = "scrollTop" | "scrollLeft";

const AT_REST_MS = 150;

/**
 * Answers what both virtualizers take as `observeElementOffset`. With a listener each, the first one's news would be drawn before the second
 * one reads, and reading behind a change of the document lays all of it out at once. So one listener reads both, and then tells of what changed.
 */
export function sharedOffsets() {
  const told: Partial<Record<Side, Tell>> = {};
  const at: Record<Side, number> = { scrollTop: 0, scrollLeft: 0 };
  let moving: Side[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;

  function scrolled(event: Event): void {
    const element = event.target as Element;
    const now: Record<Side, number> = { scrollTop: element.scrollTop, scrollLeft: element.scrollLeft };
    for (const side of ["scrollTop", "scrollLeft"] as const) {
      if (now[side] === at[side]) continue;
      at[side] = now[side];
      if (!moving.includes(side)) moving.push(side);
      told[side]?.(now[side], true);
    }
    clearTimeout(timer);
    timer = setTimeout(atRest, AT_REST_MS);
  }

  function atRest(): void {
    for (const side of moving) told[side]?.(at[side], false);
    moving = [];
  }

  return function observe(virtualizer: Virtualizer<HTMLElement, Element>, tell: Tell): (() => void) | undefined {
    const element = virtualizer.scrollElement;
    if (!element) return undefined;
    const side = virtualizer.options.horizontal ? "scrollLeft" : "scrollTop";
    told[side] = tell;
    at[side] = element[side];
    // The same function is added once, however often it is asked for.
    element.addEventListener("scroll", scrolled, { passive: true });
    return () => {
      delete told[side];
      if (Object.keys(told).length) return;
      clearTimeout(timer);
      element.removeEventListener("scroll", scrolled);
    };
  };
}
