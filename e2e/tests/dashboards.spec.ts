import type { Page } from '@playwright/test';

import { dashboards, fullHeight } from '../dashboards';
import { artifacts } from '../environment';
import { faultsOf } from '../faults';
import { expect, test } from '../test';

const sizes = [
  { name: 'desktop', width: 1440, height: 900 },
  { name: 'phone', width: 390, height: 844 },
];

/** Where the lowest panel ends. */
async function lowestEdge(page: Page): Promise<number> {
  const edges = await page.locator('[data-viz-panel-key]').evaluateAll((panels) => {
    return panels.map((panel) => panel.getBoundingClientRect().bottom);
  });
  return Math.ceil(Math.max(...edges));
}

for (const dashboard of dashboards) {
  for (const theme of ['light', 'dark']) {
    test(`${dashboard.title} in the ${theme} theme`, async ({ page }) => {
      for (const { name, width, height } of sizes) {
        await test.step(`at the width of a ${name}`, async () => {
          // So high that all of it is drawn.
          await page.setViewportSize({ width, height: Math.max(height, fullHeight(dashboard, width)) });
          if (name === sizes[0].name) {
            await page.goto(`/d/${dashboard.uid}?theme=${theme}`);
          }
          await expect.soft.poll(() => faultsOf(page, dashboard), { message: `${name}: faults` }).toEqual([]);
          await page.screenshot({
            path: `${artifacts}/screenshots/${dashboard.name}-${theme}-${name}.png`,
            clip: { x: 0, y: 0, width, height: Math.max(height, (await lowestEdge(page)) + 16) },
          });
        });
      }
    });
  }
}
