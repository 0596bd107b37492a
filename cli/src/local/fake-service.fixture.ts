/** A stand-in for a service: answers who it is, is ready at once, and falls over when asked to. */
import { createServer } from 'node:http';
import { runService } from '@annals/platform/lifecycle/run-service';

const { ANNALS_PORT: port, ANNALS_OPS_PORT: opsPort, ANNALS_DATABASE_URL: databaseUrl } = process.env;

function answerer(body: () => unknown) {
  return createServer((request, response) => {
    if (request.url === '/crash') process.exit(1);
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body()));
  });
}

await runService({
  name: 'fake',
  start: async () => {
    const servers = [answerer(() => ({ status: 'ready' })).listen(Number(opsPort), '127.0.0.1')];
    const self = () => ({ pid: process.pid, databaseUrl });
    if (port) servers.push(answerer(self).listen(Number(port), '127.0.0.1'));
    return {
      stop: async () => {
        for (const server of servers) server.close();
      },
    };
  },
});
