/** Leaves the page's thread to others now and then: a chain of ready promises is one long task otherwise. */
/** @returns {Promise<void> | undefined} to be awaited, where something else should have its turn first */
export declare function turn(): Promise<void> | undefined;
