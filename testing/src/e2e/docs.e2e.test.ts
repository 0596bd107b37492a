import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { expect, inject, test } from 'vitest';
import { testBrowser } from '../config.ts';

/** What keeps Chromium from calling anyone but the page's own host. */
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

test.skipIf(testBrowser === undefined)(
  'the page at /docs tries a route out in a real browser (skipped where ANNALS_TEST_BROWSER names none)',
  async () => {
    const profile = await mkdtemp(join(tmpdir(), 'annals-browser-'));
    const options = { executablePath: testBrowser ?? '', args: QUIET };
    const browser = await chromium.launchPersistentContext(profile, options);
    try {
      const page = await browser.newPage();
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(error.message));
      page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
      await page.goto(`${inject('stackUrl')}/docs`);
      const operation = page.locator('#operations-publishing-listArticles');
      await operation.locator('.opblock-summary').click();
      await operation.getByRole('button', { name: 'Execute' }).click();
      await operation.locator('.live-responses-table').waitFor();
      expect(
        await operation.locator('.live-responses-table .response-col_status').last().innerText(),
      ).toContain('200');
      expect(errors).toEqual([]);
    } finally {
      await browser.close();
      await rm(profile, { recursive: true, force: true });
    }
  },
);
