/** The worker of one job: reads its log or its pages and keeps rows, so that the page's thread does neither. */
import { Reading } from "./reading";
import type { FromWorker, ToWorker } from "./messages";

const post = (message: FromWorker, transfer: Transferable[] = []): void => self.postMessage(message, { transfer });
let reading: Reading | null = null;

self.onmessage = (event: MessageEvent<ToWorker>) => {
  const message = event.data;
  if (message.kind === "open") {
    reading?.close();
    reading = new Reading(message.job, post);
    void reading.run(message.replay);
  } else if (message.kind === "pause") reading?.pause(message.paused);
  else if (message.kind === "look") reading?.look(message.domain, message.first, message.count);
  else if (message.kind === "back") reading?.takeBack(message);
  else void reading?.copy(message);
};
