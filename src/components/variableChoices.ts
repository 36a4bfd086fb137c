import { getTemplateSrv } from '@grafana/runtime';

import { Choice } from '../datasource';

/** The dashboard's variables, as entries of a drop-down. */
export function variableChoices(): Choice[] {
  return getTemplateSrv()
    .getVariables()
    .filter(({ type }) => type !== 'datasource' && type !== 'adhoc')
    .map(({ name }) => ({ value: `\${${name}}`, label: `\${${name}}` }));
}
