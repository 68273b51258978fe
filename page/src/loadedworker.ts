/** A worker whose script is loaded again when it could not be: the connection may be away just when a page opens. */
const AGAIN_MS = 1000;

/**
 * What is told to the worker before its script runs is told again to its successor, in the same order. `make` names the script
 * in its own module, where the bundler sees it.
 */
export function loadedWorker<From, To>(make: () => Worker, take: (message: From) => void) {
  let told: To[] | null = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let worker = begin();

  function begin(): Worker {
    const started = make();
    started.onmessage = (event: MessageEvent<From>) => {
      told = null;
      take(event.data);
    };
    started.onerror = () => {
      // An error of a script that runs is for the console; the worker goes on.
      if (told) timer = setTimeout(again, AGAIN_MS);
    };
    return started;
  }

  function again(): void {
    worker.terminate();
    worker = begin();
    told?.forEach((message) => worker.postMessage(message));
  }

  /** What is given away with a message is lost to a successor: only for messages that answer the worker's. */
  function tell(message: To, transfer: Transferable[] = []): void {
    told?.push(message);
    worker.postMessage(message, transfer);
  }

  function end(): void {
    clearTimeout(timer);
    worker.terminate();
  }

  return { tell, end };
}
