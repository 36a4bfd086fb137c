import React from 'react';

import { Button, InlineField, Stack } from '@grafana/ui';

import { Scenario } from '../../types';
import { numberOrText, ScenarioEditor, TextField } from './ScenarioEditor';
import { OptionsEditorProps, QueryTypeEditor } from './types';

/** The guide's own question, and what a query without scenarios asks. */
const firstScenario: Scenario = { kind: 'efficiency', percent: 15 };

function Options({ options, datasource, onChange }: OptionsEditorProps<'whatIf'>) {
  const scenarios = options.scenarios?.length ? options.scenarios : [firstScenario];
  const update = (changed: Scenario[]) => onChange({ ...options, scenarios: changed });
  return (
    <Stack direction="column" gap={0.5}>
      {scenarios.map((scenario, index) => (
        <ScenarioEditor
          // A removed scenario must not leave its entries to the next one.
          key={`${scenarios.length}-${index}-${scenario.kind}`}
          ordinal={index + 1}
          scenario={scenario}
          datasource={datasource}
          onChange={(changed) => update(scenarios.map((other, i) => (i === index ? changed : other)))}
          onRemove={scenarios.length > 1 ? () => update(scenarios.filter((_, i) => i !== index)) : undefined}
        />
      ))}
      <Stack direction="row" wrap="wrap" gap={0.5}>
        <Button variant="secondary" icon="plus" onClick={() => update([...scenarios, firstScenario])}>
          Add scenario
        </Button>
        {scenarios.some(({ kind }) => kind === 'gpuUpgrade') && (
          <InlineField
            label="Discount rate (%)"
            tooltip="Per year, for net present values: what the money would earn elsewhere"
            htmlFor="wattscore-option-discount-rate"
          >
            <TextField
              id="wattscore-option-discount-rate"
              label="Discount rate (%)"
              placeholder="8"
              width={14}
              value={options.discountRatePercent}
              onChange={(entered) => onChange({ ...options, discountRatePercent: numberOrText(entered) })}
            />
          </InlineField>
        )}
      </Stack>
    </Stack>
  );
}

export const whatIf: QueryTypeEditor<'whatIf'> = {
  value: 'whatIf',
  label: 'What-if',
  description:
    'What a change would save a year: efficiency, a move to another region, another model, new GPUs, another PUE',
  groupBy: [],
  formats: ['table', 'number'],
  metrics: [
    { value: 'saving_usd', label: 'Cost saved (USD a year)' },
    { value: 'saving_kwh', label: 'Energy saved (kWh a year)' },
    { value: 'saving_t', label: 'Carbon saved (tCO₂e a year)' },
    { value: 'npv_usd', label: 'Net present value (USD)' },
    { value: 'payback_months', label: 'Payback (months)' },
    { value: 'cost_usd', label: 'Energy cost (USD a year)' },
  ],
  Options,
};
