import React from 'react';

import { Choice } from './Choice';
import { NumberOption } from './NumberOption';
import { OptionsEditorProps, QueryTypeEditor } from './types';

function Options({ options, onChange }: OptionsEditorProps<'efficiencyTrend'>) {
  return (
    <>
      <Choice
        label="Measure"
        tooltip="What is shown and forecast. Ratios are of each step's sums, never means of means."
        value={options.measure ?? 'kwh_per_1k_requests'}
        options={[
          { value: 'kwh_per_1k_requests', label: 'kWh per 1k requests', description: 'energy to solution of serving' },
          { value: 'score', label: 'Energy Score', description: '0 to 100, not distorted by the mix of models' },
          { value: 'energy_kwh', label: 'Energy', description: 'IT energy, without PUE' },
          { value: 'cost_usd', label: 'Cost', description: 'what was billed, else the energy cost' },
          { value: 'carbon_kg', label: 'Carbon', description: 'location-based' },
        ]}
        onChange={(measure) => onChange({ ...options, measure })}
      />
      <NumberOption
        label="Steps ahead"
        tooltip="How many steps to forecast, 0 for none. Empty is to the end of the next fiscal quarter."
        placeholder="next quarter"
        min={0}
        max={400}
        value={options.horizon}
        onChange={(horizon) => onChange({ ...options, horizon })}
      />
      <Choice
        label="Baseline"
        tooltip="Which intensity of each model the cost avoided is counted against"
        value={options.baseline ?? 'preceding'}
        options={[
          { value: 'preceding', label: 'Preceding period', description: 'as long as the range, right before it' },
          { value: 'first', label: 'First four steps', description: 'of the range' },
        ]}
        onChange={(baseline) => onChange({ ...options, baseline })}
      />
    </>
  );
}

export const efficiencyTrend: QueryTypeEditor<'efficiencyTrend'> = {
  value: 'efficiencyTrend',
  label: 'Efficiency trend & forecast',
  description:
    'How a measure developed, what the next quarter looks like with 80 and 95 % intervals, and the energy cost avoided so far',
  groupBy: [],
  formats: ['table', 'time_series', 'number'],
  stepsInTable: true,
  metrics: [
    { value: 'forecast', label: 'Forecast (next quarter)' },
    { value: 'cost_avoided_usd', label: 'Cost avoided (USD)' },
    { value: 'actual', label: 'Last whole step' },
  ],
  Options,
};
