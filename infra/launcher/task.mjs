/** `node infra/launcher/task.mjs <task> [arguments]`: what the scripts of package.json call. */
import { main } from './launch.mjs';

const [task, ...args] = process.argv.slice(2);
await main(task ?? '', args);
