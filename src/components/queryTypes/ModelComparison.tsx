import React from 'react';

import { Choice } from './Choice';
import { OptionsEditorProps, QueryTypeEditor } from './types';

function Options({ options, onChange }: OptionsEditorProps<'modelComparison'>) {
  return (
    <>
      <Choice
        label="Cost basis"
        tooltip="What the cost of answering requests counts"
        value={options.costBasis ?? 'energy'}
        options={[
          { value: 'energy', label: 'Energy', description: 'energy × electricity price' },
          { value: 'full', label: 'Full', description: 'what the source billed, else the energy cost' },
        ]}
        onChange={(costBasis) => onChange({ ...options, costBasis })}
      />
      <Choice
        label="Models"
        tooltip="Models compare with those of the same task class and accuracy metric"
        value={options.stage ?? 'production'}
        options={[
          { value: 'production', label: 'In production' },
          { value: 'all', label: 'All stages' },
        ]}
        onChange={(stage) => onChange({ ...options, stage })}
      />
    </>
  );
}

export const modelComparison: QueryTypeEditor<'modelComparison'> = {
  value: 'modelComparison',
  label: 'Model comparison',
  description: 'Accuracy against energy cost: which models another one of the same task beats at less energy',
  groupBy: [],
  formats: ['table', 'number'],
  metrics: [
    { value: 'kwh_per_1k_requests', label: 'kWh per 1k requests' },
    { value: 'cost_per_1k_requests_usd', label: 'Cost per 1k requests (USD)' },
    { value: 'accuracy', label: 'Accuracy' },
    { value: 'requests', label: 'Requests' },
    { value: 'score', label: 'Energy Score' },
    { value: 'parameters', label: 'Parameters (billions)' },
    { value: 'cost_per_billion_parameters', label: 'Cost per 1B parameters (USD)' },
    { value: 'accuracy_per_billion_parameters', label: 'Accuracy per 1B parameters' },
  ],
  Options,
};
