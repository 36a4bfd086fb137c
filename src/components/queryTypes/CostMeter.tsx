import React from 'react';

import { Choice } from './Choice';
import { Live } from './Live';
import { NumberOption } from './NumberOption';
import { OptionsEditorProps, QueryTypeEditor } from './types';

function Options({ options, onChange }: OptionsEditorProps<'costMeter'>) {
  return (
    <>
      <Choice
        label="Work"
        tooltip="Budgets are for all AI work, so only everything is held against them like with like"
        value={options.scope ?? 'serving'}
        options={[
          { value: 'serving', label: 'Answering requests' },
          { value: 'all', label: 'Everything' },
        ]}
        onChange={(scope) => onChange({ ...options, scope })}
      />
      <Choice
        label="Cost basis"
        tooltip="What is billed, or the electricity alone"
        value={options.costBasis ?? 'full'}
        options={[
          { value: 'full', label: 'Full', description: 'what the source billed, else the energy cost' },
          { value: 'energy', label: 'Energy', description: 'energy × electricity price' },
        ]}
        onChange={(costBasis) => onChange({ ...options, costBasis })}
      />
      <NumberOption
        label="Yellow from"
        tooltip="Part of the budget from which the status is yellow, 0 to 1"
        placeholder="0.9"
        min={0}
        max={1}
        value={options.warnAt}
        onChange={(warnAt) => onChange({ ...options, warnAt })}
      />
      <Live value={options.live} onChange={(live) => onChange({ ...options, live })} />
    </>
  );
}

export const costMeter: QueryTypeEditor<'costMeter'> = {
  value: 'costMeter',
  label: 'Cost meter',
  description: 'What AI costs this hour and today, at which rate, and whether the day stays within its budget',
  groupBy: ['businessUnit'],
  defaultGroupBy: [],
  formats: ['table', 'number'],
  metrics: [
    { value: 'budget_used', label: 'Budget used' },
    { value: 'projected_day_usd', label: 'Projected today (USD)' },
    { value: 'spend_day_usd', label: 'Today (USD)' },
    { value: 'spend_hour_usd', label: 'This hour (USD)' },
    { value: 'burn_usd_per_hour', label: 'Burn rate (USD per hour)' },
    { value: 'budget_day_usd', label: 'Budget today (USD)' },
  ],
  Options,
};
