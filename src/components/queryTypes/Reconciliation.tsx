import React from 'react';

import { InlineField, InlineSwitch } from '@grafana/ui';

import { ProviderQuantity, ProviderSource } from '../../types';
import { MultiChoice } from '../MultiChoice';
import { Choice } from './Choice';
import { OptionsEditorProps, QueryTypeEditor } from './types';

const sources: Array<{ value: ProviderSource; label: string; description: string }> = [
  { value: 'google', label: 'Google Carbon Footprint', description: 'wattctl import google-carbon' },
  { value: 'aws', label: 'AWS carbon export', description: 'wattctl import aws-carbon' },
  { value: 'ccf', label: 'Cloud Carbon Footprint', description: 'wattctl import ccf' },
  { value: 'focus', label: 'Bill (FOCUS)', description: 'wattctl import focus' },
];

const quantities: Array<{ value: ProviderQuantity; label: string; description: string }> = [
  { value: 'carbon_location', label: 'Carbon, location-based', description: 'by the grid’s average' },
  { value: 'carbon_market', label: 'Carbon, market-based', description: 'by supply contracts' },
  { value: 'carbon', label: 'Carbon, basis not stated', description: 'held against our location-based figure' },
  { value: 'cost', label: 'Cost', description: 'effective cost, without tax and credits' },
  { value: 'energy', label: 'Energy, not metered', description: 'embodied carbon may be inside as kWh' },
];

function Options({ options, onChange }: OptionsEditorProps<'reconciliation'>) {
  return (
    <>
      <MultiChoice<ProviderSource>
        id="wattscore-option-sources"
        label="Figures of"
        labelWidth={20}
        tooltip="None chosen shows all"
        placeholder="everyone"
        options={sources}
        value={options.sources ?? []}
        onChange={(chosen) => onChange({ ...options, sources: chosen })}
      />
      <MultiChoice<ProviderQuantity>
        id="wattscore-option-quantities"
        label="Compare"
        labelWidth={20}
        tooltip="None chosen compares carbon and cost"
        placeholder="carbon and cost"
        options={quantities}
        value={options.quantities ?? []}
        onChange={(chosen) => onChange({ ...options, quantities: chosen })}
      />
      <MultiChoice
        id="wattscore-option-services"
        label="Services"
        labelWidth={20}
        tooltip="Only these of the provider's services, by its own names, such as Vertex AI; none chosen takes all"
        placeholder="all"
        createCustomValue
        options={(options.services ?? []).map((value) => ({ value, label: value }))}
        value={options.services ?? []}
        onChange={(chosen) => onChange({ ...options, services: chosen })}
      />
      <Choice
        label="Scopes"
        tooltip="Ours is operational: with all scopes the provider's scope 3 has nothing to compare with"
        value={options.scopes ?? 'operational'}
        options={[
          { value: 'operational', label: 'Without scope 3' },
          { value: 'all', label: 'All' },
        ]}
        onChange={(scopes) => onChange({ ...options, scopes })}
      />
      <Choice
        label="Method versions"
        tooltip="Of the provider's method; two versions of a month are never added"
        value={options.versions ?? 'newest'}
        options={[
          { value: 'newest', label: 'Newest' },
          { value: 'all', label: 'Each' },
        ]}
        onChange={(versions) => onChange({ ...options, versions })}
      />
      <InlineField
        label="By service"
        labelWidth={20}
        tooltip="A row for each of the provider's services; ours is not known by service"
      >
        <InlineSwitch
          id="wattscore-option-by-service"
          aria-label="By service"
          value={options.byService ?? false}
          onChange={({ currentTarget }) => onChange({ ...options, byService: currentTarget.checked || undefined })}
        />
      </InlineField>
    </>
  );
}

export const reconciliation: QueryTypeEditor<'reconciliation'> = {
  value: 'reconciliation',
  label: 'Reconciliation',
  description: 'Our estimate against what cloud providers and bills say of the same months, like with like',
  groupBy: ['region', 'project', 'businessUnit'],
  formats: ['table', 'time_series', 'number'],
  metrics: [
    { value: 'difference_pct', label: 'Difference %' },
    { value: 'difference', label: 'Difference' },
    { value: 'provider_value', label: 'Provider’s' },
    { value: 'our_value', label: 'Ours' },
    { value: 'coverage', label: 'Coverage' },
    { value: 'idle_value', label: 'Idle at the provider' },
  ],
  Options,
};
