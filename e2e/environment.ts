// Where the tests run and what they know of it. See tools/e2e.

export const grafanaURL = process.env.GRAFANA_URL || 'http://127.0.0.1:3000';

/** Screenshots, traces and the report; git ignores it. */
export const artifacts = 'e2e/artifacts';

/** The data source of provisioning/datasources. */
export const dataSource = { uid: 'wattscore', name: 'WattScore', type: 'wattscore-aienergy-datasource' };

/** The password of the data source's user, where it is known: further data sources are made with it. */
export const databasePassword = process.env.WATTSCORE_PASSWORD;

/** Somebody who may only look. */
export const viewer = { user: 'wattscore-e2e-viewer', password: 'looks-at-dashboards', role: 'Viewer' as const };

/** Who may change things. */
export const admin = {
  user: process.env.GRAFANA_ADMIN_USER ?? 'admin',
  password: process.env.GRAFANA_ADMIN_PASSWORD ?? 'admin',
};
