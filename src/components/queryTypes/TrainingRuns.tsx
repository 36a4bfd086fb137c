import React from 'react';

import { Choice } from './Choice';
import { NumberOption } from './NumberOption';
import { OptionsEditorProps, QueryTypeEditor } from './types';

function Options({ options, onChange }: OptionsEditorProps<'trainingRuns'>) {
  return (
    <>
      <Choice
        label="View"
        tooltip="Runs that overlap the period, with all they took; or together, by the product feature they were for"
        value={options.view ?? 'runs'}
        options={[
          { value: 'runs', label: 'Runs' },
          { value: 'features', label: 'Product features' },
        ]}
        onChange={(view) => onChange({ ...options, view })}
      />
      <NumberOption
        label="Carbon price"
        tooltip="Internal price in USD per tonne CO₂e; empty takes the data source's"
        placeholder="data source's"
        suffix="USD/t"
        min={0}
        value={options.carbonPriceUsdPerTonne}
        onChange={(carbonPriceUsdPerTonne) => onChange({ ...options, carbonPriceUsdPerTonne })}
      />
    </>
  );
}

export const trainingRuns: QueryTypeEditor<'trainingRuns'> = {
  value: 'trainingRuns',
  label: 'Training runs',
  description: "What making the models takes: each run's energy, carbon and cost, and the carbon cost of features",
  groupBy: [],
  formats: ['table', 'number'],
  metrics: [
    { value: 'energy_kwh', label: 'Energy (kWh)' },
    { value: 'cost_usd', label: 'Cost (USD)' },
    { value: 'carbon_kg', label: 'Carbon (kgCO₂e)' },
    { value: 'carbon_cost_usd', label: 'Carbon cost (USD)' },
    { value: 'gpu_hours', label: 'GPU hours' },
    { value: 'duration_hours', label: 'Duration (h), of runs' },
    { value: 'kwh_per_accuracy_point', label: 'Energy per accuracy point (kWh), of runs' },
    { value: 'kwh_per_accuracy_point_gained', label: 'Energy per point gained (kWh), of runs' },
    { value: 'kwh_per_run', label: 'Energy per run (kWh), of features' },
    { value: 'carbon_g_per_1k_requests', label: 'gCO₂e per 1k requests, of features' },
  ],
  Options,
};
