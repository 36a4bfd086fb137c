import { existsSync } from 'node:fs';

import type { APIRequestContext } from '@playwright/test';

import { dataSource } from '../environment';
import { expect, test } from '../test';

interface Rule {
  name: string;
  health: string;
  lastError?: string;
  lastEvaluation: string;
}

/** Every rule as the scheduler sees it. */
async function rules(request: APIRequestContext): Promise<Rule[]> {
  const response = await request.get('/api/prometheus/grafana/api/v1/rules');
  expect(response.ok(), await response.text()).toBe(true);
  const { data } = (await response.json()) as { data: { groups: Array<{ rules: Rule[] }> } };
  return data.groups.flatMap((group) => group.rules);
}

const evaluated = ({ lastEvaluation }: Rule) => !lastEvaluation.startsWith('0001-');

test('every provisioned rule is evaluated without an error', async ({ page, request }) => {
  test.skip(!existsSync('provisioning/alerting'), 'no rules are provisioned');
  await expect
    .poll(async () => (await rules(request)).filter((rule) => !evaluated(rule)), { timeout: 150_000 })
    .toEqual([]);
  const all = await rules(request);
  expect(all.length).toBeGreaterThan(0);
  expect(all.filter(({ health }) => health === 'error')).toEqual([]);

  await page.goto('/alerting/list?view=list');
  await expect(page.getByText(`${all.length} rules`)).toBeVisible();
  await expect(page.getByText(/^\d+ errors?$/), 'rules counted as failed').toHaveCount(0);
});

test('a rule made with our editor evaluates', async ({ alertRuleEditPage, page }) => {
  await alertRuleEditPage.alertRuleNameField.fill('e2e: budget used');
  const row = await alertRuleEditPage.getQueryRow();
  await row.datasource.set(dataSource.name);
  const editor = row.locator;
  const picker = editor.getByRole('combobox', { name: 'Question' });
  await picker.click();
  await picker.fill('Cost meter');
  await page
    .getByRole('option', { name: /^Cost meter/ })
    .first()
    .click();
  // Its label moves while the rule's preview is drawn below, and never holds still for a mouse.
  await editor.getByRole('radio', { name: 'Number for alerting' }).dispatchEvent('click');
  await expect(editor.getByRole('combobox', { name: 'Number' })).toHaveValue('Budget used');
  await expect(alertRuleEditPage.evaluate()).toBeOK();
});

test('the scheduler evaluates a rule on our numbers, for each group', async ({ request }) => {
  const folder = `e2e-alerts-${Date.now()}`;
  const made = await request.post('/api/folders', { data: { uid: folder, title: folder } });
  expect(made.ok(), await made.text()).toBe(true);
  try {
    const title = `${folder}: intensity`;
    const response = await request.put(`/api/v1/provisioning/folder/${folder}/rule-groups/e2e`, {
      headers: { 'X-Disable-Provenance': 'true' },
      data: {
        title: 'e2e',
        folderUid: folder,
        interval: 10,
        rules: [
          {
            title,
            folderUID: folder,
            ruleGroup: 'e2e',
            orgID: 1,
            for: '0s',
            condition: 'B',
            noDataState: 'NoData',
            execErrState: 'Error',
            data: [
              {
                refId: 'A',
                datasourceUid: dataSource.uid,
                relativeTimeRange: { from: 30 * 86_400, to: 0 },
                model: {
                  refId: 'A',
                  queryType: 'energyScore',
                  groupBy: ['businessUnit'],
                  format: 'number',
                  metric: 'energy_kwh',
                },
              },
              {
                refId: 'B',
                datasourceUid: '__expr__',
                model: {
                  refId: 'B',
                  type: 'threshold',
                  expression: 'A',
                  conditions: [{ evaluator: { type: 'gt', params: [0] } }],
                },
              },
            ],
          },
        ],
      },
    });
    expect(response.ok(), await response.text()).toBe(true);
    const ours = async () => (await rules(request)).find(({ name }) => name === title);
    const firing = async () => {
      const instances = await request.get('/api/alertmanager/grafana/api/v2/alerts');
      return ((await instances.json()) as Array<{ labels: Record<string, string> }>).filter(
        ({ labels }) => labels.alertname === title
      );
    };
    await expect
      .poll(async () => (await firing()).length, { timeout: 120_000, message: 'energy is used in each business unit' })
      .toBeGreaterThan(1);
    expect((await ours())?.health).toBe('ok');
    const units = (await firing()).map(({ labels }) => labels.business_unit);
    expect(new Set(units).size).toBe(units.length);
  } finally {
    await request.delete(`/api/folders/${folder}?forceDeleteRules=true`);
  }
});
