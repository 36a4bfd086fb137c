import React from 'react';

import { Combobox, InlineField, InlineSwitch } from '@grafana/ui';

import { DataQualityOptions } from '../../types';
import { OptionsEditorProps, QueryTypeEditor } from './types';

type View = NonNullable<DataQualityOptions['view']>;

const views: Array<{ value: View; label: string; description: string }> = [
  { value: 'coverage', label: 'Measured and estimated', description: 'how much of the energy was metered' },
  {
    value: 'sources',
    label: 'Sources',
    description: 'who reported in the last seven days of the range, and when last',
  },
  { value: 'factors', label: 'Factors', description: 'what priced the energy: value, source, year, method, boundary' },
  { value: 'references', label: 'Reference intensities', description: 'what each task class is scored against' },
  { value: 'formulas', label: 'KPI formulas', description: 'how each business KPI is computed' },
  { value: 'figures', label: 'Figures', description: 'what every field of the answers means' },
  { value: 'restatements', label: 'Restatements', description: 'when published numbers were computed anew' },
];

function Options({ options, format, onChange }: OptionsEditorProps<'dataQuality'>) {
  const view = options.view ?? 'coverage';
  return (
    <>
      {format !== 'time_series' && (
        <InlineField
          label="View"
          labelWidth={20}
          tooltip="What an auditor asks of a number"
          htmlFor="wattscore-option-quality-view"
        >
          <Combobox<View>
            id="wattscore-option-quality-view"
            aria-label="View"
            width={40}
            options={format === 'number' ? views.slice(0, 2) : views}
            value={view}
            onChange={({ value }) => onChange({ ...options, view: value })}
          />
        </InlineField>
      )}
      {view === 'coverage' && (
        <InlineField
          label="Everything in one row"
          labelWidth={24}
          tooltip="One number over all energy instead of one for each group"
        >
          <InlineSwitch
            id="wattscore-option-quality-total"
            aria-label="Everything in one row"
            value={options.total ?? false}
            onChange={({ currentTarget }) => onChange({ ...options, total: currentTarget.checked })}
          />
        </InlineField>
      )}
    </>
  );
}

export const dataQuality: QueryTypeEditor<'dataQuality'> = {
  value: 'dataQuality',
  label: 'Data quality',
  description:
    'Where the numbers come from: how much is measured, which sources report, and the factors, references and formulas in force',
  groupBy: [
    'region',
    'businessUnit',
    'team',
    'productLine',
    'costCentre',
    'owner',
    'project',
    'model',
    'provider',
    'family',
    'taskClass',
    'stage',
    'endpoint',
    'workload',
  ],
  formats: ['table', 'time_series', 'number'],
  metrics: [
    { value: 'measured_share', label: 'Measured share' },
    { value: 'measured_kwh', label: 'Measured (kWh)' },
    { value: 'estimated_kwh', label: 'Estimated (kWh)' },
    { value: 'energy_kwh', label: 'Energy (kWh)' },
    { value: 'age_seconds', label: 'Age of the newest event (s)' },
    { value: 'events', label: 'Events' },
  ],
  Options,
};
