// force timezone to UTC to allow tests to work regardless of local timezone
// generally used by snapshots, but can affect specific tests
process.env.TZ = 'UTC';

const scaffold = require('./.config/jest.config');
const [[, swc]] = Object.entries(scaffold.transform);

module.exports = {
  // Jest configuration provided by Grafana scaffolding
  ...scaffold,
  // A test is about a result. How long a busy machine takes to draw a form is none.
  testTimeout: 120_000,
  // Some of Grafana's dependencies ship as .mjs, which the scaffold does not transform.
  transform: { ...scaffold.transform, '^.+\\.mjs$': swc },
};
