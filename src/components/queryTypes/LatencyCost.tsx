import React from 'react';

import { Choice } from './Choice';
import { OptionsEditorProps, QueryTypeEditor } from './types';

function Options({ options, format, onChange }: OptionsEditorProps<'latencyCost'>) {
  return (
    <>
      {format === 'table' && (
        <Choice
          label="View"
          tooltip="The hours of everything the filters leave (days beyond a month), or a row a group with its correlation"
          value={options.view ?? 'hours'}
          options={[
            { value: 'hours', label: 'By the hour' },
            { value: 'groups', label: 'By group' },
          ]}
          onChange={(view) => onChange({ ...options, view })}
        />
      )}
      <Choice
        label="Cost basis"
        tooltip="What the cost per thousand requests counts"
        value={options.costBasis ?? 'energy'}
        options={[
          { value: 'energy', label: 'Energy', description: 'energy × electricity price' },
          { value: 'full', label: 'Full', description: 'what the source billed, else the energy cost' },
        ]}
        onChange={(costBasis) => onChange({ ...options, costBasis })}
      />
    </>
  );
}

export const latencyCost: QueryTypeEditor<'latencyCost'> = {
  value: 'latencyCost',
  label: 'Latency and cost',
  description: 'Latency against its objectives beside the energy cost of the same hours',
  groupBy: ['endpoint', 'model', 'project', 'region', 'team', 'businessUnit'],
  defaultGroupBy: [],
  formats: ['table', 'time_series', 'number'],
  metrics: [
    { value: 'slo_breach_rate', label: 'SLO breach rate' },
    { value: 'p95_ms', label: 'p95 latency (ms)' },
    { value: 'p50_ms', label: 'p50 latency (ms)' },
    { value: 'cost_per_1k_requests_usd', label: 'Cost per 1k requests (USD)' },
    { value: 'correlation', label: 'Correlation ρ' },
    { value: 'spikes', label: 'Cost spikes' },
    { value: 'spikes_with_breach', label: 'Spikes with a breach' },
    { value: 'requests', label: 'Requests' },
  ],
  Options,
};
