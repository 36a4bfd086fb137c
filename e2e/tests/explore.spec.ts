import { dataSource } from '../environment';
import { cells, expect, nextQuery, test } from '../test';

test('Explore answers as a table and over time', async ({ explorePage, page }) => {
  await explorePage.datasource.set(dataSource.name);
  const editor = explorePage.getQueryEditorRow('A');
  await expect(editor.getByRole('combobox', { name: 'Question' })).toHaveValue('Energy score');
  await explorePage.timeRange.set({ from: 'now-90d', to: 'now' });
  // Explore asks by itself when the range is set; its button says Cancel until there is an answer.
  await page.getByRole('button', { name: 'Run query' }).click();
  await expect(cells(page).first()).toBeVisible();
  const rows = await page.getByRole('row').count();
  expect(rows, 'a header and a row for each model').toBeGreaterThan(2);

  const asked = nextQuery(page, 'energyScore');
  // The editor moves while the answer below is drawn, and never holds still for a mouse.
  await editor.getByRole('radio', { name: 'Time series' }).dispatchEvent('click');
  const { answer, query, status } = await asked;
  expect(status, answer.error).toBe(200);
  expect(query.format).toBe('time_series');
  expect(answer.frames?.[0]?.data.values[0].length).toBeGreaterThan(1);
  await expect(page.locator('.uplot canvas').first()).toBeVisible();
});
