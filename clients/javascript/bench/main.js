/** `node main.js WAY URL JOB`: one reading, as JSON. */

import {measure} from "./ways.js";

const [way = "", url = "", job = ""] = process.argv.slice(2);
process.stdout.write(JSON.stringify(await measure(way, url, job)));
process.exit();
