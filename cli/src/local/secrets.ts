/** The local profile's secrets: generated once, kept in one file that only its owner can read. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmod, open, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** Names of the callers that get a service token. */
export const serviceCallers = ['query-api', 'worker', 'notifier', 'importer'] as const;

const secret = z.string().min(20);
const schema = z.object({
  postgresPassword: secret,
  /** Base64, 32 bytes: wraps the keys of personal data. Losing it loses them. */
  masterKey: secret,
  /** Base64, 32 bytes. */
  hmacKey: secret,
  /** Ed25519, PKCS#8 PEM in base64. */
  jwtPrivateKey: secret,
  operatorToken: secret,
  serviceTokens: z.record(z.enum(serviceCallers), secret),
});
export type Secrets = Readonly<z.infer<typeof schema>>;

/** Where the secrets of a data folder are. */
function secretsFile(dataFolder: string): string {
  return join(dataFolder, 'secrets');
}

/** The secrets of a data folder. Throws where there are none, or where they are not readable. */
export async function readSecrets(dataFolder: string): Promise<Secrets> {
  return schema.parse(JSON.parse(await readFile(secretsFile(dataFolder), 'utf8')));
}

/**
 * The secrets of a data folder, generated where there are none. Throws where data is there and its secrets are not:
 * new ones could not read it. The caller holds the folder's lock.
 */
export async function ensureSecrets(dataFolder: string): Promise<Secrets> {
  const file = secretsFile(dataFolder);
  if (await isThere(file)) {
    await chmod(file, 0o600);
    return readSecrets(dataFolder);
  }
  if ((await isThere(join(dataFolder, 'postgres'))) || (await isThere(join(dataFolder, 'postgres-id')))) {
    throw new Error(
      `${file} is missing, and without it the data in ${dataFolder} cannot be read. Put it back from a backup, or start with another --data.`,
    );
  }
  const secrets = generateSecrets();
  await writeDurably(file, JSON.stringify(secrets, null, 2));
  return secrets;
}

/** Fresh secrets. */
function generateSecrets(): Secrets {
  const { privateKey } = generateKeyPairSync('ed25519');
  return {
    postgresPassword: token(),
    masterKey: randomBytes(32).toString('base64'),
    hmacKey: randomBytes(32).toString('base64'),
    jwtPrivateKey: Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' })).toString('base64'),
    operatorToken: token(),
    serviceTokens: { 'query-api': token(), worker: token(), notifier: token(), importer: token() },
  };
}

function token(): string {
  return randomBytes(24).toString('hex');
}

/** All or nothing, on disk before the first event is encrypted with it. */
async function writeDurably(file: string, content: string): Promise<void> {
  const fresh = `${file}.new`;
  const handle = await open(fresh, 'w', 0o600);
  try {
    await handle.writeFile(`${content}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(fresh, file);
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}
