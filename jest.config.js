// force timezone to UTC to allow tests to work regardless of local timezone
// generally used by snapshots, but can affect specific tests
process.env.TZ = 'UTC';

const scaffold = require('./.config/jest.config');
const [[, swc]] = Object.entries(scaffold.transform);

module.exports = {
  // Jest configuration provided by Grafana scaffolding
  ...scaffold,
  // Some of Grafana's dependencies ship as .mjs, which the scaffold does not transform.
  transform: { ...scaffold.transform, '^.+\\.mjs$': swc },
};
