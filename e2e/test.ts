import { expect, test as grafanaTest } from '@grafana/plugin-e2e';
import type { APIRequestContext, Locator, Page } from '@playwright/test';

import { admin, databasePassword, dataSource } from './environment';
import { forgiveMissingGauges } from './faults';

export { expect };

/** The settings of a data source, as far as the tests read them. */
interface DataSourceSettings {
  jsonData: Record<string, unknown>;
}

/** A dashboard's JSON, as far as it is not given by the fixture. */
interface Scratch {
  panels?: object[];
  templating?: { list: object[] };
  annotations?: { list: object[] };
  time?: { from: string; to: string };
}

/** What /api/ds/query answers, as far as the tests read it. */
interface Answered {
  results: Record<string, { error?: string; frames?: Array<{ data: { values: unknown[][] } }> }>;
}

interface Fixtures {
  /** Makes a dashboard that is deleted after the test, and returns its uid. */
  scratch: (dashboard: Scratch) => Promise<string>;
  /**
   * Makes a copy of the provisioned data source with other settings, which is deleted after the test, and
   * returns its uid. It needs the database's password.
   */
  anotherDataSource: (jsonData: Record<string, unknown>, password?: string) => Promise<string>;
}

export const test = grafanaTest.extend<Fixtures>({
  // Signed in anew for each test: a Grafana renews a session after ten minutes, and what was kept of it is void.
  storageState: async ({ baseURL, playwright, user }, use) => {
    const { user: name, password } = user ?? admin;
    const context = await playwright.request.newContext({ baseURL });
    const response = await context.post('/login', { data: { user: name, password } });
    expect(response.ok(), `${name} signs in: ${await response.text()}`).toBe(true);
    await use(await context.storageState());
    await context.dispose();
  },
  page: async ({ page }, use) => {
    forgiveMissingGauges(page);
    await use(page);
  },
  scratch: async ({ request }, use) => {
    const made: string[] = [];
    await use(async (dashboard) => {
      const response = await request.post('/api/dashboards/db', {
        data: {
          dashboard: { title: `e2e ${Date.now()}-${made.length}`, schemaVersion: 41, ...dashboard },
          overwrite: false,
        },
      });
      expect(response.ok(), await response.text()).toBe(true);
      const { uid } = (await response.json()) as { uid: string };
      made.push(uid);
      return uid;
    });
    for (const uid of made) {
      await request.delete(`/api/dashboards/uid/${uid}`);
    }
  },
  anotherDataSource: async ({ request }, use) => {
    const made: string[] = [];
    await use(async (jsonData, password = databasePassword) => {
      const settings = await settingsOf(request);
      const response = await request.post('/api/datasources', {
        data: {
          name: `e2e ${Date.now()}-${made.length}`,
          type: dataSource.type,
          access: 'proxy',
          jsonData: { ...settings.jsonData, ...jsonData },
          secureJsonData: { password },
        },
      });
      expect(response.ok(), await response.text()).toBe(true);
      const { datasource } = (await response.json()) as { datasource: { uid: string } };
      made.push(datasource.uid);
      return datasource.uid;
    });
    for (const uid of made) {
      await request.delete(`/api/datasources/uid/${uid}`);
    }
  },
});

/** The provisioned data source's settings. */
export async function settingsOf(request: APIRequestContext): Promise<DataSourceSettings> {
  const response = await request.get(`/api/datasources/uid/${dataSource.uid}`);
  expect(response.ok(), await response.text()).toBe(true);
  return (await response.json()) as DataSourceSettings;
}

/** The members of a dimension, by their labels. */
export async function membersOf(request: APIRequestContext, dimension: string, narrowed = ''): Promise<string[]> {
  const response = await request.get(
    `/api/datasources/uid/${dataSource.uid}/resources/dimensions/${dimension}${narrowed}`
  );
  expect(response.ok(), await response.text()).toBe(true);
  const members = (await response.json()) as Array<{ label: string }>;
  return members.map(({ label }) => label);
}

/** A panel that asks one of our questions. */
export function panelThatAsks(query: object, rest: object = {}): object {
  return {
    id: 1,
    type: 'table',
    title: 'Asked',
    gridPos: { x: 0, y: 0, w: 24, h: 12 },
    datasource: { type: dataSource.type, uid: dataSource.uid },
    targets: [{ refId: 'A', datasource: { type: dataSource.type, uid: dataSource.uid }, ...query }],
    ...rest,
  };
}

/** The cells of tables: Grafana's table has been a table and a grid. */
export const cells = (root: Page | Locator) => root.locator('[role="gridcell"], [role="cell"]');

/** The question the browser sends next, of one type. */
export async function nextQuery(page: Page, queryType: string) {
  let answered: Answered | undefined;
  // What Grafana asks anew it no longer waits for, and then the browser has no body: the one after it counts.
  const response = await page.waitForResponse(async (candidate) => {
    const sent = candidate.request().postData() ?? '';
    if (!candidate.url().includes('/api/ds/query') || !sent.includes(`"queryType":"${queryType}"`)) {
      return false;
    }
    answered = (await candidate.json().catch(() => undefined)) as Answered | undefined;
    return answered !== undefined;
  });
  const asked = (response.request().postDataJSON() as { queries: Array<Record<string, unknown>> }).queries;
  return { status: response.status(), query: asked[0], answer: answered!.results[String(asked[0].refId)] };
}
