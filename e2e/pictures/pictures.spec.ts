import { dashboards, fullHeight } from '../dashboards';
import { faultsOf } from '../faults';
import { cells, expect, panelThatAsks, test } from '../test';

/** Where the pictures lie that the guides and Grafana's plugin page show: the archive takes them from there. */
const folder = 'src/img/screenshots';

/** Some room around what is shown, in pixels. */
const margin = 8;

const pictures = [
  { name: 'executive-overview', theme: 'light' },
  { name: 'energy-cost', theme: 'dark' },
  { name: 'carbon', theme: 'light' },
  { name: 'portfolio', theme: 'dark' },
  { name: 'hardware-lifecycle', theme: 'light' },
  { name: 'what-if', theme: 'light' },
  { name: 'methodology', theme: 'light' },
];

for (const { name, theme } of pictures) {
  test(`${name}, ${theme}`, async ({ page }) => {
    const dashboard = dashboards.find((one) => one.name === name)!;
    const width = 1440;
    await page.setViewportSize({ width, height: fullHeight(dashboard, width) });
    await page.goto(`/d/${dashboard.uid}?theme=${theme}&kiosk`);
    await expect.poll(() => faultsOf(page, dashboard)).toEqual([]);
    const lowest = await page.locator('[data-viz-panel-key]').evaluateAll((panels) => {
      return Math.max(...panels.map((panel) => panel.getBoundingClientRect().bottom));
    });
    await page.screenshot({
      path: `${folder}/${name}.png`,
      clip: { x: 0, y: 0, width, height: Math.ceil(lowest) + margin },
    });
  });
}

test('the query editor', async ({ gotoPanelEditPage, page, scratch }) => {
  const uid = await scratch({
    panels: [panelThatAsks({ queryType: 'keyDrivers', options: { measure: 'cost' } })],
    time: { from: 'now-1y', to: 'now' },
  });
  const panelEditPage = await gotoPanelEditPage({ dashboard: { uid }, id: '1' });
  await expect(panelEditPage.panel.getErrorIcon()).toHaveCount(0);
  await expect(cells(page).first()).toBeVisible();
  const editor = page.getByTestId('wattscore-query-editor');
  await editor.screenshot({ path: `${folder}/query-editor.png` });
});
