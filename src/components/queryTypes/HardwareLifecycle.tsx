import React from 'react';

import { Choice } from './Choice';
import { OptionsEditorProps, QueryTypeEditor } from './types';

function Options({ options, format, onChange }: OptionsEditorProps<'hardwareLifecycle'>) {
  if (format === 'time_series') {
    return null;
  }
  return (
    <Choice
      label="View"
      tooltip="Stages count the assets at the end of the period; flows count the moves within it"
      value={options.view ?? 'stages'}
      options={[
        { value: 'stages', label: 'By stage' },
        { value: 'overTime', label: 'Over time' },
        { value: 'flows', label: 'Flows' },
        { value: 'assets', label: 'Assets in service' },
        {
          value: 'purchases',
          label: 'By fiscal year',
          description: 'embodied carbon whole in the year of purchase, and amortised beside it',
        },
      ]}
      onChange={(view) => onChange({ ...options, view })}
    />
  );
}

export const hardwareLifecycle: QueryTypeEditor<'hardwareLifecycle'> = {
  value: 'hardwareLifecycle',
  label: 'Hardware lifecycle',
  description: 'Accelerators from procurement to recycling: stages, flows, age and embodied carbon',
  groupBy: [],
  formats: ['table', 'time_series', 'number'],
  metrics: [
    { value: 'assets', label: 'Assets' },
    { value: 'share', label: 'Share' },
    { value: 'embodied_kg', label: 'Embodied carbon (kgCO₂e)' },
    { value: 'embodied_amortised_kg', label: 'Embodied in the period (kgCO₂e)' },
    { value: 'embodied_purchased_kg', label: 'Embodied, by purchase (kgCO₂e)' },
  ],
  Options,
};
