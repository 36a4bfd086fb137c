import type { Locator, Page } from '@playwright/test';

import type { QueryType } from '../../src/types';
import { dataSource } from '../environment';
import { cells, expect, membersOf, nextQuery, panelThatAsks, test } from '../test';

/** How the editor calls each type; one that is missing here does not compile. */
const questions: Record<QueryType, string> = {
  energyScore: 'Energy score',
  carbonAttribution: 'Carbon attribution',
  efficiencyQuadrant: 'Efficiency quadrant',
  hardwareLifecycle: 'Hardware lifecycle',
  efficiencyTrend: 'Efficiency trend & forecast',
  costMeter: 'Cost meter',
  kpi: 'Business KPIs',
  keyDrivers: 'Key drivers',
  budgetVariance: 'Budget variance',
  whatIf: 'What-if',
  latencyCost: 'Latency and cost',
  modelComparison: 'Model comparison',
  trainingRuns: 'Training runs',
  gpuLive: 'Live GPUs',
  dataQuality: 'Data quality',
  reconciliation: 'Reconciliation',
  annotations: 'Annotations',
};

/** A machine without a GPU has no row of them. */
const mayHaveNoRows: QueryType[] = ['gpuLive'];

const year = { from: 'now-1y', to: 'now' };

/** A variable that holds one business unit. */
const unitVariable = (unit: string) => ({
  list: [{ name: 'unit', type: 'constant', query: unit, current: { value: unit, text: unit }, hide: 2 }],
});

const filter = (editor: Locator, label: string) => editor.getByRole('combobox', { name: label, exact: true });

async function choose(page: Page, combobox: Locator, entry: string | RegExp, typed?: string) {
  await combobox.click();
  if (typed) {
    await combobox.fill(typed);
  }
  await page.getByRole('option', { name: entry }).first().click();
}

for (const [queryType, question] of Object.entries(questions) as Array<[QueryType, string]>) {
  test(`${question}: is picked, draws something, takes a variable`, async ({
    gotoPanelEditPage,
    page,
    request,
    scratch,
  }) => {
    const [unit] = await membersOf(request, 'businessUnit');
    // The panel begins with another question than the one that is picked.
    const before = queryType === 'kpi' ? 'energyScore' : 'kpi';
    const uid = await scratch({
      panels: [panelThatAsks({ queryType: before })],
      templating: unitVariable(unit),
      time: year,
    });
    const panelEditPage = await gotoPanelEditPage({ dashboard: { uid }, id: '1' });
    const editor = panelEditPage.getQueryEditorRow('A');
    const picker = editor.getByRole('combobox', { name: 'Question' });
    await expect(picker).toBeVisible();

    const asked = nextQuery(page, queryType);
    await choose(page, picker, new RegExp(`^${question}`), question);
    const { status, answer } = await asked;
    expect(status, answer.error).toBe(200);
    expect(answer.error).toBeUndefined();
    await expect(picker).toHaveValue(question);
    await expect(panelEditPage.panel.getErrorIcon()).toHaveCount(0);
    if (!mayHaveNoRows.includes(queryType)) {
      expect(answer.frames?.[0]?.data.values[0]?.length, 'the answer has rows').toBeGreaterThan(0);
      await expect(cells(page).first()).toBeVisible();
    }

    const narrowed = nextQuery(page, queryType);
    await choose(page, filter(editor, 'Business unit'), '${unit}', '${unit}');
    const { query, answer: narrower, status: narrowedStatus } = await narrowed;
    expect(query.filters).toEqual({ businessUnit: [unit] });
    expect(narrowedStatus, narrower.error).toBe(200);
  });
}

test('a new panel draws something before anything is chosen', async ({ page, panelEditPage }) => {
  await panelEditPage.datasource.set(dataSource.name);
  await panelEditPage.setVisualization('Table');
  await expect(panelEditPage.refreshPanel()).toBeOK();
  await expect(panelEditPage.panel.getErrorIcon()).toHaveCount(0);
  await expect(cells(page).first()).toBeVisible();
});

