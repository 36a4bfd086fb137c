import type { Page } from '@playwright/test';

import { dashboards, fullHeight } from '../dashboards';
import { dataSource } from '../environment';
import { cells, expect, test } from '../test';

const named = (name: string) => dashboards.find((dashboard) => dashboard.name === name)!;

/** A panel's place on the page, by its title. */
function panelOf(page: Page, dashboard: string, title: string) {
  const panel = named(dashboard).panels.find((one) => one.title === title)!;
  return page.locator(`[data-viz-panel-key="panel-${panel.id}"]`);
}

/** Follows a cell's link; of several, the one with this title. */
async function follow(page: Page, dashboard: string, title: string, cell: string, link?: string) {
  const panel = panelOf(page, dashboard, title);
  await panel.getByText(cell, { exact: true }).first().click();
  if (link) {
    await page.getByText(link, { exact: true }).click();
  }
}

/** Where the page is and what is selected there. */
const selection = (page: Page) => {
  const url = new URL(page.url());
  const chosen = [...url.searchParams].filter(([name, value]) => name.startsWith('var-') && value !== '$__all');
  return {
    at: url.pathname.split('/')[2],
    from: url.searchParams.get('from'),
    ...Object.fromEntries(chosen.map(([name, value]) => [name.slice('var-'.length), value])),
  };
};

/** The texts of a column, by its place. */
async function column(page: Page, dashboard: string, title: string, place: number) {
  const rows = panelOf(page, dashboard, title).getByRole('row');
  const texts: string[] = [];
  for (let row = 1; row < (await rows.count()); row++) {
    texts.push((await cells(rows.nth(row)).nth(place).innerText()).trim());
  }
  return texts;
}

test('from a business unit down to its endpoints and runs, the range kept', async ({ page }) => {
  await page.setViewportSize({ width: 1440, height: fullHeight(named('executive-overview'), 1440) });
  await page.goto(`/d/${named('executive-overview').uid}?from=now-6M&to=now`);

  await follow(
    page,
    'executive-overview',
    'Business alignment by unit',
    'Customer Care',
    'Show its teams and projects'
  );
  await expect
    .poll(() => selection(page))
    .toMatchObject({ at: 'wattscore-energy-cost', from: 'now-6M', businessUnit: 'Customer Care' });
  await expect.poll(() => column(page, 'energy-cost', 'Teams and projects', 0)).toContain('Customer Care');
  const units = await column(page, 'energy-cost', 'Teams and projects', 0);
  expect(new Set(units), 'only the unit that was followed').toEqual(new Set(['Customer Care']));
  const [team] = await column(page, 'energy-cost', 'Teams and projects', 1);

  await follow(page, 'energy-cost', 'Teams and projects', team, 'Show its projects');
  await expect.poll(() => selection(page)).toMatchObject({ businessUnit: 'Customer Care', team });
  await expect
    .poll(async () => new Set(await column(page, 'energy-cost', 'Teams and projects', 1)))
    .toEqual(new Set([team]));
  const [project] = await column(page, 'energy-cost', 'Teams and projects', 2);

  await follow(page, 'energy-cost', 'Teams and projects', project, 'Show its models');
  await expect
    .poll(() => selection(page))
    .toMatchObject({ at: 'wattscore-models', from: 'now-6M', businessUnit: 'Customer Care', team, project });
  await expect.poll(async () => (await column(page, 'models', 'All models', 0)).length).toBeGreaterThan(0);
  const [model] = await column(page, 'models', 'All models', 0);

  await follow(page, 'models', 'All models', model, 'Show its endpoints');
  await expect.poll(() => selection(page)).toMatchObject({ at: 'wattscore-endpoints', from: 'now-6M', project, model });
  await expect.poll(async () => (await column(page, 'endpoints', 'Endpoints', 0)).length).toBeGreaterThan(0);
  const [endpoint] = await column(page, 'endpoints', 'Endpoints', 0);

  await follow(page, 'endpoints', 'Endpoints', endpoint);
  await expect.poll(() => selection(page)).toMatchObject({ at: 'wattscore-endpoints', model, endpoint });
  await expect.poll(() => column(page, 'endpoints', 'Endpoints', 0)).toEqual([endpoint]);

  await page.goto(`/d/${named('models').uid}?from=now-6M&to=now&var-datasource=${dataSource.uid}`);
  await page.setViewportSize({ width: 1440, height: fullHeight(named('models'), 1440) });
  await follow(page, 'models', 'All models', 'meta-llama/Llama-3.3-70B-Instruct', 'Show its training runs');
  await expect
    .poll(() => selection(page))
    .toMatchObject({ at: 'wattscore-training', from: 'now-6M', model: 'meta-llama/Llama-3.3-70B-Instruct' });
  await expect
    .poll(async () => new Set(await column(page, 'training-runs', 'Runs, the most energy first', 1)))
    .toEqual(new Set(['meta-llama/Llama-3.3-70B-Instruct']));
});
