/** How long to wait before asking again: full jitter, bounded tries. Pure: the dice are handed in. */

/**
 * @typedef {object} BackoffOptions
 * @property {number} [tries] attempts in a row that may bring nothing new; default 10
 * @property {number} [firstPause] milliseconds: the longest first pause; doubles with each try; default 250
 * @property {number} [longestPause] milliseconds; default 30,000
 * @property {() => number} [random] evenly from 0 to 1; default `Math.random`
 */

export class Backoff {
  #failures = 0;

  /** @param {BackoffOptions} [options] */
  constructor({tries = 10, firstPause = 250, longestPause = 30_000, random = Math.random} = {}) {
    this.tries = tries;
    this.firstPause = firstPause;
    this.longestPause = longestPause;
    this.random = random;
  }

  /** Something new came: the count begins anew. */
  progress() {
    this.#failures = 0;
  }

  /**
   * An attempt is over.
   *
   * @param {boolean} fruitless whether it brought nothing new, and counts
   * @param {number | null} [retryAfter] seconds that the gateway asks for
   * @returns {number | null} milliseconds to wait; null when there is no try left
   */
  next(fruitless, retryAfter = null) {
    if (fruitless) this.#failures += 1;
    if (this.#failures >= this.tries) return null;
    const ceiling = Math.min(this.longestPause, this.firstPause * 2 ** this.#failures);
    const asked = (retryAfter ?? 0) * 1000;
    // The jitter comes on top: else everybody who was told the same second is back in the same moment.
    return asked + this.random() * ceiling;
  }
}

/**
 * @param {number} milliseconds
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>} rejects with the signal's reason
 */
export function sleep(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, {once: true});
  });
}
