/** Leaves the page's thread to others now and then: a chain of ready promises is one long task otherwise. */

const LONGEST = 8;
/** Only a page's own thread has somebody waiting for it. */
const IN_PAGE = typeof globalThis.document === "object";

let since = 0;

/** @returns {Promise<void> | undefined} to be awaited, where something else should have its turn first */
export function turn() {
  if (!IN_PAGE) return undefined;
  const now = performance.now();
  if (now - since < LONGEST) return undefined;
  return pause().then(() => {
    since = performance.now();
  });
}

/** @returns {Promise<void>} after the tasks that wait now; timers would be put off in a page that is not seen */
function pause() {
  const scheduler = /** @type {{scheduler?: {yield?: () => Promise<void>}}} */ (globalThis).scheduler;
  if (scheduler?.yield) return scheduler.yield();
  return new Promise((resolve) => {
    const {port1, port2} = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
