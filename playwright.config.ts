import { dirname } from 'node:path';

import type { PluginOptions } from '@grafana/plugin-e2e';
import { defineConfig } from '@playwright/test';

import { artifacts, grafanaURL, viewer } from './e2e/environment';

const authentication = `${dirname(require.resolve('@grafana/plugin-e2e'))}/auth`;

// The guides' pictures are made anew where that is asked for, and then nothing else.
const pictures = process.env.WATTSCORE_PICTURES === '1';

// A browser that runs as root cannot build its sandbox.
const root = process.getuid?.() === 0;

export default defineConfig<PluginOptions>({
  testDir: './e2e',
  outputDir: `${artifacts}/results`,
  // A Grafana is one place for all tests: what one of them does to it, others see.
  workers: 1,
  forbidOnly: Boolean(process.env.CI),
  // Limits are for what hangs, not for how fast it is.
  timeout: 180_000,
  expect: { timeout: 30_000 },
  reporter: [['list'], ['html', { outputFolder: `${artifacts}/report`, open: 'never' }]],
  use: {
    baseURL: grafanaURL,
    viewport: { width: 1440, height: 900 },
    locale: 'en-US',
    timezoneId: 'UTC',
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.WATTSCORE_CHROMIUM || undefined,
      args: [...(root ? ['--no-sandbox'] : []), '--disable-gpu', '--no-first-run', '--disable-background-networking'],
    },
  },
  projects: [
    // Makes the viewer where there is none yet.
    { name: 'viewer’s account', testDir: authentication, testMatch: /.*\.js/, use: { user: viewer } },
    ...(pictures
      ? [{ name: 'pictures', testDir: './e2e/pictures' }]
      : [
          { name: 'admin', testDir: './e2e/tests' },
          { name: 'viewer', testDir: './e2e/viewer', use: { user: viewer }, dependencies: ['viewer’s account'] },
        ]),
  ],
});
