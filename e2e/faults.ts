import type { Page } from '@playwright/test';

import type { ShippedDashboard } from './dashboards';

interface Expected {
  id: number;
  title: string;
  type: string;
  /** What the panel says when it has nothing to show. */
  noValue: string;
  /** It may have nothing to show: what it says then is an answer. */
  mayBeEmpty: boolean;
}

/** Panels of which the demo company has nothing: no number of it was ever restated. */
const emptyAtTheDemo = ['Restatements'];

/** Pages of a Grafana that was built without the library its gauges are drawn with. */
const drawsNoGauges = new WeakSet<Page>();

/** Listens for what a Grafana says that cannot draw a gauge, whosever it is. */
export function forgiveMissingGauges(page: Page) {
  page.on('console', (message) => {
    if (/Gauge rendering error.*plot is not a function/s.test(message.text())) {
      drawsNoGauges.add(page);
    }
  });
}

/**
 * What is wrong with a dashboard as it stands in the browser: panels that are missing, load, failed or are
 * empty, and texts that are cut off. Empty when all is well.
 */
export async function faultsOf(page: Page, dashboard: ShippedDashboard): Promise<string[]> {
  const panels = dashboard.panels.filter(({ type }) => type !== 'gauge' || !drawsNoGauges.has(page));
  const expected = panels.map(({ id, title, type, fieldConfig }): Expected => ({
    id,
    title,
    type,
    noValue: fieldConfig.defaults.noValue ?? 'No data',
    mayBeEmpty: emptyAtTheDemo.includes(title),
  }));
  return page.evaluate(findFaults, expected);
}

/** Runs in the browser. */
function findFaults(expected: Expected[]): string[] {
  const faults: string[] = [];
  for (const panel of expected) {
    const fault = (text: string) => faults.push(`${panel.title}: ${text}`);
    const element = document.querySelector<HTMLElement>(`[data-viz-panel-key="panel-${panel.id}"]`);
    if (!element) {
      fault('is not drawn');
      continue;
    }
    const failure = element.querySelector('[data-testid="data-testid Panel status error"]');
    if (failure) {
      fault('is in error');
    }
    if (element.querySelector('[aria-label="Panel loading bar"]')) {
      fault('still loads');
    }
    const content = element.querySelector<HTMLElement>('[data-testid="data-testid panel content"]') ?? element;
    const text = content.innerText.trim();
    const words = text.split('\n').map((line) => line.trim());
    const empty =
      content.querySelector('[data-testid="data-testid Panel data error message"]') !== null ||
      (text.length > 0 && words.every((line) => line === panel.noValue)) ||
      words.includes(panel.noValue) ||
      words.includes('No data');
    if (empty) {
      const why = words.find((line) => line !== '') ?? '';
      if (!panel.mayBeEmpty) {
        fault(`is empty: ${why}`);
      }
    } else if (panel.type === 'table') {
      if (!panel.mayBeEmpty && !content.querySelector('[role="gridcell"], [role="cell"]')) {
        fault('has no rows');
      }
    } else if (content.querySelector('canvas')) {
      if (!hasColour(content)) {
        fault('draws nothing but its axes');
      }
    } else if (!/\d/.test(text)) {
      fault(`shows no number: ${text}`);
    }
    cutTexts(element).forEach((cut) => fault(`cuts off “${cut}”`));
  }
  if (document.documentElement.scrollWidth > window.innerWidth + 1) {
    faults.push(`the page is wider than the window: ${document.documentElement.scrollWidth} pixels`);
  }
  return faults;

  /** Axes and grid are grey; data has a colour. */
  function hasColour(root: HTMLElement): boolean {
    return [...root.querySelectorAll('canvas')].some((canvas) => {
      const context = canvas.getContext('2d');
      if (!context || canvas.width === 0 || canvas.height === 0) {
        return false;
      }
      const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
      let coloured = 0;
      for (let i = 0; i < data.length; i += 4) {
        const [r, g, b, alpha] = data.slice(i, i + 4);
        if (alpha > 40 && Math.max(r, g, b) - Math.min(r, g, b) > 40) {
          coloured++;
        }
      }
      return coloured > 20;
    });
  }

  /** Texts that reach beyond the box that clips them. What can be scrolled to is not cut. */
  function cutTexts(root: HTMLElement): string[] {
    const cut: string[] = [];
    const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let text = texts.nextNode(); text; text = texts.nextNode()) {
      const words = text.textContent?.trim();
      const box = clippingBox(text.parentElement, root);
      if (!words || !box || box.width < 3) {
        continue;
      }
      const range = document.createRange();
      range.selectNodeContents(text);
      const drawn = range.getBoundingClientRect();
      if (drawn.width > 0 && (drawn.right > box.right + 0.2 || drawn.left < box.left - 0.2)) {
        cut.push(words);
      }
    }
    return [...cut, ...shortened(root)];
  }

  /** Texts that end in an ellipsis. A phone has no room for every name. */
  function shortened(root: HTMLElement): string[] {
    if (window.innerWidth < 1000) {
      return [];
    }
    return [...root.querySelectorAll<HTMLElement>('*')]
      .filter((element) => element.scrollWidth > element.clientWidth + 1 && element.innerText?.trim())
      .filter((element) => getComputedStyle(element).textOverflow === 'ellipsis')
      .map((element) => element.innerText.trim());
  }

  function clippingBox(start: HTMLElement | null, root: HTMLElement): DOMRect | undefined {
    for (let element = start; element && element !== root; element = element.parentElement) {
      const { overflowX, visibility } = getComputedStyle(element);
      if (visibility === 'hidden' || ['auto', 'scroll'].includes(overflowX)) {
        return undefined;
      }
      if (['hidden', 'clip'].includes(overflowX)) {
        return element.getBoundingClientRect();
      }
    }
    return undefined;
  }
}
