import React from 'react';

import { InlineField, InlineSwitch } from '@grafana/ui';

import { Choice } from './Choice';
import { NumberOption } from './NumberOption';
import { OptionsEditorProps, QueryTypeEditor } from './types';

function Options({ options, onChange }: OptionsEditorProps<'carbonAttribution'>) {
  return (
    <>
      <Choice
        label="Method"
        tooltip="Two views of the same emissions, never added together"
        value={options.method ?? 'location'}
        options={[
          { value: 'location', label: 'Location-based', description: "the grid's average" },
          { value: 'market', label: 'Market-based', description: 'the supply contracts, else the grid' },
          { value: 'both', label: 'Side by side', description: 'the totals by each, never added' },
        ]}
        onChange={(method) => onChange({ ...options, method })}
      />
      <InlineField
        label="Embodied carbon"
        labelWidth={20}
        tooltip="Adds a column with the making of the hardware, spread over its lifetime; it is not part of the total. Group by business unit."
      >
        <InlineSwitch
          id="wattscore-option-embodied"
          aria-label="Embodied carbon"
          value={options.embodied ?? false}
          onChange={({ currentTarget }) => onChange({ ...options, embodied: currentTarget.checked })}
        />
      </InlineField>
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

export const carbonAttribution: QueryTypeEditor<'carbonAttribution'> = {
  value: 'carbonAttribution',
  label: 'Carbon attribution',
  description: 'Who causes the emissions: business units by AI service, idle and unallocated energy shown',
  groupBy: ['businessUnit', 'team', 'productLine', 'costCentre', 'project'],
  oneGroup: true,
  formats: ['table', 'number'],
  metrics: [
    { value: 'total_t', label: 'Total (tCO₂e)' },
    { value: 'share', label: 'Share' },
    { value: 'chargeback_usd', label: 'Chargeback (USD)' },
    { value: 'location_t', label: 'Location-based (tCO₂e)' },
    { value: 'market_t', label: 'Market-based (tCO₂e)' },
    { value: 'embodied_t', label: 'Embodied, amortised (tCO₂e)' },
    { value: 'sci_g_per_1k_requests', label: 'SCI (gCO₂e per 1k requests)' },
  ],
  Options,
};
