/** `annals users create-admin | erase`: the first admin, who can look after the others, and the end of a user. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Command } from 'commander';
import { codeOf } from '../import/api-client.ts';
import { refusalOf } from '../import/refusal.ts';
import { dataOption, operated, opsOption } from '../locate.ts';
import { confirm } from '../operate/ask.ts';
import { Failure, type Output } from '../output.ts';

/** Erasing somebody with many sessions and articles takes a while. */
const TIMEOUT_MS = 60_000;

interface CreateAdminOptions {
  readonly username: string;
  readonly email: string;
  readonly passwordStdin?: boolean;
  readonly data: string;
  readonly ops?: readonly string[];
  readonly json?: boolean;
}

/** The command and its subcommands. */
export function usersCommand(output: Output): Command {
  const createAdmin = new Command('create-admin')
    .description('register a user who holds every permission; asks for the password')
    .requiredOption('--username <name>', 'username')
    .requiredOption('--email <address>', 'e-mail address')
    .option('--password-stdin', 'read the password from standard input')
    .addOption(dataOption())
    .addOption(opsOption())
    .option('--json', 'print JSON')
    .action((options: CreateAdminOptions) => register(options, output));
  const erase = new Command('erase')
    .description('erase a user for good: the personal data everywhere; what was published stays')
    .argument('<user>', 'id or username')
    .option('--yes', 'do not ask')
    .addOption(dataOption())
    .addOption(opsOption())
    .option('--json', 'print JSON')
    .action((user: string, options: EraseOptions) => eraseUser(user, options, output));
  return new Command('users').description('operate users').addCommand(createAdmin).addCommand(erase);
}

interface EraseOptions {
  readonly yes?: boolean;
  readonly data: string;
  readonly ops?: readonly string[];
  readonly json?: boolean;
}

async function eraseUser(user: string, options: EraseOptions, output: Output): Promise<void> {
  if (!options.yes) await confirm(`Erase ${user}? It can't be undone. [y/N] `);
  const body = await askCommandApi(options, 'DELETE', `/admin/users/${encodeURIComponent(user)}`, 200);
  if (options.json) output.json(body);
  else output.line(`${user} is erased: the personal data is gone, what was published stays.`);
}

/** Calls an operator's route of command-api; gives its answer. Throws a {@link Failure} for any but `status`. */
async function askCommandApi(
  options: Pick<EraseOptions, 'data' | 'ops'>,
  method: string,
  path: string,
  status: number,
  sent?: object,
): Promise<unknown> {
  const { services, operatorToken } = await operated(options);
  const opsUrl = services.find(({ service }) => service === 'command-api')?.opsUrl;
  if (opsUrl === undefined) throw new Failure('none of these is the operations URL of command-api');
  const response = await fetch(`${opsUrl}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${operatorToken}`,
      ...(sent ? { 'content-type': 'application/json' } : {}),
    },
    ...(sent ? { body: JSON.stringify(sent) } : {}),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch(() => {
    throw new Failure(`command-api does not answer at ${opsUrl}`);
  });
  const body: unknown = await response.json();
  if (response.status === status) return body;
  throw new Failure(`${refusalOf(response.status, body).message} (${codeOf(body)})`);
}

async function register(options: CreateAdminOptions, output: Output): Promise<void> {
  const { username, email } = options;
  const password = options.passwordStdin
    ? (await text(process.stdin)).replace(/\r?\n$/, '')
    : await askPassword();
  const body = await askCommandApi(options, 'POST', '/admin/users', 201, { username, email, password });
  if (options.json) output.json(body);
  else output.line(`${username} is an admin now, and logs in like anyone else: POST /v1/sessions.`);
}

/** Asks twice, without showing what is typed. */
async function askPassword(): Promise<string> {
  if (!process.stdin.isTTY) throw new Failure('there is no terminal to ask on: use --password-stdin');
  const hidden = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: process.stdin, output: hidden, terminal: true });
  const ask = (prompt: string): Promise<string> => {
    process.stderr.write(prompt);
    return new Promise((resolve, reject) => {
      reader.once('SIGINT', () => reject(new Failure('interrupted')));
      reader.question('', (answer) => {
        process.stderr.write('\n');
        resolve(answer);
      });
    });
  };
  try {
    const password = await ask('Password: ');
    if (password !== (await ask('Once more: '))) throw new Failure('the two passwords differ');
    return password;
  } finally {
    reader.close();
  }
}
