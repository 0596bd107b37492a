import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { configSchemaOf, knownTo, knownVariables, secretVariables } from '@annals/cli/local/environment';
import { mainFileOf, repositoryFolder, serviceNames } from '@annals/cli/local/layout';
import { ensureSecrets } from '@annals/cli/local/secrets';
import { loadConfig } from '@annals/platform/config/config';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../servers/temporary-folder.ts';
import { compose, composeFile } from './compose.ts';

const read = (path: string) => readFileSync(join(repositoryFolder, path), 'utf8');

describe('docker-compose.yml', () => {
  it('is what the Compose Specification allows', () => {
    const specification = createRequire(import.meta.url).resolve('docker-compose/schema/compose-spec.json');
    const { $schema: _, ...schema } = JSON.parse(readFileSync(specification, 'utf8')) as Record<
      string,
      unknown
    >;
    const ajv = new Ajv({ strict: false, allErrors: true });
    formats.default(ajv);
    const validate = ajv.compile(schema);
    validate(composeFile);
    expect(validate.errors).toBeNull();
  });

  it('runs every service by its own main file, with settings that it accepts and nothing missing', async () => {
    const secrets = await ensureSecrets(await temporaryFolder('annals-compose-'));
    const known = await knownVariables();
    for (const service of serviceNames) {
      const { command, environment } = compose(service);
      expect(command[0]).toBe(`--env-file=/run/annals/${service}.env`);
      expect(join(repositoryFolder, command[1] ?? '')).toBe(mainFileOf(service));
      const fromFile = knownTo(
        service,
        { ...secretVariables(service, secrets), ANNALS_DATABASE_URL: 'postgresql://annals@postgres/annals' },
        known,
      );
      const config = loadConfig(await configSchemaOf(service), { ...fromFile, ...environment });
      expect(config).toMatchObject({ host: '0.0.0.0', opsPort: 9080 });
    }
  });

  it('I4 has services believe the gateway alone where a client is', () => {
    const { gateway, ...others } = composeFile.services;
    const trusted = Object.values(others).flatMap(({ environment = {} }) =>
      Object.entries(environment).flatMap(([name, value]) =>
        name === 'ANNALS_TRUSTED_PROXIES' ? [value] : [],
      ),
    );
    expect(trusted).toHaveLength(3);
    expect(new Set(trusted)).toEqual(new Set([`${gateway?.networks?.default?.ipv4_address}/32`]));
  });

  it('names the version of every image, and says when each container is healthy', () => {
    for (const [name, service] of Object.entries(composeFile.services)) {
      if (service.build === undefined) expect(service.image, name).toMatch(/:v?\d/);
      if (service.build === undefined) expect(service.healthcheck, name).toBeDefined();
    }
  });

  it('waits for what it needs', () => {
    for (const [name, { depends_on: needs = {} }] of Object.entries(composeFile.services)) {
      for (const needed of Object.keys(needs))
        expect(composeFile.services, `${name} needs it`).toHaveProperty(needed);
    }
  });
});

describe('alerts and dashboard', () => {
  const alerts = read('infra/prometheus/alerts.yml');
  const dashboard = read('infra/grafana/dashboards/annals.json');
  const runbook = read('docs/operations.md');
  const sources = [
    'platform/src/consumer/metrics.ts',
    'platform/src/http/exchange.ts',
    'services/notifier/src/metrics.ts',
    'services/worker/src/jobs/status.ts',
  ].map(read);

  it('ask for metrics that there are', () => {
    const asked = new Set(`${alerts}${dashboard}`.match(/annals_[a-z_]+/g));
    const made = new Set(sources.join('\n').match(/annals_[a-z_]+/g));
    const parts = /_(bucket|count|sum)$/;
    expect([...asked].map((name) => name.replace(parts, '')).filter((name) => !made.has(name))).toEqual([]);
    expect(asked.size).toBeGreaterThan(5);
  });

  it('each alert has an entry in the runbook', () => {
    const names = [...alerts.matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(5);
    for (const name of names) expect(runbook).toContain(`**${name}.**`);
  });
});
