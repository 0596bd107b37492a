/** A real nginx with our configuration, in front of upstreams of the caller's. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts } from '@annals/cli/local/free-port';
import { nginxFile } from '../generated/nginx.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface Nginx {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts `binary` on a free port; `upstreams`: a port of loopback by service. Resolves once it listens. */
export async function startNginx(
  binary: string,
  upstreams: Readonly<Record<string, number>>,
): Promise<Nginx> {
  const folder = await temporaryFolder('annals-nginx-');
  const [port = 0] = await freePorts(1);
  const ours = (await readFile(nginxFile, 'utf8')).replace('listen 8080;', `listen 127.0.0.1:${port};`);
  const servers = Object.entries(upstreams).map(
    ([name, at]) => `upstream ${name} { server 127.0.0.1:${at}; keepalive 8; }`,
  );
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(folder, kind)};`,
  );
  const file = join(folder, 'nginx.conf');
  await writeFile(
    file,
    `daemon off; worker_processes 1; pid ${join(folder, 'pid')}; error_log stderr;
events { worker_connections 256; }
http { access_log off; ${temporary.join(' ')} ${servers.join(' ')} ${ours} }
`,
  );
  const child = spawn(binary, ['-p', folder, '-c', file, '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const url = `http://127.0.0.1:${port}`;
  await listening(child, url);
  return {
    url,
    stop: async () => {
      child.kill('SIGQUIT');
      if (child.exitCode === null) await once(child, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function listening(child: ChildProcess, url: string): Promise<void> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
    if (child.exitCode !== null) break;
    const isThere = await fetch(url).then(
      () => true,
      () => false,
    );
    if (isThere) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  child.kill('SIGKILL');
  throw new Error('nginx does not listen; it says why above');
}
