import React from 'react';

import { InlineField, InlineSwitch } from '@grafana/ui';

import { Choice } from './Choice';
import { OptionsEditorProps, QueryTypeEditor } from './types';

function Options({ options, format, onChange }: OptionsEditorProps<'energyScore'>) {
  return (
    <>
      <InlineField
        label="Everything in one row"
        labelWidth={24}
        tooltip="One number over all usage instead of one for each group: for a gauge or a stat panel"
      >
        <InlineSwitch
          id="wattscore-option-total"
          aria-label="Everything in one row"
          value={options.total ?? false}
          onChange={({ currentTarget }) => onChange({ ...options, total: currentTarget.checked })}
        />
      </InlineField>
      <Choice
        label="Cost basis"
        tooltip="What cost per AI transaction counts: the electricity alone, or everything that was billed"
        value={options.costBasis ?? 'energy'}
        options={[
          { value: 'energy', label: 'Energy', description: 'energy × electricity price' },
          { value: 'full', label: 'Full', description: 'what the source billed, else the energy cost' },
        ]}
        onChange={(costBasis) => onChange({ ...options, costBasis })}
      />
      <Choice
        label="Tokens"
        tooltip="Which tokens the energy per million tokens counts; they give numbers up to nine times apart"
        value={options.tokens ?? 'output'}
        options={[
          { value: 'output', label: 'Output' },
          { value: 'input', label: 'Input' },
          { value: 'total', label: 'Total' },
        ]}
        onChange={(tokens) => onChange({ ...options, tokens })}
      />
      {format === 'table' && (
        <Choice
          label="Stars by"
          tooltip="How the models of a task class are cut into five bands. Under five models there are no stars."
          value={options.starBands ?? 'range'}
          options={[
            { value: 'range', label: 'Range', description: 'five equal bands between the least and the most' },
            { value: 'quintile', label: 'Quintile', description: 'a fifth of the models in each band' },
          ]}
          onChange={(starBands) => onChange({ ...options, starBands })}
        />
      )}
    </>
  );
}

export const energyScore: QueryTypeEditor<'energyScore'> = {
  value: 'energyScore',
  label: 'Energy score',
  description: 'Energy, cost and carbon per unit of work, scored against the reference of each task class',
  groupBy: [
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
    'region',
    'endpoint',
    'workload',
  ],
  defaultGroupBy: ['model'],
  formats: ['table', 'time_series', 'number'],
  metrics: [
    { value: 'score', label: 'Energy Score' },
    { value: 'kwh_per_1k_requests', label: 'kWh per 1k requests' },
    { value: 'kwh_per_1m_tokens', label: 'kWh per 1M tokens' },
    { value: 'energy_kwh', label: 'Energy (kWh)' },
    { value: 'cost_usd', label: 'Cost (USD)' },
    { value: 'cost_per_transaction_usd', label: 'Cost per AI transaction (USD)' },
    { value: 'carbon_kg', label: 'Carbon (kgCO₂e)' },
    { value: 'requests', label: 'Requests' },
  ],
  Options,
};
