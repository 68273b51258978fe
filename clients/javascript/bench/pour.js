/** `node pour.js RUN`: a run of backpressure.js given as JSON; prints how many records were taken, a line each. */

import {pour} from "./backpressure.js";

await pour(JSON.parse(process.argv[2] ?? ""), (taken) => process.stdout.write(`${taken}\n`));
process.exit();
