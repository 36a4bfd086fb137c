import React from 'react';

import { Combobox, InlineField } from '@grafana/ui';

import { Choice } from './Choice';
import { OptionsEditorProps, QueryTypeEditor } from './types';

const audiences = [
  'CFO',
  'Product Leads',
  'ESG Committee',
  'Investors',
  'CTO',
  'Engineering Leads',
  'Product Managers',
  'DevOps',
  'Head of AI Research',
  'Facilities',
  'Sustainability Officer',
  'CIO',
  'Finance',
  'CEO',
];

function Options({ options, onChange }: OptionsEditorProps<'kpi'>) {
  return (
    <>
      <InlineField
        label="Audience"
        labelWidth={20}
        tooltip="Only the KPIs that these readers steer by"
        htmlFor="wattscore-option-audience"
      >
        <Combobox
          id="wattscore-option-audience"
          aria-label="Audience"
          width={32}
          isClearable
          placeholder="everybody"
          options={audiences.map((value) => ({ value, label: value }))}
          value={options.audience ?? null}
          onChange={(chosen) => onChange({ ...options, audience: chosen?.value })}
        />
      </InlineField>
      <Choice
        label="Cost basis"
        tooltip="What cost per AI transaction and R&D efficiency count"
        value={options.costBasis ?? 'energy'}
        options={[
          { value: 'energy', label: 'Energy', description: 'energy × electricity price' },
          { value: 'full', label: 'Full', description: 'what the source billed, else the energy cost' },
        ]}
        onChange={(costBasis) => onChange({ ...options, costBasis })}
      />
    </>
  );
}

export const kpi: QueryTypeEditor<'kpi'> = {
  value: 'kpi',
  label: 'Business KPIs',
  description: 'Each technical measurement as the figure that its readers steer by, now and before',
  groupBy: [],
  formats: ['table', 'number'],
  metrics: [
    { value: 'value', label: 'Value' },
    { value: 'change', label: 'Change' },
    { value: 'previous', label: 'Previous' },
  ],
  Options,
};
