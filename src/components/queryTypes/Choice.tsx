import React from 'react';

import { InlineField, RadioButtonGroup } from '@grafana/ui';

interface Props<T extends string> {
  label: string;
  tooltip: string;
  value: T;
  options: Array<{ value: T; label: string; description?: string }>;
  onChange: (value: T) => void;
}

/** An option with a few values, all in sight. */
export function Choice<T extends string>({ label, tooltip, value, options, onChange }: Props<T>) {
  return (
    <InlineField label={label} labelWidth={20} tooltip={tooltip}>
      <RadioButtonGroup aria-label={label} options={options} value={value} onChange={onChange} />
    </InlineField>
  );
}
