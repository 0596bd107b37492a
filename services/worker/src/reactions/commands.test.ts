import { createServer, type RequestListener } from 'node:http';
import { TemporarilyUnavailable } from '@annals/platform/consumer/reaction';
import { expect, onTestFinished, test } from 'vitest';
import { createCommands } from './commands.ts';

/** Commands to a server that answers so. */
async function commandsTo(answer: RequestListener) {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
  });
  const address = server.address();
  const port = address && typeof address === 'object' ? address.port : 0;
  return createCommands({ url: `http://127.0.0.1:${port}`, serviceToken: 'token' });
}

test('what a proxy says while command-api is away passes', async () => {
  const commands = await commandsTo((_, response) => response.writeHead(502).end('<html>Bad gateway</html>'));
  await expect(commands.get('/x')).rejects.toThrow(TemporarilyUnavailable);
  await expect(commands.post('/x', {}, 'key')).rejects.toThrow(TemporarilyUnavailable);
});

test('an answer that is cut off passes', async () => {
  const commands = await commandsTo((_, response) => {
    response.writeHead(200, { 'content-length': 100 }).write('{');
    setTimeout(() => response.destroy(), 20);
  });
  await expect(commands.get('/x')).rejects.toThrow(TemporarilyUnavailable);
});

test('a refusal stays one', async () => {
  const commands = await commandsTo((_, response) => response.writeHead(404).end('{}'));
  const refused = commands.get('/x');
  await expect(refused).rejects.toThrow('command-api answered 404 to /x');
  await expect(refused).rejects.not.toThrow(TemporarilyUnavailable);
});
