import React from 'react';

import { QueryEditorProps } from '@grafana/data';
import { Combobox, InlineField, Stack } from '@grafana/ui';

import { DataSource } from '../datasource';
import { filterDimensions } from '../filters';
import { Dimension, WattScoreOptions, WattScoreQuery, WattScoreVariableQuery } from '../types';
import { FiltersEditor } from './FiltersEditor';

type Props = QueryEditorProps<DataSource, WattScoreQuery, WattScoreOptions, WattScoreVariableQuery>;

const dimensions: Array<{ value: Dimension; label: string }> = [
  ...filterDimensions.map(({ dimension, label }) => ({ value: dimension as Dimension, label })),
  { value: 'productLine', label: 'Product line' },
  { value: 'costCentre', label: 'Cost centre' },
  { value: 'owner', label: 'Owner' },
  { value: 'provider', label: 'Provider' },
  { value: 'family', label: 'Model family' },
  { value: 'taskClass', label: 'Task class' },
  { value: 'stage', label: 'Stage' },
];

/** Which members a dashboard variable lists. */
export function VariableQueryEditor({ datasource, query, onChange }: Props) {
  const current = { ...query, refId: query.refId || 'variable', dimension: query.dimension ?? 'businessUnit' };
  return (
    <Stack direction="column" gap={1}>
      <InlineField label="Members of" labelWidth={20} tooltip="The values the variable offers">
        <Combobox
          id="wattscore-variable-dimension"
          aria-label="Members of"
          options={dimensions}
          value={current.dimension}
          onChange={({ value }) => onChange({ ...current, dimension: value })}
          width={30}
        />
      </InlineField>
      <FiltersEditor
        datasource={datasource}
        filters={current.filters}
        only={['businessUnit', 'team', 'project']}
        onChange={(filters) => onChange({ ...current, filters })}
      />
    </Stack>
  );
}