test('drop-downs list what the warehouse holds', async ({ gotoPanelEditPage, page, request, scratch }) => {
  const uid = await scratch({ panels: [panelThatAsks({ queryType: 'energyScore' })], time: year });
  const panelEditPage = await gotoPanelEditPage({ dashboard: { uid }, id: '1' });
  const editor = panelEditPage.getQueryEditorRow('A');
  for (const [label, dimension] of [
    ['Business unit', 'businessUnit'],
    ['Team', 'team'],
    ['Project', 'project'],
    ['Model', 'model'],
    ['Region', 'region'],
    ['Workload', 'workload'],
    ['Endpoint', 'endpoint'],
  ]) {
    const members = await membersOf(request, dimension);
    expect(members.length).toBeGreaterThan(1);
    const wanted = members[members.length - 1];
    const combobox = filter(editor, label);
    await combobox.click();
    await combobox.fill(wanted);
    await expect(page.getByRole('option', { name: wanted, exact: true }), `${label} lists ${wanted}`).toBeVisible();
    await page.keyboard.press('Escape');
  }
});

test('the editor works by the keyboard alone', async ({ gotoPanelEditPage, page, scratch }) => {
  const uid = await scratch({ panels: [panelThatAsks({ queryType: 'energyScore' })], time: year });
  const panelEditPage = await gotoPanelEditPage({ dashboard: { uid }, id: '1' });
  const editor = panelEditPage.getQueryEditorRow('A');
  const picker = editor.getByRole('combobox', { name: 'Question' });
  await expect(picker).toBeVisible();

  // From the row's head, Tab leads into the editor.
  await editor.getByRole('button').first().focus();
  for (let steps = 0; steps < 20 && !(await picker.evaluate((input) => input === document.activeElement)); steps++) {
    await page.keyboard.press('Tab');
  }
  await expect(picker).toBeFocused();

  const asked = nextQuery(page, 'budgetVariance');
  await page.keyboard.type('Budget');
  await expect(page.getByRole('option', { name: /^Budget variance/ })).toBeVisible();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  expect((await asked).status).toBe(200);
  await expect(picker).toHaveValue('Budget variance');

  // The options that follow are all reached, and a choice is made with the arrows.
  const reached = new Set<string>();
  const wanted = [
    'Answer as',
    'Business unit',
    'Team',
    'Project',
    'Model',
    'Region',
    'Workload',
    'Endpoint',
    'Factors',
  ];
  for (let steps = 0; steps < 60 && !wanted.every((name) => reached.has(name)); steps++) {
    await page.keyboard.press('Tab');
    const name = await page.evaluate(() => {
      const focused = document.activeElement;
      const group = focused?.closest('[role="radiogroup"], [aria-label="Answer as"]');
      const label = focused instanceof HTMLInputElement ? focused.labels?.[0]?.textContent : undefined;
      return focused?.getAttribute('aria-label') ?? group?.getAttribute('aria-label') ?? label ?? '';
    });
    reached.add(name);
    if (name === 'Answer as' && !reached.has('chosen')) {
      reached.add('chosen');
      const number = nextQuery(page, 'budgetVariance');
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('ArrowRight');
      await expect(editor.getByRole('combobox', { name: 'Number' })).toBeVisible();
      expect((await number).status).toBe(200);
    }
  }
  expect([...reached]).toEqual(expect.arrayContaining(wanted));
});

test('the query editor is accessible', async ({ gotoPanelEditPage, page, scanForA11yViolations, scratch }) => {
  const uid = await scratch({ panels: [panelThatAsks({ queryType: 'energyScore' })], time: year });
  const panelEditPage = await gotoPanelEditPage({ dashboard: { uid }, id: '1' });
  const editor = panelEditPage.getQueryEditorRow('A');
  const picker = editor.getByRole('combobox', { name: 'Question' });
  for (const question of ['Energy score', 'Budget variance', 'What-if', 'Cost meter']) {
    await choose(page, picker, new RegExp(`^${question}`), question);
    await expect(picker).toHaveValue(question);
    await expect(page.getByRole('listbox')).toHaveCount(0);
    const report = await scanForA11yViolations({
      include: '[data-testid="wattscore-query-editor"]',
      // In Grafana 12 the arrow of its own box for several choices is no button, and says that it is expanded.
      exclude: 'div[id$="-toggle-button"]',
    });
    expect(report.passes.length).toBeGreaterThan(0);
    expect(report, question).toHaveNoA11yViolations();
  }
});
