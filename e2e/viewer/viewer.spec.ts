import type { Page } from '@playwright/test';

import { dashboards, fullHeight } from '../dashboards';
import { admin, artifacts, dataSource, viewer } from '../environment';
import { faultsOf } from '../faults';
import { cells, expect, panelThatAsks, test } from '../test';

/** Nothing on the page leads to a change. */
async function cannotEdit(page: Page) {
  await expect(page.getByTestId('data-testid Edit dashboard button')).toHaveCount(0);
  await expect(page.getByTestId('data-testid Save dashboard button')).toHaveCount(0);
  await expect(page.getByTestId('data-testid New dashboard button')).toHaveCount(0);
}

for (const dashboard of dashboards) {
  test(`a viewer sees ${dashboard.title} and cannot change it`, async ({ page }) => {
    await page.setViewportSize({ width: 1440, height: fullHeight(dashboard, 1440) });
    await page.goto(`/d/${dashboard.uid}`);
    await expect.poll(() => faultsOf(page, dashboard), { timeout: 60_000 }).toEqual([]);
    await cannotEdit(page);
  });
}

test('a viewer finds the folder, and may not write', async ({ page, request }) => {
  await page.goto('/dashboards');
  await expect(page.getByText('WattScore', { exact: true }).first()).toBeVisible();
  const [{ uid }] = dashboards;
  const { dashboard } = (await (await request.get(`/api/dashboards/uid/${uid}`)).json()) as { dashboard: object };
  const saved = await request.post('/api/dashboards/db', {
    data: { dashboard, folderUid: 'wattscore', overwrite: true },
  });
  expect(saved.status()).toBe(403);
  // Grafana's open-source edition lets everyone read where a data source leads, and nobody its secrets.
  const address = `/api/datasources/uid/${dataSource.uid}`;
  const settings = await request.get(address);
  expect(settings.status()).toBe(200);
  expect(await settings.json()).not.toHaveProperty('secureJsonData');
  expect(await settings.json()).not.toHaveProperty('jsonData.password');
  expect((await request.put(address, { data: { name: 'mine now' } })).status()).toBe(403);
  expect((await request.delete(address)).status()).toBe(403);
  const who = (await (await request.get('/api/user')).json()) as { login: string };
  expect(who.login).toBe(viewer.user);
});

test.describe('nobody in particular', () => {
  test.use({ storageState: { cookies: [], origins: [] } });

  test('sees the overview and cannot change it', async ({ page, request }) => {
    const overview = dashboards.find(({ name }) => name === 'executive-overview')!;
    const allowed = await request.get(`/api/dashboards/uid/${overview.uid}`);
    test.skip(allowed.status() === 401, 'this Grafana asks everyone to sign in');
    await page.setViewportSize({ width: 1440, height: fullHeight(overview, 1440) });
    await page.goto(`/d/${overview.uid}`);
    await expect.poll(() => faultsOf(page, overview), { timeout: 60_000 }).toEqual([]);
    await cannotEdit(page);
  });

  test('sees a dashboard that is shared with the public, and no other', async ({ page, playwright, baseURL }) => {
    const credentials = Buffer.from(`${admin.user}:${admin.password}`).toString('base64');
    const administrator = await playwright.request.newContext({
      baseURL,
      extraHTTPHeaders: { Authorization: `Basic ${credentials}` },
    });
    const made = await administrator.post('/api/dashboards/db', {
      data: {
        dashboard: {
          title: `e2e public ${Date.now()}`,
          schemaVersion: 41,
          time: { from: 'now-1y', to: 'now' },
          panels: [panelThatAsks({ queryType: 'energyScore', groupBy: ['businessUnit'] })],
        },
      },
    });
    expect(made.ok(), await made.text()).toBe(true);
    const { uid } = (await made.json()) as { uid: string };
    try {
      const shared = await administrator.post(`/api/dashboards/uid/${uid}/public-dashboards`, {
        data: { isEnabled: true, timeSelectionEnabled: false, annotationsEnabled: false, share: 'public' },
      });
      expect(shared.ok(), await shared.text()).toBe(true);
      const { accessToken } = (await shared.json()) as { accessToken: string };
      await page.goto(`/public-dashboards/${accessToken}`);
      await expect(cells(page).first()).toBeVisible();
      await expect(page.getByTestId('data-testid Panel status error')).toHaveCount(0);
      await page.screenshot({ path: `${artifacts}/screenshots/public-dashboard.png` });

      await page.goto(`/public-dashboards/${'0'.repeat(32)}`);
      await expect(cells(page)).toHaveCount(0);
    } finally {
      await administrator.delete(`/api/dashboards/uid/${uid}`);
      await administrator.dispose();
    }
  });
});
