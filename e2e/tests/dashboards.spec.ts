import type { Page } from '@playwright/test';

import { dashboards, fullHeight, ShippedDashboard } from '../dashboards';
import { artifacts } from '../environment';
import { faultsOf } from '../faults';
import { expect, test } from '../test';

const sizes = [
  { name: 'desktop', width: 1440, height: 900 },
  { name: 'phone', width: 390, height: 844 },
];

/** Opens a dashboard in a window so high that all of it is drawn. */
async function open(page: Page, dashboard: ShippedDashboard, theme: string, { width, height }: (typeof sizes)[number]) {
  await page.setViewportSize({ width, height: Math.max(height, fullHeight(dashboard, width)) });
  await page.goto(`/d/${dashboard.uid}?theme=${theme}`);
}

/** Where the lowest panel ends. */
async function lowestEdge(page: Page): Promise<number> {
  const edges = await page.locator('[data-viz-panel-key]').evaluateAll((panels) => {
    return panels.map((panel) => panel.getBoundingClientRect().bottom);
  });
  return Math.ceil(Math.max(...edges));
}

for (const dashboard of dashboards) {
  for (const theme of ['light', 'dark']) {
    for (const size of sizes) {
      test(`${dashboard.title}: ${theme}, ${size.name}`, async ({ page }) => {
        await open(page, dashboard, theme, size);
        await expect.poll(() => faultsOf(page, dashboard), { timeout: 60_000 }).toEqual([]);
        const height = Math.max(size.height, (await lowestEdge(page)) + 16);
        await page.screenshot({
          path: `${artifacts}/screenshots/${dashboard.name}-${theme}-${size.name}.png`,
          clip: { x: 0, y: 0, width: size.width, height },
        });
      });
    }
  }
}
