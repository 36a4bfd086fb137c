import React from 'react';

import { Choice } from './Choice';
import { NumberOption } from './NumberOption';
import { OptionsEditorProps, QueryTypeEditor } from './types';

function Options({ options, onChange }: OptionsEditorProps<'budgetVariance'>) {
  const budget = options.budget ?? 'carbon';
  return (
    <>
      <Choice
        label="Budget"
        tooltip="Carbon budgets are by week, cost budgets by day"
        value={budget}
        options={[
          { value: 'carbon', label: 'Carbon' },
          { value: 'cost', label: 'Cost' },
        ]}
        onChange={(changed) => onChange({ budget: changed, warnAt: options.warnAt })}
      />
      {budget === 'carbon' ? (
        <Choice
          label="Method"
          tooltip="Which emissions are held against the budget"
          value={options.method ?? 'location'}
          options={[
            { value: 'location', label: 'Location-based' },
            { value: 'market', label: 'Market-based' },
          ]}
          onChange={(method) => onChange({ ...options, method })}
        />
      ) : (
        <Choice
          label="By"
          tooltip="How long a row is; the budgets of its days add up"
          value={options.step ?? 'week'}
          options={[
            { value: 'day', label: 'Day' },
            { value: 'week', label: 'Week' },
            { value: 'month', label: 'Month' },
          ]}
          onChange={(step) => onChange({ ...options, step })}
        />
      )}
      <NumberOption
        label="Yellow from"
        tooltip="Part of the budget from which the status is yellow, 0 to 1"
        placeholder="0.9"
        min={0}
        max={1}
        value={options.warnAt}
        onChange={(warnAt) => onChange({ ...options, warnAt })}
      />
    </>
  );
}

export const budgetVariance: QueryTypeEditor<'budgetVariance'> = {
  value: 'budgetVariance',
  label: 'Budget variance',
  description: 'What was emitted or spent against its budget, week by week, and where the running week is heading',
  groupBy: ['businessUnit'],
  defaultGroupBy: [],
  formats: ['table', 'time_series', 'number'],
  metrics: [
    { value: 'variance_pct', label: 'Variance %' },
    { value: 'variance', label: 'Variance' },
    { value: 'actual', label: 'Actual' },
    { value: 'budget', label: 'Budget' },
    { value: 'projected', label: 'Projected' },
  ],
  Options,
};
