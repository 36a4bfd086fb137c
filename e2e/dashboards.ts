import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface DashboardPanel {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  fieldConfig: { defaults: { noValue?: string } };
}

export interface ShippedDashboard {
  /** The file's name without its end, such as executive-overview. */
  name: string;
  uid: string;
  title: string;
  panels: DashboardPanel[];
  templating: { list: Array<{ name: string; type: string; label?: string }> };
}

const folder = join(__dirname, '..', 'dashboards');

/** Every dashboard that ships: a new file is tested without more ado. */
export const dashboards: ShippedDashboard[] = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .sort()
  .map((file) => {
    const dashboard = JSON.parse(readFileSync(join(folder, file), 'utf8')) as ShippedDashboard;
    const panels = dashboard.panels.filter(({ type }) => type !== 'row');
    return { ...dashboard, name: file.replace(/\.json$/, ''), panels };
  });

/** Grafana's grid: a row is 30 pixels, with 8 between two. */
const rowHeight = 38;

/** The narrowest page that Grafana lays out in columns. */
const columnsFrom = 769;

/** How high a window must be for a dashboard to be drawn whole: panels out of sight are not drawn. */
export function fullHeight({ panels }: ShippedDashboard, width: number): number {
  const rows =
    width < columnsFrom
      ? panels.reduce((sum, { gridPos }) => sum + gridPos.h, 0)
      : Math.max(...panels.map(({ gridPos }) => gridPos.y + gridPos.h));
  const controls = width < columnsFrom ? 900 : 300;
  return rows * rowHeight + controls;
}
