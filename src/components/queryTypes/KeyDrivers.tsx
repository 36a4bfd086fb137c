import React from 'react';

import { Choice } from './Choice';
import { NumberOption } from './NumberOption';
import { OptionsEditorProps, QueryTypeEditor } from './types';

function Options({ options, format, onChange }: OptionsEditorProps<'keyDrivers'>) {
  return (
    <>
      <Choice
        label="What changed"
        tooltip="The total whose change against the preceding period is explained"
        value={options.measure ?? 'energy'}
        options={[
          { value: 'energy', label: 'Energy', description: 'facility energy, PUE included' },
          { value: 'cost', label: 'Cost', description: 'energy × electricity price, not what is billed for hardware' },
          { value: 'carbon', label: 'Carbon', description: 'location-based emissions' },
        ]}
        onChange={(measure) => onChange({ ...options, measure })}
      />
      {format === 'table' && (
        <Choice
          label="View"
          tooltip="The drivers by segment, each as a sentence; or steps from the preceding total to this one for a stacked bar chart"
          value={options.view ?? 'drivers'}
          options={[
            { value: 'drivers', label: 'By segment' },
            { value: 'bridge', label: 'In steps' },
          ]}
          onChange={(view) => onChange({ ...options, view })}
        />
      )}
      <NumberOption
        label="Drivers"
        tooltip="How many to name, the greatest first; 0 is all. The steps put the rest into one."
        placeholder={options.view === 'bridge' && format === 'table' ? 'all' : '3'}
        min={0}
        value={options.top}
        onChange={(top) => onChange({ ...options, top })}
      />
    </>
  );
}

export const keyDrivers: QueryTypeEditor<'keyDrivers'> = {
  value: 'keyDrivers',
  label: 'Key drivers',
  description:
    'Why energy, cost or carbon changed against the preceding period: the greatest causes, each as a sentence',
  groupBy: ['businessUnit', 'team', 'project', 'model', 'region'],
  oneGroup: true,
  formats: ['table', 'number'],
  metrics: [
    { value: 'effect', label: 'Effect' },
    { value: 'share_of_change', label: 'Share of change' },
  ],
  Options,
};
