import type { Page } from '@playwright/test';

import { dashboards } from '../dashboards';
import { expect, membersOf, test } from '../test';

/** A variable's drop-down, by the label before it: Grafana does not tie the one to the other. */
const variable = (page: Page, label: string) =>
  page
    .getByTestId('data-testid template variable')
    .filter({ has: page.getByText(label, { exact: true }) })
    .getByRole('combobox');

const text = async (page: Page, panel: number) =>
  (
    await page.locator(`[data-viz-panel-key="panel-${panel}"] [data-testid="data-testid panel content"]`).innerText()
  ).trim();

test('a business unit’s numbers are its own, and its teams are the ones to choose from', async ({ page, request }) => {
  const overview = dashboards.find(({ name }) => name === 'executive-overview')!;
  const energy = overview.panels.find(({ title }) => title === 'AI energy')!;
  const units = await membersOf(request, 'businessUnit');
  expect(units.length).toBeGreaterThan(2);
  const unit = units[1];
  const teams = await membersOf(request, 'team', `?businessUnit=${encodeURIComponent(unit)}`);
  const allTeams = await membersOf(request, 'team');
  expect(teams.length).toBeLessThan(allTeams.length);

  await page.goto(`/d/${overview.uid}`);
  await expect.poll(() => text(page, energy.id)).toMatch(/\d/);
  const all = await text(page, energy.id);

  await variable(page, 'Business unit').click();
  for (const member of units) {
    await expect(page.getByRole('option', { name: member, exact: true })).toBeVisible();
  }
  await page.getByRole('option', { name: unit, exact: true }).click();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Tab');
  await expect(page).toHaveURL(new RegExp(`var-businessUnit=${encodeURIComponent(unit).replace(/%20/g, '(%20|\\+)')}`));
  await expect.poll(() => text(page, energy.id)).not.toBe(all);

  await variable(page, 'Team').click();
  await expect(page.getByRole('option', { name: teams[0], exact: true })).toBeVisible();
  const offered = await page.getByRole('option').allInnerTexts();
  const others = allTeams.filter((team) => !teams.includes(team));
  expect(offered.filter((team) => others.includes(team.trim()))).toEqual([]);
});

for (const dashboard of dashboards) {
  test(`${dashboard.title}: its drop-downs are filled`, async ({ page }) => {
    await page.goto(`/d/${dashboard.uid}`);
    for (const { label, type } of dashboard.templating.list) {
      if (type !== 'query' || !label) {
        continue;
      }
      await variable(page, label).click();
      await expect(page.getByRole('option').first(), label).toBeVisible();
      const offered = async () => {
        const entries = await page.getByRole('option').allInnerTexts();
        return entries.filter((entry) => !/^(All|Selected)/.test(entry.trim())).length;
      };
      await expect.poll(offered, `${label} offers members`).toBeGreaterThan(0);
      await page.keyboard.press('Escape');
    }
  });
}
