/** Which groups of rows a page is to have: those that it looks at, and those that it is about to scroll to. Pure. */
import { groupOf } from "./store";

/** Rows that are looked at, and whether somebody got there by going up. */
export interface Looked {
  first: number;
  count: number;
  backwards: boolean;
}

/** Three screens of a laptop: a turn of the wheel finds its rows there, and so draws them once. */
const AHEAD = 3;
const BEHIND = 1;

/** Groups of `rows` rows in the order of their urgency. */
export function wantedGroups({ first, count, backwards }: Looked, rows: number): number[] {
  const top = groupOf(first);
  const bottom = groupOf(first + Math.max(count, 1) - 1);
  const found = range(top, bottom);
  const below = range(bottom + 1, bottom + (backwards ? BEHIND : AHEAD));
  const above = range(top - (backwards ? AHEAD : BEHIND), top - 1).reverse();
  found.push(...(backwards ? [...above, ...below] : [...below, ...above]));
  return found.filter((index) => index >= 0 && index <= groupOf(rows - 1));
}

/** Whether a new row of that number changes one of them. */
export function isWanted(looked: Looked, row: number): boolean {
  return wantedGroups(looked, row + 1).includes(groupOf(row));
}

function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, place) => first + place);
}
