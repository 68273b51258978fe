/** Takes a bounded number of items from a source before they are asked for. */

/**
 * @template T
 * @param {AsyncIterator<T>} source
 * @param {number} most items that wait at most; with the one that is being fetched one more is held
 * @returns {AsyncGenerator<T, void, void>}
 */
export async function* ahead(source, most) {
  /** @type {Promise<IteratorResult<T>>[]} */
  const coming = [];
  let over = false;
  const fetchNext = () => {
    const next = source.next();
    // It is awaited later; until then its failure is nobody's.
    next.catch(() => {});
    coming.push(next);
  };
  try {
    while (!over) {
      while (coming.length < most + 1) fetchNext();
      const {value, done} = await /** @type {Promise<IteratorResult<T>>} */ (coming.shift());
      over = done === true;
      if (!over) yield value;
    }
  } finally {
    if (!over) void source.return?.();
  }
}
