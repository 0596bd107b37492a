#!/usr/bin/env node
/** `npx annals …`: through the launcher, since the caller's Node may be older than 24. */
import { main } from '../../infra/launcher/launch.mjs';

await main('annals', process.argv.slice(2));
