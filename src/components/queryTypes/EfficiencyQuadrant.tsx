import React from 'react';

import { Choice } from './Choice';
import { NumberOption } from './NumberOption';
import { OptionsEditorProps, QueryTypeEditor } from './types';

function Options({ options, format, onChange }: OptionsEditorProps<'efficiencyQuadrant'>) {
  return (
    <>
      {format === 'table' && (
        <Choice
          label="Shape"
          tooltip="One table; or, for an XY chart, a frame for each quadrant in its colour and the two lines between them"
          value={options.shape ?? 'models'}
          options={[
            { value: 'models', label: 'Table' },
            { value: 'quadrants', label: 'Points by quadrant' },
            { value: 'thresholds', label: 'Threshold lines' },
          ]}
          onChange={(shape) => onChange({ ...options, shape })}
        />
      )}
      <Choice
        label="Models"
        tooltip="Production models are the ones leadership plans by"
        value={options.stage ?? 'production'}
        options={[
          { value: 'production', label: 'In production' },
          { value: 'all', label: 'All stages' },
        ]}
        onChange={(stage) => onChange({ ...options, stage })}
      />
      <NumberOption
        label="Critical from"
        tooltip="Business criticality, 0 to 100, from which a model counts as critical"
        placeholder="50"
        min={1}
        max={100}
        value={options.criticalityThreshold}
        onChange={(criticalityThreshold) => onChange({ ...options, criticalityThreshold })}
      />
      <NumberOption
        label="Efficient from"
        tooltip="Energy Score, 0 to 100, from which a model counts as efficient; 50 is the reference. The saving is what reaching it would save."
        placeholder="50"
        min={1}
        max={100}
        value={options.scoreThreshold}
        onChange={(scoreThreshold) => onChange({ ...options, scoreThreshold })}
      />
    </>
  );
}

export const efficiencyQuadrant: QueryTypeEditor<'efficiencyQuadrant'> = {
  value: 'efficiencyQuadrant',
  label: 'Efficiency quadrant',
  description: 'Where to focus: each model by business criticality and Energy Score, with what fixing it would save',
  groupBy: [],
  formats: ['table', 'number'],
  metrics: [
    { value: 'potential_saving_usd', label: 'Potential saving (USD)' },
    { value: 'score', label: 'Energy Score' },
    { value: 'criticality', label: 'Business criticality' },
    { value: 'energy_kwh', label: 'Energy (kWh)' },
    { value: 'cost_usd', label: 'Cost (USD)' },
    { value: 'requests', label: 'Requests' },
  ],
  Options,
};
