import React from 'react';

import { Choice } from './Choice';
import { Live } from './Live';
import { OptionsEditorProps, QueryTypeEditor } from './types';

function Options({ options, onChange }: OptionsEditorProps<'gpuLive'>) {
  return (
    <>
      <Choice
        label="GPUs"
        tooltip="Whose GPUs are shown"
        value={options.source ?? 'auto'}
        options={[
          {
            value: 'auto',
            label: 'Automatic',
            description: 'the machine Grafana runs on if it has GPUs, else the fleet',
          },
          { value: 'local', label: 'One machine', description: "Grafana's own, or that of the agent in the settings" },
          { value: 'fleet', label: 'Fleet', description: 'what agents collected on every host' },
        ]}
        onChange={(source) => onChange({ ...options, source })}
      />
      <Choice
        label="View"
        tooltip="A row a GPU, one over all of them, or how far each is from its usual"
        value={options.view ?? 'gpus'}
        options={[
          { value: 'gpus', label: 'Every GPU' },
          { value: 'total', label: 'Total', description: 'sums, the mean utilisation, the highest temperature' },
          {
            value: 'unusual',
            label: 'Unusual',
            description: "the last full hour's energy against the same hour of the fourteen days before",
          },
        ]}
        onChange={(view) => onChange({ ...options, view })}
      />
      <Live value={options.live} onChange={(live) => onChange({ ...options, live })} />
    </>
  );
}

export const gpuLive: QueryTypeEditor<'gpuLive'> = {
  value: 'gpuLive',
  label: 'Live GPUs',
  description: 'What each GPU draws, costs and emits right now, and how it fares',
  groupBy: [],
  defaultGroupBy: [],
  formats: ['table', 'time_series', 'number'],
  metrics: [
    { value: 'power_w', label: 'Power (W)' },
    { value: 'utilization', label: 'Utilisation' },
    { value: 'temperature', label: 'Temperature (°C)' },
    { value: 'memory_used', label: 'Memory used (bytes)' },
    { value: 'energy_kwh', label: 'Energy (kWh)' },
    { value: 'cost_usd_per_hour', label: 'Cost per hour (USD)' },
    { value: 'carbon_g_per_hour', label: 'Carbon per hour (g)' },
    { value: 'age_seconds', label: 'Age (s)' },
    { value: 'deviation', label: 'Deviation from the usual' },
    { value: 'energy_hour_kwh', label: 'Last full hour (kWh)' },
    { value: 'usual_kwh', label: 'Usual hour (kWh)' },
  ],
  Options,
};
