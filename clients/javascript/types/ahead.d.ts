/** Takes a bounded number of items from a source before they are asked for. */
/**
 * @template T
 * @param {AsyncIterator<T>} source
 * @param {number} most items that wait at most; with the one that is being fetched one more is held
 * @returns {AsyncGenerator<T, void, void>}
 */
export declare function ahead<T>(source: AsyncIterator<T>, most: number): AsyncGenerator<T, void, void>;
