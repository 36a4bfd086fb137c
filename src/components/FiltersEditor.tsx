import React from 'react';

import { Stack } from '@grafana/ui';

import { DataSource } from '../datasource';
import { filterDimensions } from '../filters';
import { FilterDimension, Filters } from '../types';
import { MultiChoice } from './MultiChoice';
import { variableChoices } from './variableChoices';

interface Props {
  datasource: DataSource;
  filters?: Filters;
  /** The filters to offer; all by default. */
  only?: FilterDimension[];
  onChange: (filters: Filters) => void;
}

/** The filters all query types share: empty means all; variables can be typed or chosen. */
export function FiltersEditor({ datasource, filters = {}, only, onChange }: Props) {
  const offered = filterDimensions.filter(({ dimension }) => !only || only.includes(dimension));
  return (
    <Stack direction="row" wrap="wrap" gap={0.5}>
      {offered.map(({ dimension, label }) => (
        <MultiChoice<string>
          key={dimension}
          id={`wattscore-filter-${dimension}`}
          label={label}
          labelWidth={16}
          placeholder={`All ${label.toLowerCase()}s`}
          createCustomValue
          minWidth={20}
          maxWidth={48}
          value={filters[dimension] ?? []}
          options={async (typed) => {
            const { [dimension]: _, ...others } = filters;
            const members = [...variableChoices(), ...(await datasource.members(dimension, others))];
            return members.filter(({ label }) => label.toLowerCase().includes(typed.toLowerCase()));
          }}
          onChange={(chosen) => onChange({ ...filters, [dimension]: chosen })}
        />
      ))}
    </Stack>
  );
}
